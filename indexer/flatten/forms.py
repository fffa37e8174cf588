"""Forms of values that search relies on: the search form of text, numbers as strings that sort, keys of elements.

The query compiler uses the same functions, so that a query and a document always agree.
"""

import re
import struct
import unicodedata
from collections.abc import Sequence

_JOINTS = re.compile(r"(?<=[^\W_])_+|_+(?=[^\W_])|(?<=[^\W\d_])[.:'](?=[^\W\d_])")
_DIACRITICS = re.compile("[\u0300-\u036f]")
_DOUBLE, _BITS = struct.Struct(">d"), struct.Struct(">Q")


def search_form(text: str) -> str:
    """Write a text so that its words are found: joints at letters become spaces, Latin diacritics go.

    The standard analyzer keeps `t1_mprage_sag` as one word, and takes the signs of `System__` for a part of it. Only
    U+0300 to U+036F are removed: the marks of other scripts make other letters (だ is no た).
    """
    if text.isascii():
        return _JOINTS.sub(" ", text) if _may_have_joints(text) else text
    plain = _DIACRITICS.sub("", unicodedata.normalize("NFD", text))
    return _JOINTS.sub(" ", unicodedata.normalize("NFC", plain))


def _may_have_joints(text: str) -> bool:
    """Tell at once most texts without joints: short words, and UIDs."""
    return "_" in text or ":" in text or "'" in text or ("." in text and not text.replace(".", "").isdigit())


def name_form(group: str, *, is_alphabetic: bool) -> str:
    """Write one group of a person name so that it is found: 홍^길동 as 홍길동, Müller^Jörg as Muller Jorg."""
    if is_alphabetic:
        return search_form(group.replace("^", " ")).strip()
    return search_form(group.replace("^", ""))


def sortable(number: float) -> str:
    """Write a number as 16 hexadecimal digits that sort as the numbers do.

    Parameters
    ----------
    number
        A finite number; whole numbers beyond 2**53 lose their last digits.
    """
    (bits,) = _BITS.unpack(_DOUBLE.pack(number + 0.0))  # -0.0 becomes 0.0
    return f"{bits ^ 0xFFFFFFFFFFFFFFFF if bits >> 63 else bits | 0x8000000000000000:016X}"


def sortables(numbers: Sequence[float]) -> list[str]:
    """Write many numbers so that they sort; see `sortable`."""
    return [sortable(number) for number in numbers]


def private_key(tag: str) -> str:
    """Write a private tag relative to its block: `00191002` is `0019xx02`.

    Parameters
    ----------
    tag
        Eight hexadecimal digits in upper case.
    """
    return tag if tag[4:6] == "00" else f"{tag[:4]}xx{tag[6:]}"
