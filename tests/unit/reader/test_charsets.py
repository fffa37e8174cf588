"""Text in every Specific Character Set: the examples of PS3.5 Annexes H to K, pydicom's files, wrong declarations."""

from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import decode_bytes
from pydicom.multival import MultiValue
from pydicom.valuerep import PN_DELIMS

from indexer.reader import read_header
from indexer.reader.charsets import UNDECLARED, UNDECODABLE, decode, encodings_of
from indexer.settings import Limits
from tests.dicom_bytes import UID, explicit, item, meta, write

CHARSET_FILES = Path(pydicom.__file__).parent / "data" / "charset_files"


def decoded(raw: bytes, *declared: str, is_name: bool = True) -> tuple[str, list[str]]:
    notes: list[str] = []
    return decode(raw, encodings_of(declared)[0], notes.append, is_name=is_name), notes


# The names as the annexes print them, bytes from there, too.
@pytest.mark.parametrize(
    ("declared", "raw", "expected"),
    [
        pytest.param(
            ("", "ISO 2022 IR 87"),
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            id="H.3.1 Japanese",
        ),
        pytest.param(
            ("ISO 2022 IR 13", "ISO 2022 IR 87"),
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
            id="H.3.2 Japanese with half-width katakana",
        ),
        pytest.param(
            ("", "ISO 2022 IR 149"),
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=洪^吉洞=홍^길동",
            id="I.2 Korean",
        ),
        pytest.param(
            ("ISO_IR 192",),
            "Wang^XiaoDong=王^小东".encode(),
            "Wang^XiaoDong=王^小东",
            id="J.1 Chinese in UTF-8",
        ),
        pytest.param(
            ("GB18030",), "Wang^XiaoDong=王^小东".encode("gb18030"), "Wang^XiaoDong=王^小东", id="J.2 in GB18030"
        ),
        pytest.param(
            ("", "ISO 2022 IR 58"),
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
            "Zhang^XiaoDong=张^小东=",
            id="K.2 Chinese in GB2312",
        ),
        pytest.param(("ISO_IR 100",), b"Buc^J\xe9r\xf4me", "Buc^Jérôme", id="Latin-1"),
        pytest.param(("ISO_IR 101",), "Wałęsa".encode("iso8859_2"), "Wałęsa", id="Latin-2"),
        pytest.param(("ISO_IR 126",), "Διονυσιος".encode("iso8859_7"), "Διονυσιος", id="Greek"),
        pytest.param(("ISO_IR 127",), "قباني^لنزار".encode("iso8859_6"), "قباني^لنزار", id="Arabic"),
        pytest.param(("ISO_IR 138",), "שרון^דבורה".encode("iso8859_8"), "שרון^דבורה", id="Hebrew"),
        pytest.param(("ISO_IR 144",), "Люкceмбypг".encode("iso8859_5"), "Люкceмбypг", id="Cyrillic"),
        pytest.param(("ISO_IR 148",), "Çavuşoğlu".encode("iso8859_9"), "Çavuşoğlu", id="Turkish"),
        pytest.param(("ISO_IR 166",), "นามสกุล".encode("tis_620"), "นามสกุล", id="Thai"),
        pytest.param(
            ("ISO 2022 IR 100", "ISO 2022 IR 144", "ISO 2022 IR 126"),
            b"Buc^J\xe9r\xf4me=\x1b-L\xbb\xee\xda=\x1b-F\xc4\xe9",
            "Buc^Jérôme=Люк=Δι",
            id="three sets at once",
        ),
    ],
)
def test_text_is_decoded_in_its_character_set(declared: tuple[str, ...], raw: bytes, expected: str) -> None:
    assert decoded(raw, *declared) == (expected, [])


@pytest.mark.parametrize(
    ("declared", "raw", "expected", "note"),
    [
        ((), "Müller".encode(), "Müller", UNDECLARED),
        ((), "Müller".encode("latin_1"), "Müller", UNDECLARED),
        (("ISO_IR 192",), "Müller".encode("latin_1"), "Müller", UNDECODABLE),
        (("GB18030",), "王".encode("gb18030") + b"\xff", "王\N{REPLACEMENT CHARACTER}", UNDECODABLE),
        (("ISO 2022 IR 100",), b"a\x1b%Gb", "a%Gb", UNDECODABLE),
    ],
)
def test_text_that_is_not_in_its_character_set_is_read_as_well_as_it_can_be(
    declared: tuple[str, ...], raw: bytes, expected: str, note: str
) -> None:
    assert decoded(raw, *declared) == (expected, [note])


@pytest.mark.parametrize(
    ("spelt", "encoding"),
    [
        ("ISO-IR 100", "latin_1"),
        ("ISO IR 100", "latin_1"),
        ("ISO_IR_100", "latin_1"),
        ("iso_ir 144", "iso_ir_144"),
        ("ISO2022 IR 87", "iso2022_jp"),
        ("ISO 2022_IR 149", "euc_kr"),
        ("ISO_IR 149", "euc_kr"),
        ("UTF-8", "utf-8"),
        ("GB2312", "gb2312"),
        ("nonsense", "ascii"),
    ],
)
def test_a_misspelt_character_set_is_recognised(spelt: str, encoding: str) -> None:
    assert encodings_of((spelt,)) == ((encoding,), False)


def test_a_misspelt_character_set_is_noted(tmp_path: Path) -> None:
    data_set = explicit(0x00080005, "CS", b"ISO-IR 100") + UID + explicit(0x00100010, "PN", b"M\xfcller")
    header = read_header(write(tmp_path, meta() + data_set), Limits())
    assert header.elements["00100010"]["Value"] == [{"Alphabetic": "Müller"}]
    assert header.forgiven == ("unknown character set",)


def test_a_backslash_inside_a_multi_byte_character_separates_nothing(tmp_path: Path) -> None:
    raw = "俓\\a".encode("gb18030")
    assert raw.count(b"\\") == 2, "the second byte of the first character is a backslash"
    data_set = explicit(0x00080005, "CS", b"GB18030 ") + UID + explicit(0x00081030, "LO", raw)
    header = read_header(write(tmp_path, meta() + data_set), Limits())
    assert header.elements["00081030"]["Value"] == ["俓", "a"]


def test_an_item_may_have_a_character_set_of_its_own_and_inherits_it_otherwise(tmp_path: Path) -> None:
    own = explicit(0x00080005, "CS", b"ISO_IR 144") + explicit(0x00080104, "LO", "Люк".encode("iso8859_5"))
    inherited = explicit(0x00080104, "LO", "é".encode("latin_1"))
    sequence = explicit(0x00082218, "SQ", item(own) + item(inherited))
    data_set = explicit(0x00080005, "CS", b"ISO_IR 100") + UID + sequence
    header = read_header(write(tmp_path, meta() + data_set), Limits())
    meanings = [one["00080104"]["Value"] for one in header.elements["00082218"]["Value"]]
    assert meanings == [["Люк"], ["é"]]


def names_in(path: Path) -> list[str]:
    values = [element.value for element in pydicom.dcmread(path).iterall() if element.VR == "PN"]
    names = (name for value in values for name in (value if isinstance(value, MultiValue) else [value]))
    return [str(name).rstrip("=") for name in names if name]


@pytest.mark.parametrize("path", sorted(CHARSET_FILES.glob("*.dcm")), ids=lambda path: path.stem)
def test_names_of_every_charset_file_are_what_pydicom_reads(path: Path) -> None:
    found: list[str] = []
    stack = [read_header(path, Limits()).elements]
    while stack:
        for entry in stack.pop().values():
            if entry["vr"] == "SQ":
                stack.extend(entry.get("Value", ()))
            elif entry["vr"] == "PN":
                for name in entry.get("Value", ()):
                    groups = [name.get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic")]
                    found.append("=".join(groups).rstrip("="))
    assert sorted(found) == sorted(names_in(path))


@given(
    st.lists(
        st.sampled_from([b"\x1b(B", b"\x1b$B;3ED", b"\x1b-L\xbb\xee", b"\x1b$)C\xfb\xf3", b"abc", b"^", b"=", b"\xe9"]),
        max_size=8,
    )
)
def test_code_extensions_are_read_as_pydicom_reads_them(parts: list[bytes]) -> None:
    raw = b"".join(parts)
    declared = ("ISO 2022 IR 100", "ISO 2022 IR 87", "ISO 2022 IR 144", "ISO 2022 IR 149")
    ours, notes = decoded(raw, *declared)
    if not notes:
        assert ours == decode_bytes(raw, list(encodings_of(declared)[0]), PN_DELIMS | {ord("=")})


@given(
    st.binary(max_size=60),
    st.sampled_from(["", "ISO_IR 100", "ISO_IR 192", "GB18030", "ISO 2022 IR 87", "ISO 2022 IR 149", "ISO_IR 13"]),
)
def test_no_bytes_can_stop_the_decoder_or_give_invalid_unicode(raw: bytes, declared: str) -> None:
    text, _ = decoded(raw, declared)
    text.encode("utf-8")
