"""The dictionary of an archive: fields that occur in it, and how one finds them by keyword, tag, VR or name."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.search.fields import Field, Shape

_NOT_HEXADECIMAL = re.compile(r"[(),\s]")
_TAG_LIKE = re.compile(r"\(?[0-9A-Fa-f]{4}[,\s]*[0-9A-FXa-fx]{0,4}\)?")


@dataclass(frozen=True, slots=True)
class HeaderField:
    """A field that occurs in the archive.

    Attributes
    ----------
    field
        As a query names it.
    images
        That have a value of it.
    """

    field: Field
    images: int

    @property
    def tag(self) -> str | None:
        """As the standard writes it; of a private element with `xx` for its block."""
        attribute = self.field.attribute
        if attribute is not None:
            return f"({attribute.tag >> 16:04X},{attribute.tag & 0xFFFF:04X})"
        head, _, rest = self.field.path.partition(".")
        if self.field.shape is not Shape.KEYED or head not in ("private", "other"):
            return None
        element = rest.rpartition(".")[2]
        return f"({element[:4]},{element[4:]})"

    @property
    def vr(self) -> str | None:
        """Its value representation, where the standard knows it."""
        return self.field.attribute.vr if self.field.attribute else None

    @property
    def name(self) -> str | None:
        """Its name in the standard; of a private element, whose it is."""
        if self.field.attribute is not None:
            return self.field.attribute.name or None
        head, _, rest = self.field.path.partition(".")
        is_private = self.field.shape is Shape.KEYED and head == "private"
        return f"Private element of {rest.rpartition('.')[0]}" if is_private else None


def matching(fields: Iterable[HeaderField], text: str) -> list[HeaderField]:
    """Those that fit what a person types, the best first: in equal ones those of most images.

    Parameters
    ----------
    fields
        To choose from.
    text
        Words; each is a part of the keyword or of the name, a VR, or the beginning of a tag.
    """
    words = text.casefold().split() if not _TAG_LIKE.fullmatch(text.strip()) else [text.strip().casefold()]
    found = []
    for field in fields:
        ranks = [_rank(field, word) for word in words]
        if None not in ranks:
            found.append((sum(rank or 0 for rank in ranks), field))
    found.sort(key=lambda one: (one[0], -one[1].images, len(one[1].field.name), one[1].field.name))
    return [field for _, field in found]


def _rank(field: HeaderField, word: str) -> int | None:
    """How well a field fits a word, 0 best; None where it does not."""
    keyword = field.field.name.casefold()
    name = (field.name or "").casefold()
    last = keyword.rpartition(".")[2]
    if word in (keyword, last):
        return 0
    if keyword.startswith(word):
        return 1
    if last.startswith(word) or (field.vr or "").casefold() == word:
        return 2
    if any(part.startswith(word) for part in _words(name)):
        return 3
    if word in keyword or word in name:
        return 4
    tag = _NOT_HEXADECIMAL.sub("", field.tag or "").casefold()
    digits = _NOT_HEXADECIMAL.sub("", word)
    return 2 if len(digits) >= 4 and tag.startswith(digits) else None


def _words(name: str) -> Sequence[str]:
    return re.findall(r"\w+", name)
