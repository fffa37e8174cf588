"""What identifies in the files of an archive, as pydicom and the standard's table say; and whether a text tells it.

Nothing here knows how the application masks. An element identifies where PS3.15 table E.1-1 has a row for it or for a
sequence around it, where it or a sequence around it is private, and where it is the name of a person.
"""

import html
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c import ALL_TAGS
from pydicom.datadict import DicomDictionary, tag_for_keyword
from pydicom.uid import UID_dictionary

from tests.corpus_oracle import Seen
from tests.header_oracle import Expected, written

# Shorter numbers are also counts, lengths and numbers of pixels.
_SHORTEST, _SHORTEST_OF_DIGITS = 4, 7
_WORDS = re.compile(r"[^\W_]+|\|")
_BETWEEN = re.compile(r"""[<>"',;|\n]+""")
_MOST_WORDS = 12  # of a long text: enough to know it by


@dataclass
class Secrets:
    """Texts that identify, as words beside each other.

    Attributes
    ----------
    values
        As the files have them: of which attribute, or whose, and the value.
    """

    values: list[tuple[str, str]] = field(default_factory=list)
    _by_word: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def told_by(self, text: str) -> set[str]:
        """Those that stand in a text."""
        joined = plain(html.unescape(text))
        return {one for word in set(joined.split()) for one in self._by_word.get(word, ()) if f" {one} " in joined}

    def add(self, text: str) -> None:
        """Add one, unless it is too short to tell anything."""
        one = " ".join(plain(text).split()[:_MOST_WORDS]).strip("| ")
        letters = re.sub("[ |]", "", one)
        if len(letters) >= (_SHORTEST_OF_DIGITS if letters.isdecimal() else _SHORTEST):
            self._by_word[max(one.split(), key=len)].add(one)

    def forget(self, others: set[str]) -> None:
        """Leave some out."""
        for word, ones in self._by_word.items():
            self._by_word[word] = ones - others

    def __len__(self) -> int:
        return sum(map(len, self._by_word.values()))


def secrets_of(images: Iterable[Seen], may_be_seen: Iterable[str]) -> Secrets:
    """Collect what identifies in images, and stands in nothing that may be seen.

    Parameters
    ----------
    may_be_seen
        Texts that stand on pages whatever the archive holds.
    """
    secrets = Secrets()
    found: dict[tuple[str, str], None] = {}
    harmless = {*may_be_seen, *_of_the_standard()}
    for image in images:
        found |= dict.fromkeys(("file", text) for text in (image.id, str(image.path), image.path.name, image.batch))
        found |= dict.fromkeys(("creators", creator) for creator in image.creators if creator != "none")
        for one in image.elements:
            texts = [text for value in one.values for text in written(value)]
            if identifies(one):
                found |= dict.fromkeys((one.keyword or one.path, text) for text in texts)
            else:
                harmless |= {*texts, "\\".join(texts)}
    for _, text in found:
        for form in _forms(text):
            secrets.add(form)
    secrets.forget({one for text in harmless for one in secrets.told_by(text)})
    # Those that are not among the secrets were too short, or harmless.
    secrets.values = [(name, text) for name, text in found if secrets.told_by(text)]
    return secrets


def identifies(one: Expected) -> bool:
    """Whether an element does, by itself or by where it stands."""
    if one.tag >> 16 & 1 or ":" in one.path or one.vr == "PN" or in_table(one.tag):
        return True
    return any(in_table(tag) for step in one.path.split(".")[:-1] if (tag := tag_for_keyword(step)) is not None)


@cache
def in_table(tag: int) -> bool:
    """Whether the table has a row for a tag."""
    for group, element, *masks in ALL_TAGS:
        of_group, of_element = masks or (0xFFFF, 0xFFFF)
        if tag >> 16 & of_group == group & of_group and tag & 0xFFFF & of_element == element & of_element:
            return True
    return False


def plain(text: str) -> str:
    """The words of a text in small letters and without accents, and where one thing ends and another begins."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not 0x300 <= ord(c) <= 0x36F)
    return f" {' '.join(_WORDS.findall(_BETWEEN.sub(' | ', unicodedata.normalize('NFC', bare).casefold())))} "


def _forms(text: str) -> Iterator[str]:
    """How a value may be written: as it is, each component of a name, a date and a time as people write them."""
    yield text
    if "^" in text:
        yield from (part for part in re.split(r"[\^=]", text) if not part.isdecimal())
    for pattern, shown in (("%Y%m%d", "%Y-%m-%d"), ("%Y%m%d", "%-d %b %Y"), ("%H%M%S", "%H:%M:%S")):
        try:
            yield datetime.strptime(text.partition(".")[0], pattern).strftime(shown)  # noqa: DTZ007
        except ValueError:
            continue


def _of_the_standard() -> Iterator[str]:
    """Names of the standard: they are on pages, and some are values of files."""
    for _vr, _vm, name, _retired, keyword in DicomDictionary.values():
        yield from (name, keyword)
    for uid, (name, *_) in UID_dictionary.items():
        yield from (uid, name)
