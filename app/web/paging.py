"""Pages of lists, by number."""

from dataclasses import dataclass
from typing import Self

from flask import abort

_LONGEST = 9


@dataclass(frozen=True, slots=True)
class Pages:
    """Where one is in a list: page `number` (from 1) of pages of `size` entries, `count` entries in all."""

    number: int
    size: int
    count: int

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max((self.count + self.size - 1) // self.size, 1)

    @property
    def first_entry(self) -> int:
        """The place of the page's first entry in the list, from 1."""
        return (self.number - 1) * self.size + 1

    @property
    def last_entry(self) -> int:
        """The place of the page's last entry in the list."""
        return min(self.number * self.size, self.count)

    def checked(self) -> Self:
        """These pages, unless the number is beyond the last one: an empty list would look like an answer."""
        if self.number > self.last:
            there_are = "there is 1 page" if self.last == 1 else f"there are {self.last:,} pages"
            abort(404, f"There is no page {self.number:,} of this list: {there_are}.")
        return self


def page_number(text: str | None) -> int:
    """Read a page's number; without one it is the first page, and what is no number is not found."""
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST and int(text)):
        abort(404, "Pages of this list have numbers from 1.")
    return int(text)
