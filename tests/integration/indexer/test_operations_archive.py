"""Archiving after success: what is archived is still found and read, at every moment."""

import errno
import os
from pathlib import Path
from typing import Any

import orjson
import pydicom
import pytest

from indexer import operations
from indexer.operations import archiving, cleaning
from indexer.operations.archiving import safe_name
from indexer.recovery import Recovery
from indexer.sink import Document, Removal
from tests.operating import Operating

UIDS = ("1.2.1", "1.2.2", "1.2.3")


@pytest.fixture
def archive(operating: Operating, tmp_path: Path) -> Path:
    """Cleaning up archives, from the next import on."""
    operating.configure(cleanup="archive", archive_folder=tmp_path / "archive")
    return tmp_path / "archive"


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


def why(operating: Operating) -> Any:
    return operating.services.status.events("CASE-1")[0].details


class TestArchive:
    """`archive`."""

    @pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
    def test_files_are_in_the_archive_by_study_and_series_and_their_documents_say_so(
        self, operating: Operating, archive: Path
    ) -> None:
        folder = operating.make("CASE-1", *UIDS[:2], StudyInstanceUID="1.5", SeriesInstanceUID="1.6")
        operating.write(folder / "no study.dcm", "1.2.3", StudyInstanceUID="", SeriesInstanceUID="../../evil")
        before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        operating.deliver(folder)
        assert not folder.exists()
        documents = operating.documents()
        assert files_in(archive)[0:2] == ["1.5/1.6/1.2.1.dcm", "1.5/1.6/1.2.2.dcm"]
        assert len(files_in(archive)) == 3
        for uid, document in documents.items():
            path = Path(document["file"]["path"])
            assert path.is_relative_to(archive)
            assert document["file"]["name"] == path.name == f"{uid}.dcm"
            assert pydicom.dcmread(path).SOPInstanceUID == uid
            assert document["file"]["size"] == path.stat().st_size
            assert '"00080018"' in document["header"]
        assert (archive / "1.5" / "1.6" / "1.2.1.dcm").stat().st_mtime_ns == before["0.dcm"]
        assert operations.verify(operating.services, "CASE-1", repair=False, files=True).agrees
        assert operations.sync(operating.services, "CASE-1", apply=True).cleaned == 3

    def test_a_document_keeps_all_but_the_place_of_its_file(self, operating: Operating, archive: Path) -> None:
        operating.configure(cleanup="keep")
        operating.imported("CASE-0", "1.2.1", PatientID="OTHER")
        operating.imported("CASE-1", "1.2.1")
        before = operating.documents()["1.2.1"]
        operating.configure(cleanup="archive")
        operations.clean(operating.services, "CASE-1")
        after = operating.documents()["1.2.1"]
        assert after["duplicates"] == before["duplicates"]
        assert {**after, "file": None} == {**before, "file": None}

    def test_a_different_file_in_the_archive_stays(self, operating: Operating, archive: Path) -> None:
        common = {"StudyInstanceUID": "1.5", "SeriesInstanceUID": "1.6"}
        operating.imported("CASE-1", "1.2.1", **common)
        operating.imported("CASE-2", "1.2.1", **common)  # the same again: one file is enough
        operating.imported("CASE-3", "1.2.1", PatientID="OTHER", **common)
        assert files_in(archive) == ["1.5/1.6/1.2.1-2.dcm", "1.5/1.6/1.2.1.dcm"]
        document = operating.documents()["1.2.1"]
        assert document["file"]["name"] == "1.2.1-2.dcm"
        assert pydicom.dcmread(document["file"]["path"]).PatientID == "OTHER"
        assert [Path(one["path"]).name for one in document["duplicates"]] == ["1.2.1.dcm"]

    def test_a_link_that_was_planted_in_the_archive_is_not_followed(
        self, operating: Operating, archive: Path, tmp_path: Path
    ) -> None:
        (archive / "1.5" / "1.6").mkdir(parents=True)
        (archive / "1.5" / "1.6" / "1.2.1.dcm").symlink_to(tmp_path / "elsewhere.dcm")
        operating.imported("CASE-1", "1.2.1", StudyInstanceUID="1.5", SeriesInstanceUID="1.6")
        assert files_in(archive) == ["1.5/1.6/1.2.1-2.dcm", "1.5/1.6/1.2.1.dcm"]
        assert not (tmp_path / "elsewhere.dcm").exists()

    def test_what_is_lost_after_cleaning_up_is_told_and_what_can_be_is_repaired(
        self, operating: Operating, archive: Path
    ) -> None:
        operating.imported("CASE-1", *UIDS)
        operating.configure(cleanup="keep")
        operating.imported("CASE-2", "1.2.1")
        found = operating.services.elasticsearch.get(index=operating.services.settings.index, id="1.2.1")
        source = {name: value for name, value in found["_source"].items() if name != "duplicates"}
        version = operating.services.sink.existing(["1.2.2"])["1.2.2"].version
        operating.services.sink.write(
            [Document("1.2.1", orjson.dumps(source), found["_version"] + 1), Removal("1.2.2", version)]
        )
        report = operations.verify(operating.services, "CASE-1", repair=True)
        assert report.counts == {"unnamed": 1, "unrecoverable": 1}
        assert operating.where()["1.2.1"] == ("CASE-2", ["CASE-1"])
        assert operations.verify(operating.services, "CASE-1", repair=False).counts == {"unrecoverable": 1}

    @pytest.mark.parametrize("links", [True, False])
    def test_on_another_file_system_files_are_copied_and_compared(
        self, operating: Operating, archive: Path, monkeypatch: pytest.MonkeyPatch, links: bool
    ) -> None:
        def no_link(*_: object, **__: object) -> None:
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        monkeypatch.setattr(archiving.Folder, "link", no_link)
        if not links:
            monkeypatch.setattr(os, "link", no_link)
        folder = operating.make("CASE-1", "1.2.1")
        content, modified = (folder / "0.dcm").read_bytes(), (folder / "0.dcm").stat().st_mtime_ns
        operating.deliver(folder)
        path = Path(operating.documents()["1.2.1"]["file"]["path"])
        assert path.read_bytes() == content
        assert path.stat().st_mtime_ns == modified
        assert len(files_in(archive)) == 1
        assert not folder.exists()

    def test_a_copy_that_differs_is_no_reason_to_delete(
        self, operating: Operating, archive: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_link(*_: object, **__: object) -> None:
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        monkeypatch.setattr(archiving.Folder, "link", no_link)
        monkeypatch.setattr(archiving, "_digest", lambda _: "rotten")
        operating.imported("CASE-1", "1.2.1")
        assert files_in(operating.folder / "CASE-1") == ["0.dcm"]
        assert files_in(archive) == []
        assert "the copy in the archive differs" in why(operating)["because"]

    @pytest.mark.parametrize(
        ("place", "step"), [(cleaning, "rewrite"), (archiving.Folder, "delete"), (cleaning, "delete_empty")]
    )
    def test_interrupted_anywhere_it_goes_on_and_every_file_can_be_read_meanwhile(
        self,
        operating: Operating,
        archive: Path,
        monkeypatch: pytest.MonkeyPatch,
        place: Any,
        step: str,
    ) -> None:
        folder = operating.make("CASE-1", *UIDS)
        real, calls = getattr(place, step), [0]

        def interrupted(*arguments: Any) -> Any:
            calls[0] += 1
            if calls[0] == (2 if step == "delete" else 1):
                raise KeyboardInterrupt
            return real(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(place, step, interrupted)
            with pytest.raises(KeyboardInterrupt):
                operating.deliver(folder)
        assert all(Path(one["file"]["path"]).exists() for one in operating.documents().values())
        now = [0.0]
        recovery = Recovery(operating.services, clock=lambda: now[0])
        recovery.check()
        now[0] = 1_000.0
        recovery.check()
        assert operating.names == ["clean"]
        operating.run()
        assert not folder.exists()
        assert len(files_in(archive)) == 3
        assert all(Path(one["file"]["path"]).is_relative_to(archive) for one in operating.documents().values())
        assert operating.services.status.to_clean() == []

    def test_an_image_that_is_indexed_again_meanwhile_keeps_its_file(
        self, operating: Operating, archive: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        operating.configure(cleanup="keep")
        operating.imported("CASE-1", "1.2.1")
        real = cleaning.rewrite

        def after_another_batch(*arguments: Any) -> None:
            # Whose own files stay where they are.
            operating.configure(cleanup="keep")
            operating.imported("CASE-2", "1.2.1")
            real(*arguments)

        monkeypatch.setattr(cleaning, "rewrite", after_another_batch)
        operating.configure(cleanup="archive")
        cleaned = operations.clean(operating.services, "CASE-1")
        assert (cleaned.files, dict(cleaned.kept)) == (0, {"it was indexed again meanwhile": 1})
        assert files_in(operating.folder / "CASE-1") == ["0.dcm"]


def test_names_for_the_archive_are_safe_and_differ() -> None:
    assert safe_name("1.2.840.10008") == "1.2.840.10008"
    keys = ["", ".", "..", "a/b", "a_b", "../../etc", "x" * 500, "x" * 501, "山田", "a\0b", "\ud800", "-rf", "CON:"]
    names = [safe_name(key) for key in keys]
    assert len(set(names)) == len(names)
    for name in names:
        assert name not in ("", ".", "..")
        assert all(character.isascii() and (character.isalnum() or character in "._-") for character in name)
        assert len(name) <= 140
