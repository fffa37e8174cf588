"""Text of any Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 §6.1), of wrong and misspelt ones too.

Reading must never fail because of a character set: what is undeclared or does not decode is read as UTF-8 where it is
that, else as Latin-1, and noted. pydicom's table of encodings is used; its decoder is not, because it reports by
warnings, and splits values before it decodes them (the second byte of a GB18030 or Shift JIS character may be a
backslash).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from pydicom.charset import CODES_TO_ENCODINGS, python_encoding

DEFAULT = "ascii"
ESCAPE = b"\x1b"

# Sets in which Python's codec itself follows the escape sequences.
_ESCAPES_IN_CODEC = frozenset({"iso2022_jp", "iso2022_jp_2"})
_FRAGMENTS = re.compile(rb"(^[^\x1b]+|\x1b[^\x1b]*)")
# A control character or a separator ends a code extension (PS3.5 §6.1.2.5.3).
_RESETS = re.compile(rb"[\\\r\n\f\t]")
_RESETS_IN_NAMES = re.compile(rb"[\\\r\n\f\t^=]")
_SPELLING = re.compile(r"ISO[ _-]*(2022)?[ _-]*IR[ _-]*(\d+)", re.IGNORECASE)
_OTHER_NAMES = {
    "UTF8": "utf-8",
    "UTF-8": "utf-8",
    "ASCII": DEFAULT,
    "US-ASCII": DEFAULT,
    "LATIN1": "latin_1",
    "LATIN-1": "latin_1",
    "ISO8859-1": "latin_1",
    "ISO-8859-1": "latin_1",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "GB2312": "gb2312",
    "SHIFT_JIS": "shift_jis",
    "EUC-KR": "euc_kr",
}

Note = Callable[[str], None]

UNKNOWN_SET = "unknown character set"
UNDECLARED = "text outside the declared character set"
UNDECODABLE = "text that is damaged in its character set"


@lru_cache(maxsize=256)
def encodings_of(declared: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Translate the values of SpecificCharacterSet into Python's encodings.

    Returns
    -------
    tuple
        The encodings, the first being the initial one, and whether all values are spelt as the standard has them.
    """
    found = [_encoding(name.strip()) for name in declared] or [(DEFAULT, True)]
    return tuple(name for name, _ in found), all(regular for _, regular in found)


def _encoding(name: str) -> tuple[str, bool]:
    if name in {"", "ISO_IR 6", "ISO 2022 IR 6"}:
        return DEFAULT, True
    if name in python_encoding:
        return python_encoding[name], True
    spelling = _SPELLING.fullmatch(name)
    if spelling:
        # Whichever form was meant: the encoding of both is the same.
        for form in ("ISO 2022 IR {}", "ISO_IR {}"):
            encoding = python_encoding.get(form.format(spelling[2]))
            if encoding:
                return (DEFAULT if spelling[2] == "6" else encoding), False
    return _OTHER_NAMES.get(name.upper(), DEFAULT), False


def decode(raw: bytes, encodings: Sequence[str], note: Note, *, is_name: bool = False) -> str:
    """Decode text, whatever it takes.

    Parameters
    ----------
    raw
        The bytes of a whole element, separators included.
    encodings
        From `encodings_of`.
    note
        Is told what had to be forgiven.
    is_name
        Whether `^` and `=` end a code extension, too (PN).
    """
    if ESCAPE in raw:
        return "".join(_fragments(raw, encodings, note, _RESETS_IN_NAMES if is_name else _RESETS))
    if raw.isascii():
        return raw.decode(encodings[0] if encodings[0] == "iso2022_jp" else DEFAULT)
    return _plain(raw, encodings[0], note)


def _fragments(raw: bytes, encodings: Sequence[str], note: Note, resets: re.Pattern[bytes]) -> Iterable[str]:
    for fragment in _FRAGMENTS.findall(raw):
        if not fragment.startswith(ESCAPE):
            yield _plain(fragment, encodings[0], note)
            continue
        length = 4 if fragment[1:3] in {b"$(", b"$)"} else 3
        encoding = CODES_TO_ENCODINGS.get(fragment[:length])
        if encoding is None:
            note(UNDECODABLE)
            yield _plain(fragment[1:], encodings[0], note)
        elif encoding in _ESCAPES_IN_CODEC:
            yield _plain(fragment, encoding, note)
        else:
            fragment = fragment[length:]
            reset = resets.search(fragment)
            end = reset.start() if reset else len(fragment)
            yield _plain(fragment[:end], encoding, note)
            yield _plain(fragment[end:], encodings[0], note)


def _plain(raw: bytes, encoding: str, note: Note) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        pass
    if encoding in {DEFAULT, "iso8859"}:
        note(UNDECLARED)
    elif encoding.lower().replace("-", "") == "utf8":
        note(UNDECODABLE)
    else:
        # Mostly right, with a hole: better than the whole text in another alphabet.
        note(UNDECODABLE)
        return raw.decode(encoding, errors="replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin_1")
