"""The way through a header: data sets and the items of sequences, without recursion and one item at a time."""

from collections.abc import Iterator

from indexer.flatten.creators import NO_CREATOR, ODD, creators_of
from indexer.flatten.scope import Scope
from indexer.reader.header import DicomJson, Entry


class Level:
    """A data set on the way: its elements that are still to come, and where it is."""

    __slots__ = ("_creators", "elements", "path", "scope")

    def __init__(self, dataset: DicomJson, scope: Scope, path: str) -> None:
        self.elements: Iterator[tuple[str, Entry]] = iter(dataset.items())
        self.scope = scope
        self.path = path  # with the numbers of the items, unlike that of the scope
        self._creators = creators_of(dataset)

    def creator(self, tag: str) -> str:
        """Tell who made a private element, as far as keys have room for it; blank for public ones."""
        if tag[3] not in ODD:
            return ""
        return (self._creators.get(tag[:6]) or NO_CREATOR)[: self.scope.longest_creator]


class Items:
    """The items of a sequence that are still to come."""

    __slots__ = ("_items", "_number", "_path", "_scope")

    def __init__(self, items: list[DicomJson], scope: Scope, path: str) -> None:
        self._items = items
        self._number = 0
        self._scope = scope
        self._path = path

    def next_item(self) -> Level | None:
        """Step into the next item; None behind the last one."""
        if self._number == len(self._items):
            return None
        item = self._items[self._number]
        self._number += 1
        return Level(item or {}, self._scope, f"{self._path}[{self._number}].")
