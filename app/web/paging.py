"""Pages of lists, by number."""

from dataclasses import dataclass

_LAST = 1_000_000


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


def page_number(text: str | None) -> int:
    """Read a page's number; what is none means the first page."""
    return min(max(int(text), 1), _LAST) if text and text.isascii() and text.isdigit() and len(text) < 10 else 1
