"""Rows: elements that come one after the other again and again are found by one comparison of all their bytes.

Where an element is followed by the same one as last time, the two may be a row. A row is learnt when it ends, and
grows when it is followed by the same as last time. Elements that are followed by something else again and again (the
next is a number of the image) end rows for good.
"""

from typing import NamedTuple

from indexer.flatten.contribution import Sum
from indexer.straight.datasets import DataSet
from indexer.straight.memory import Memory
from indexer.straight.piece import Creators, Piece, Row

SHORTEST = 3
# After so many changes, what follows an element is not expected to be the same.
MOST_CHANGES = 3


class _Part(NamedTuple):
    """A part of a row: one element, or a row that was known."""

    piece: Piece
    raw: bytes
    tag: int
    needs: tuple[tuple[int, Creators], ...]


class Rows:
    """Follows the elements of the top level of one file, and learns rows."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._head: Piece | None = None
        self._last: Piece | None = None
        self._parts: list[_Part] = []

    def follow(self, data: DataSet, piece: Piece, raw: bytes, tag: int) -> None:
        """Note the next element."""
        block = tag >> 8
        needs: tuple[tuple[int, Creators], ...] = ()
        if tag >> 16 & 1 and block & 0xFF:
            needs = ((block, data.creators_of(block)),)
        self._next(data, piece, _Part(piece, raw, tag, needs))

    def follow_row(self, data: DataSet, head: Piece, row: Row) -> None:
        """Note the next elements, which are a row that is known; its first element is the head."""
        self._next(data, head, _Part(row.piece, row.raw, row.last, row.needs))

    def end(self) -> None:
        """Learn the row that ends here, if there is one."""
        head, parts = self._head, self._parts
        self._head, self._last, self._parts = None, None, []
        if head is None or len(parts) < 2 or sum(part.piece.elements for part in parts) < SHORTEST:
            return
        if self._memory.has_room:
            row = _joined(parts)
            head.row = row
            self._memory.grow(row.raw, row.piece)

    def _next(self, data: DataSet, head: Piece, part: _Part) -> None:
        last = self._last
        if last is not None:
            if last.follower == id(head) and last.changes < MOST_CHANGES:
                self._parts.append(part)
                self._last = part.piece
                return
            if last.follower:
                last.changes += 1
            last.follower = id(head)
        self.end()
        self._head, self._last, self._parts = head, part.piece, [part]


def _joined(parts: list[_Part]) -> Row:
    total = Sum()
    total.add(part.piece.contribution for part in parts)
    needs: dict[int, Creators] = {}
    reserved: set[int] = set()
    for part in parts:
        needs.update((block, creators) for block, creators in part.needs if block not in reserved)
        reserved.update(effect.block for effect in part.piece.effects)
    piece = Piece(
        total.contribution(),
        ",".join(part.piece.json for part in parts),
        sum(part.piece.cost for part in parts),
        sum(part.piece.elements for part in parts),
        tuple(dict.fromkeys(note for part in parts for note in part.piece.notes)),
        tuple(effect for part in parts for effect in part.piece.effects),
    )
    return Row(b"".join(part.raw for part in parts), piece, parts[-1].tag, tuple(needs.items()))
