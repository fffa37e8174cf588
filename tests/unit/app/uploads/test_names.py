"""What uploaded files and batches may be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.uploads import UnusableBatchNameError, UnusablePathError, folder_name, relative_path
from indexer.files import is_finished_name


@pytest.mark.parametrize(
    ("sent", "safe"),
    [
        ("IM1.dcm", "IM1.dcm"),
        ("DICOM/PA1/IM1", "DICOM/PA1/IM1"),
        ("DICOM\\PA1\\IM1", "DICOM/PA1/IM1"),
        ("./a//b/./c", "a/b/c"),
        ("..a/b..", "..a/b.."),
        (" a b /é 山", " a b /é 山"),
        (".hidden", ".hidden"),
        ("ab:c", "ab:c"),
        ("x" * 255, "x" * 255),
    ],
)
def test_a_path_inside_the_batch_is_taken(sent: str, safe: str) -> None:
    assert relative_path(sent) == safe


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("", "no name"),
        (".", "no name"),
        ("/etc/passwd", "absolute"),
        ("//server/share", "absolute"),
        ("\\\\server\\share", "absolute"),
        ("C:\\Windows\\x", "absolute"),
        ("c:x", "absolute"),
        ("./c:/x", "absolute"),
        ("..", "“..”"),
        ("../x", "“..”"),
        ("a/../../x", "“..”"),
        ("a\\..\\..\\x", "“..”"),
        ("a/", "folder"),
        ("a\\", "folder"),
        ("a\x00b", "control"),
        ("a\nb", "control"),
        ("a\u2028b", "control"),
        ("a\ud800", "Unicode"),
        ("x" * 256, "255"),
        ("é" * 128, "255"),
        ("a/" * 101 + "b", "deep"),
        ("/".join(["x" * 200] * 16), "deep"),
    ],
)
def test_a_path_that_leads_elsewhere_or_nowhere_is_refused_with_the_reason(sent: str, reason: str) -> None:
    with pytest.raises(UnusablePathError, match=reason) as caught:
        relative_path(sent)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


@given(st.text(max_size=40) | st.lists(st.sampled_from(["..", ".", "a", "/", "\\", "C:", "\0"])).map("".join))
def test_whatever_is_taken_stays_inside(text: str) -> None:
    try:
        path = relative_path(text)
    except UnusablePathError:
        return
    parts = path.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert relative_path(path) == path


@pytest.mark.parametrize(
    ("sent", "safe"),
    [
        ("CASE-17", "CASE-17"),
        ("  Chest   CT ", "Chest CT"),
        ("a/b\\c", "a-b-c"),
        (".hidden", "hidden"),
        ("../..", None),
        ("x.tmp", "x-tmp"),
        ("x.tmp-1", "x-tmp-1"),
        ("x.tmp.old", "x.tmp.old"),
        ("Prüfung", "Prüfung"),
        ("Pru\u0308fung", "Prüfung"),
        ("山田", "山田"),
        ("a\u202eb", "a-b"),
        ("a\x00b", "a-b"),
        ("", None),
        (" . ", None),
        ("\ud800", None),
        ("x" * 101, None),
        ("山" * 100, None),
    ],
)
def test_the_name_of_a_batch_is_made_fit_for_a_finished_folder(sent: str, safe: str | None) -> None:
    if safe is None:
        with pytest.raises(UnusableBatchNameError):
            folder_name(sent)
    else:
        assert folder_name(sent) == safe


@given(st.text(max_size=120))
def test_a_name_that_is_taken_counts_as_finished_and_is_one_component(text: str) -> None:
    try:
        name = folder_name(text)
    except UnusableBatchNameError:
        return
    assert is_finished_name(name)
    assert "/" not in name
