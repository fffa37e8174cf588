"""The way through a header: data sets and the items of sequences, without recursion and one item at a time."""

from collections.abc import Iterator

from indexer.reader.header import DicomJson, Entry

# The last digit of a private group.
ODD = frozenset("13579BDF")


def is_creator(tag: str, entry: Entry) -> bool:
    """Tell private creators, (gggg,0010) to (gggg,00FF); a sequence in such a place is none: real files have them."""
    return tag[4:6] == "00" and tag[3] in ODD and tag[6:] >= "10" and entry["vr"] != "SQ"


def creator_of(entry: Entry) -> str:
    """Read the name in a private creator element."""
    values = entry.get("Value") or [None]
    return str(values[0] or "").strip()


class Level:
    """A data set on the way: its elements that are still to come, and how its keys begin."""

    __slots__ = ("creators", "depth", "elements", "path", "trace_path")

    def __init__(self, dataset: DicomJson, path: str | None, trace_path: str, depth: int) -> None:
        self.elements: Iterator[tuple[str, Entry]] = iter(dataset.items())
        self.path = path  # None: too long or too deep to be a key
        self.trace_path = trace_path
        self.depth = depth
        self.creators = {
            tag[:4] + tag[6:]: creator_of(entry)
            for tag, entry in dataset.items()
            if tag[4:6] == "00" and is_creator(tag, entry)
        }


class Items:
    """The items of a sequence that are still to come."""

    __slots__ = ("_depth", "_items", "_number", "_path", "_trace_path")

    def __init__(self, items: list[DicomJson], path: str | None, trace_path: str, depth: int) -> None:
        self._items = items
        self._number = 0
        self._path = path
        self._trace_path = trace_path
        self._depth = depth

    def next_item(self) -> Level | None:
        """Step into the next item; None behind the last one."""
        if self._number == len(self._items):
            return None
        item = self._items[self._number]
        self._number += 1
        return Level(item or {}, self._path, f"{self._trace_path}[{self._number}].", self._depth)
