"""What the scan keeps of each data set and sequence that it is inside of."""

from typing import NamedTuple

from indexer.reader.level import Level
from indexer.straight.memory import Inside, Memory, Surroundings
from indexer.straight.piece import NOBODY, Creators, Effect
from indexer.straight.prefixes import PREFIXES


class DataSet(Level):
    """A data set that is being scanned; what decides the meaning of its elements is as the reader has it.

    Attributes
    ----------
    surroundings
        Of its public elements.
    last
        Tags beyond this one are looked at more closely.
    previous
        The tag of the last element: tags have to ascend.
    members
        Its elements as JSON.
    path
        Of its elements as receipts have it, with the numbers of items.
    """

    __slots__ = (
        "_memory",
        "_private",
        "_reserved",
        "last",
        "members",
        "path",
        "previous",
        "read_prefix",
        "surroundings",
    )

    def __init__(
        self, memory: Memory, surroundings: Surroundings, end: int | None, bound: int, last: int, path: str = ""
    ) -> None:
        # Not that of `Level`, whose elements are not used here.
        key = surroundings.key
        self.encoding = key.encoding
        self.end = end
        self.bound = bound
        self.charset = key.charset
        self.pixel_representation = int(key.is_signed)
        self.creators = {}
        self.read_prefix = PREFIXES[key.encoding]
        self.surroundings = surroundings
        self.last = last
        self.previous = -1
        self.members: list[str] = []
        self.path = path
        self._memory = memory
        self._reserved: dict[int, Creators] = {}
        self._private: dict[int, Surroundings] = {}

    def creators_of(self, block: int) -> Creators:
        """Tell who has reserved a block of private elements (0x001910)."""
        return self._reserved.get(block, NOBODY)

    def surroundings_of(self, tag: int) -> Surroundings:
        """The surroundings of an element: of those of a private block, who has reserved it belongs to them."""
        if not tag >> 16 & 1 or not tag & 0xFF00:
            return self.surroundings
        block = tag >> 8
        found = self._private.get(block)
        if found is None:
            key = self.surroundings.key._replace(creators=self.creators_of(block))
            found = self._private[block] = self._memory.surroundings(key, self.surroundings.scope)
        return found

    def take_effect(self, effect: Effect) -> None:
        """Follow what an element decides for those after it."""
        if effect.creators is not None:
            self._reserved[effect.block] = effect.creators
            if effect.creators.reader is not None:
                self.creators[effect.block] = effect.creators.reader
        elif effect.charset is not None or effect.is_signed:
            self.charset = effect.charset or self.charset
            self.pixel_representation |= effect.is_signed
            key = self.surroundings.key._replace(
                charset=self.charset, is_signed=bool(self.pixel_representation), creators=None
            )
            self.surroundings = self._memory.surroundings(key, self.surroundings.scope)
            self._private = {}


class Progress(NamedTuple):
    """How far a scan is: contributions and notes so far, and what the limits count."""

    contributions: int
    notes: int
    cost: int
    elements: int


class Items:
    """A sequence that is being scanned.

    Attributes
    ----------
    outer
        The surroundings that it is in.
    inside
        What is decided for all sequences of this tag in them.
    start, end, bound
        Offsets of its tag, of its end (None where a delimiter ends it), and of the nearest end that is known.
    before
        How far the scan was when it began.
    is_whole
        Whether its bytes alone decide what it comes to: not where an item is empty, behind which the reader looks.
    items
        As JSON.
    """

    __slots__ = ("before", "bound", "end", "inside", "is_whole", "items", "outer", "start")

    def __init__(
        self, outer: Surroundings, inside: Inside, start: int, end: int | None, bound: int, before: Progress
    ) -> None:
        self.outer = outer
        self.inside = inside
        self.start = start
        self.end = end
        self.bound = bound if end is None else end
        self.before = before
        self.is_whole = True
        self.items: list[str] = []
