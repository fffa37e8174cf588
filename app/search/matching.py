"""Where in a text the words of a query stand: whole words, in any case, with or without diacritics.

The same that Elasticsearch's standard analyzer and our search form find, told in places of the text as it is shown. No
regular expression that a person typed is run here, and patterns are matched in linear time: texts may be long.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

from app.search.values import Value, Wildcard

Span: TypeAlias = tuple[int, int]
Spans: TypeAlias = list[Span]
Finder: TypeAlias = Callable[[str], Spans | None]
"""Finds what fits in a text; None where it does not fit, and no spans where it fits as a whole or unseen."""

_WORD = re.compile(r"[^\W_]+(?:(?<=\d)[.,;'](?=\d)[^\W_]+)*")
_WIDE_WORD = re.compile(r"[^\W_](?:[\w.:']*[^\W_])?")
_DIACRITICS = re.compile("[\u0300-\u036f]")
_IDEOGRAPH = re.compile("[\u2e80-\u309f\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_BETWEEN = r"[\W_]+"
_JOINTS_OF_NUMBERS = ".,;'"


class Folded:
    """A text in lower case and without diacritics, that knows where each character came from."""

    __slots__ = ("_origins", "text")

    def __init__(self, text: str) -> None:
        self._origins: list[int] | None = None
        if text.isascii():
            self.text = text.lower()
            return
        characters = [(folded, at) for at, character in enumerate(text) for folded in _plain(character)]
        self.text = "".join(character for character, _ in characters)
        self._origins = [at for _, at in characters]

    def origin(self, start: int, end: int) -> Span:
        """Where a stretch stands in the text as it was."""
        if self._origins is None:
            return start, end
        return self._origins[start], self._origins[end - 1] + 1


def folded(text: str) -> str:
    """Write a text in lower case and without Latin diacritics."""
    return Folded(text).text


def words_in(text: str) -> list[str]:
    """The words of a text, folded."""
    return _WORD.findall(folded(text))


def whole(text: str) -> Spans:
    """Mark a text as a whole."""
    return [(0, len(text))] if text else []


def phrase(words: Sequence[str]) -> Finder:
    """Find words beside each other."""
    pattern = re.compile(_BETWEEN.join(_characters(word) for word in words))

    def find(text: str) -> Spans | None:
        place = Folded(text)
        return [place.origin(*span) for span in _whole_words(pattern, place.text)] or None

    return find


def all_words(words: Iterable[str]) -> Finder:
    """Find words anywhere in a text, all of them."""
    finders = [phrase([word]) for word in words]

    def find(text: str) -> Spans | None:
        found = [one(text) for one in finders]
        return None if not found or None in found else merged(span for spans in found for span in spans or ())

    return find


def patterned_words(pattern: Value, *, whole_values: bool) -> Finder:
    """Find words that fit a pattern, and texts that fit it as a whole."""
    parts = tuple(folded(part) if isinstance(part, str) else part for part in pattern.parts)

    def find(text: str) -> Spans | None:
        if whole_values and glob(parts, folded(text)):
            return whole(text)
        place = Folded(text)
        words = {match.span() for each in (_WORD, _WIDE_WORD) for match in each.finditer(place.text)}
        found = [place.origin(*span) for span in words if glob(parts, place.text[slice(*span)])]
        return merged(found) or None

    return find


def similar_words(word: str, edits: int) -> Finder:
    """Find words that differ from one by a few letters."""

    def find(text: str) -> Spans | None:
        place = Folded(text)
        found = [place.origin(*match.span()) for match in _WORD.finditer(place.text) if _near(match[0], word, edits)]
        return found or None

    return find


def merged(spans: Iterable[Span]) -> Spans:
    """Write spans in order, those that touch as one."""
    joined: Spans = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def glob(parts: Sequence[str | Wildcard], text: str) -> bool:
    """Whether a whole text fits a pattern."""
    wanted = [one for part in parts for one in ([part] if isinstance(part, Wildcard) else part)]
    at = position = 0
    star: int | None = None
    after = 0
    while position < len(text):
        if at < len(wanted) and wanted[at] is Wildcard.MANY:
            star, after = at, position
            at += 1
        elif at < len(wanted) and wanted[at] in (Wildcard.ONE, text[position]):
            at, position = at + 1, position + 1
        elif star is not None:
            after += 1
            at, position = star + 1, after
        else:
            return False
    return all(one is Wildcard.MANY for one in wanted[at:])


def _characters(word: str) -> str:
    """Write a word as a regular expression: each ideograph is a word to the analyzer, whatever stands between two."""
    pieces = [re.escape(word[:1])]
    for before, character in pairwise(word):
        apart = _IDEOGRAPH.match(before) or _IDEOGRAPH.match(character)
        pieces.append(("[\\W_]*" if apart else "") + re.escape(character))
    return "".join(pieces)


def _plain(character: str) -> str:
    if character.isascii():
        return character.lower()
    bare = _DIACRITICS.sub("", unicodedata.normalize("NFD", character))
    return unicodedata.normalize("NFC", bare).lower()


def _whole_words(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    at = 0
    while (match := pattern.search(text, at)) is not None:
        start, end = match.span()
        if start == end:
            return
        if _is_joined(text, start) or _is_joined(text, end):
            at = start + 1
        else:
            yield start, end
            at = end


def _is_joined(text: str, at: int) -> bool:
    """Whether the characters before and after a place belong to one word."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before.isalnum() and after.isalnum():
        return not (_IDEOGRAPH.match(before) or _IDEOGRAPH.match(after))
    if before.isdigit() and after in _JOINTS_OF_NUMBERS:
        return text[at + 1 : at + 2].isdigit()
    if before in _JOINTS_OF_NUMBERS and after.isdigit():
        return at >= 2 and text[at - 2].isdigit()
    return False


def _near(word: str, wanted: str, edits: int) -> bool:
    """Whether a word becomes another one by so many changes: letters put in, left out, replaced or swapped."""
    if abs(len(word) - len(wanted)) > edits:
        return False
    before: list[int] = []
    row = list(range(len(wanted) + 1))
    for i, letter in enumerate(word, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(wanted, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == wanted[j - 2] and word[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1] <= edits
