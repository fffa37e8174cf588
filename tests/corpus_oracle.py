"""What a query should find, asked of pydicom: small questions about one image, from its file and nothing else.

An image is its elements as pydicom reads them (`tests.header_oracle`): values of the top level, inside sequences, at an
exact path, of private elements. Nothing here knows how the index or the query language works.
"""

import datetime
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache, cached_property
from hashlib import sha256

from pydicom.uid import UID

from tests.corpus_archive import CorpusImage
from tests.header_oracle import Expected, expected_elements, lenient_pydicom, read_with_pydicom, written

Texts = dict[str, list[str]]


class Seen:
    """An image as pydicom sees it."""

    def __init__(self, image: CorpusImage) -> None:
        self.id, self.path, self.batch = image.id, image.path, image.batch
        self.dataset = read_with_pydicom(image.path)
        self.elements = expected_elements(self.dataset)

    @property
    def identity(self) -> str:
        """What its id should be: its UID in the data set or the meta header, else the digest of its file."""
        for uid in self.top("SOPInstanceUID")[:1] + self.top("MediaStorageSOPInstanceUID"):
            if re.fullmatch(r"[0-9.]{1,64}", uid):
                return uid
        return f"sha256-{sha256(self.path.read_bytes()).hexdigest()}"

    @cached_property
    def _top(self) -> Texts:
        return grouped((one.keyword, one) for one in self.elements if one.depth == 0 and one.keyword)

    @cached_property
    def _inside(self) -> Texts:
        return grouped((one.keyword, one) for one in self.elements if one.depth and one.keyword)

    @cached_property
    def _paths(self) -> Texts:
        return grouped((one.path, one) for one in self.elements if one.depth)

    @cached_property
    def _private(self) -> Texts:
        return grouped((own_name(one), one) for one in self.elements if one.creator)

    @cached_property
    def words(self) -> set[str]:
        """All words of letters and digits that stand anywhere, names of creators too."""
        return {word for text in self.all_texts for word in words_of(text)}

    @cached_property
    def all_texts(self) -> list[str]:
        """All values as text, at any depth, names of creators too."""
        values = [value for one in self.elements if one.kind == "value" for value in one.values]
        return list({text for value in values for text in written(value)} | self.creators)

    @cached_property
    def creators(self) -> set[str]:
        """Those who have elements here, or have reserved a block for some."""
        with lenient_pydicom():
            reserved = {str(one.value).strip() for one in self.dataset.iterall() if one.tag.is_private_creator}
        # Group lengths and what reserves a block are no elements of a creator.
        own = [
            one
            for one in self.elements
            if one.creator and one.tag & 0xFFFF > 0 and not 0x10 <= one.tag & 0xFFFF <= 0xFF
        ]
        return {one.creator for one in own} | reserved

    def top(self, keyword: str) -> list[str]:
        """Values of an element of the top level, as written."""
        return self._top.get(keyword, [])

    def inside(self, keyword: str) -> list[str]:
        """Values of an element inside sequences, at any depth."""
        return self._inside.get(keyword, [])

    def at(self, path: str) -> list[str]:
        """Values at an exact path."""
        return self._paths.get(path, [])

    def private(self, creator: str, element: str) -> list[str]:
        """Values of a private element (`0019xx02`) at any depth."""
        return self._private.get(f"{creator}:{element}", [])

    @cached_property
    def empty(self) -> set[str]:
        """Paths of elements without a value."""
        return {one.path for one in self.elements if one.kind == "empty"}

    @cached_property
    def sequences(self) -> set[str]:
        """Paths of sequences with an item."""
        return {one.path for one in self.elements if one.kind == "structural" and one.vr in ("SQ", "UN")}


Question = Callable[[Seen], bool]


def own_name(one: Expected) -> str:
    """The name of a private element without the path before it; names of creators may have dots and colons in them."""
    return f"{one.creator}:{one.path.rpartition(':')[2]}"


def grouped(named: Iterable[tuple[str, Expected]]) -> Texts:
    """Collect the values of elements by a name."""
    found: Texts = defaultdict(list)
    for name, one in named:
        if one.kind == "value":
            found[name] += [text for value in one.values for text in written(value)]
    return found


def plain(text: str) -> str:
    """Write a text in small letters and without the accents of Latin, Greek and Cyrillic."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not 0x300 <= ord(c) <= 0x36F).lower()


@cache
def words_of(text: str) -> tuple[str, ...]:
    """Runs of letters and digits."""
    return tuple(re.findall(r"[^\W_]+", plain(text)))


def has_words(texts: Iterable[str], *wanted: str) -> bool:
    """Whether one of the texts has these words beside each other."""
    return any(_beside(words_of(text), wanted) for text in texts)


def _beside(words: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return wanted[0] in words and any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def has_name(texts: Iterable[str], *wanted: str) -> bool:
    """Whether one of the names has all these words, in any order."""
    return any(set(wanted) <= set(words_of(text)) for text in texts)


def begins(texts: Iterable[str], start: str) -> bool:
    """Whether one of the texts begins so."""
    return any(text.lower().startswith(start.lower()) for text in texts)


def numbers(texts: Iterable[str]) -> list[float]:
    """Those that are numbers."""
    found = []
    for text in texts:
        try:
            found.append(float(text))
        except ValueError:
            continue
    return [number for number in found if number - number == 0]


def dates(texts: Iterable[str]) -> list[str]:
    """Those that are dates of the calendar, as YYYYMMDD; ACR-NEMA wrote 1997.06.09."""
    found = []
    for text in texts:
        digits = re.sub(r"^(\d{4})\.(\d\d)\.(\d\d)$", r"\1\2\3", text)
        try:
            found.append(datetime.datetime.strptime(digits, "%Y%m%d").strftime("%Y%m%d"))  # noqa: DTZ007
        except ValueError:
            continue
    return found


def times(texts: Iterable[str]) -> list[str]:
    """Times of day as HHMMSS."""
    found = [re.fullmatch(r"([01]\d|2[0-3])(?::?([0-5]\d)(?::?([0-5]\d)(\.\d+)?)?)?", text) for text in texts]
    return [f"{one[1]}{one[2] or '00'}{one[3] or '00'}" for one in found if one]


def years(texts: Iterable[str]) -> list[float]:
    """Ages in years."""
    found = [re.fullmatch(r"(\d{1,3})([DWMY])", text) for text in texts]
    return [int(one[1]) * {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1}[one[2]] for one in found if one]


def uid_name(texts: list[str]) -> str:
    """What the standard calls a UID."""
    return UID(texts[0]).name if texts else ""
