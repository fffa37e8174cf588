"""Rows: elements that come one after the other again and again are found by one comparison of all their bytes.

Where an element is followed by the same one as last time, the two may be a row. A row is learnt when it ends, and
grows when it is followed by the same as last time. Elements that are followed by something else again and again (the
next is a number of the image) end rows for good.
"""

from indexer.flatten.contribution import Sum
from indexer.straight.datasets import DataSet
from indexer.straight.memory import Memory
from indexer.straight.piece import Creators, Piece, Row

# After so many changes, what follows an element is not expected to be the same.
MOST_CHANGES = 3

# A part of a row, an element or a row that was known: the piece, its bytes, its last tag, and the creators it needs.
_Part = tuple[Piece, bytes, int, tuple[tuple[int, Creators], ...]]


class Rows:
    """Follows the elements of the top level of one file, and learns rows."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._head: Piece | None = None
        self._last: Piece | None = None
        self._parts: list[_Part] = []

    def follow(self, data: DataSet, piece: Piece, raw: bytes, tag: int) -> None:
        """Note the next element."""
        needs: tuple[tuple[int, Creators], ...] = ()
        if tag >> 16 & 1 and tag & 0xFF00:
            needs = ((tag >> 8, data.creators_of(tag >> 8)),)
        self._next(piece, (piece, raw, tag, needs))

    def follow_row(self, head: Piece, row: Row) -> None:
        """Note the next elements, which are a row that is known; its first element is the head."""
        self._next(head, (row.piece, row.raw, row.last, row.needs))

    def end(self) -> None:
        """Learn the row that ends here, if there is one."""
        if self._head is not None and len(self._parts) > 1 and self._memory.has_room:
            row = _joined(self._parts)
            self._head.row = row
            self._memory.grow(row.raw, row.piece)
        self._head = self._last = None

    def _next(self, head: Piece, part: _Part) -> None:
        last = self._last
        if last is not None:
            if last.follower == id(head) and last.changes < MOST_CHANGES:
                self._parts.append(part)
                self._last = part[0]
                return
            if last.follower:
                last.changes += 1
            last.follower = id(head)
            if len(self._parts) > 1:
                self.end()
        self._head, self._last, self._parts = head, part[0], [part]


def _joined(parts: list[_Part]) -> Row:
    total = Sum()
    pieces = [part[0] for part in parts]
    total.add(piece.contribution for piece in pieces)
    needed: dict[int, Creators] = {}
    reserved: set[int] = set()
    for piece, _, _, needs in parts:
        needed.update((block, creators) for block, creators in needs if block not in reserved)
        reserved.update(effect.block for effect in piece.effects)
    piece = Piece(
        total.contribution(),
        ",".join(piece.json for piece in pieces),
        sum(piece.cost for piece in pieces),
        sum(piece.elements for piece in pieces),
        tuple(dict.fromkeys(note for piece in pieces for note in piece.notes)),
        tuple(effect for piece in pieces for effect in piece.effects),
    )
    return Row(b"".join(part[1] for part in parts), piece, parts[-1][2], tuple(needed.items()))
