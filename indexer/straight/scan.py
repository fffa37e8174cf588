"""The scan of a regular file: one loop over its elements, most of which are known and not read again.

It reads what the walker of the reader reads, and comes to the same; but it takes only what is as the standard has it:
tags that ascend, lengths that fit, no limit that is near. Whatever else comes is `Irregular`, and the walker, which
forgives, has to read the file.
"""

from functools import lru_cache

import orjson

from indexer.flatten.contribution import Contribution, Sum
from indexer.flatten.creators import creator_of
from indexer.flatten.elements import contribution_of
from indexer.reader.encoding import (
    DELIMITERS,
    IMPLICIT,
    ITEM,
    ITEM_END,
    SEQUENCE_END,
    TAG_AND_LENGTH,
    UNDEFINED,
    Encoding,
)
from indexer.reader.entries import CHARACTER_SET, ENTRY_BYTES, PIXEL_REPRESENTATION, read_entry
from indexer.reader.header import DicomJson, Entry
from indexer.reader.jumps import MOST_FRAGMENTS, over_fragments
from indexer.reader.level import NO_LIMIT
from indexer.reader.prefixes import implied_vr
from indexer.reader.representations import BINARY, EXPLICIT
from indexer.reader.source import Source
from indexer.reader.values import INLINE_BYTES, PRINTABLE_BYTES, bulk_entry
from indexer.reader.walk import FIRST_PIXELS, PIXELS, holds_items
from indexer.straight.datasets import DataSet, Items, Progress
from indexer.straight.memory import Memory, Surroundings
from indexer.straight.piece import NOBODY, Creators, Effect, Piece, Row
from indexer.straight.prefixes import Irregular
from indexer.straight.rows import Rows

# Elements up to this size are looked up by all of their bytes; sequences of the top level up to that.
MOST_KEPT = 2_048
MOST_KEPT_SEQUENCE = 32_768
# First bytes of a sequence that ends with a delimiter, by which it is looked up: prefix and tag of the first item.
BEGIN = 16
LONGEST_PREFIX = 12
SHORTEST_PREFIX = 8
LAST_OF_META = 0x0002FFFF
# What tells about the whole file: media storage class and UID, transfer syntax, UID.
TELLING = frozenset({0x00020002, 0x00020003, 0x00020010, 0x00080018})
GOVERNING = TELLING | {CHARACTER_SET, PIXEL_REPRESENTATION}
_DELIMITERS = frozenset({b"\xfe\xff", b"\xff\xfe"})
# In the place of a sequence until its end, when it is known whether it has items.
_LATER = Contribution(())


class Scan:
    """Scans the data sets of one file.

    Parameters
    ----------
    source
        The bytes of a file.
    size
        How many there are.
    memory
        What is known from other files.
    position
        Where the first element is.

    Attributes
    ----------
    position
        The offset of the next element.
    members
        The elements of the top level, as members of the stored header.
    contributions
        What all elements add to the document, in order.
    notes
        What was forgiven.
    told
        Elements that tell about the whole file.
    """

    def __init__(self, source: Source, size: int, memory: Memory, position: int) -> None:
        memory.make_room()
        self._size = size
        self.source = source
        self.position = position
        self.members: list[str] = []
        self.contributions: list[Contribution] = []
        self.notes: list[str] = []
        self.told: DicomJson = {}
        self._memory = memory
        self._cost = 0
        self._elements = 0
        self._previous = -1
        # Data sets and sequences take turns.
        self._data_sets: list[DataSet] = []
        self._sequences: list[Items] = []
        self._rows = Rows(memory)

    def read_meta(self, encoding: Encoding) -> None:
        """Scan the file meta information."""
        self._read(encoding, LAST_OF_META)

    def read_data_set(self, encoding: Encoding) -> None:
        """Scan elements until the file ends.

        Raises
        ------
        Irregular
            As `read_meta`: where the walker has to read the file.
        """
        self._read(encoding, FIRST_PIXELS - 1)

    def _read(self, encoding: Encoding, last: int) -> None:
        top = DataSet(self._memory, self._memory.top(encoding), self._size, self._size, last)
        top.previous, top.members = self._previous, self.members
        before = self._elements
        data_sets = self._data_sets
        data_sets.append(top)
        sequences = self._sequences
        while data_sets:
            if len(sequences) == len(data_sets):
                self._item(sequences[-1])
            else:
                self._data_set(data_sets[-1], is_top=not sequences)
        self._previous = top.previous
        self._check_limits()
        self._memory.elements += self._elements - before

    # Elements

    def _data_set(self, data: DataSet, *, is_top: bool) -> None:
        """Scan elements up to the end of the data set, or to the next sequence that is not known."""
        source, rows, read_prefix, bound = self.source, self._rows, data.read_prefix, data.bound
        position = self.position
        while position < bound:
            offset = position - source.base
            if offset + LONGEST_PREFIX > len(source.buffer):
                if not source.has(position, LONGEST_PREFIX) and not source.has(position, SHORTEST_PREFIX):
                    self._tail(is_top=is_top)
                    break
                offset = position - source.base
            tag, vr, length, size = read_prefix(source.buffer, offset)
            if tag > data.last:
                if data.last == LAST_OF_META:
                    break
                if tag >> 16 == DELIMITERS:
                    self._end_item(data, position, tag)
                    return
                if is_top and vr is not None and tag in PIXELS:
                    rows.end()
                    position = self._pixels(data, position, tag, vr, length, size)
                    continue
            if vr is None or tag <= data.previous:
                raise Irregular("a VR that is none, or tags that do not ascend")
            surroundings = data.surroundings_of(tag) if tag >> 16 & 1 else data.surroundings
            if length > MOST_KEPT:
                piece, raw = self._large(data, surroundings, position, tag, vr, length, size)
                end = position + (len(raw) if length == UNDEFINED else size + length)
            else:
                end = position + size + length
                if end > bound:
                    raise Irregular("an element longer than what holds it")
                if end - source.base > len(source.buffer):
                    if not source.has(position, size + length):
                        raise Irregular("the file ends inside an element")
                    offset = position - source.base
                raw = source.buffer[offset : offset + size + length]
                piece = surroundings.recall(raw)
                if piece is None:
                    piece = self._element(data, surroundings, position, tag, vr, length, size, raw)
            if piece is None:
                return
            if is_top:
                row = piece.row
                if row is not None and source.buffer.startswith(row.raw, position - source.base) and _is_met(row, data):
                    rows.follow_row(piece, row)
                    piece, tag, end = row.piece, row.last, position + len(row.raw)
                elif len(raw) == end - position:
                    rows.follow(data, piece, raw, tag)
                else:
                    rows.end()
            self._take(data, piece)
            data.previous = tag
            position = end
        self.position = position
        if is_top:
            rows.end()
            self._data_sets.pop()
        elif data.end is None:
            raise Irregular("an item without its delimiter")
        else:
            self._close_item(data)

    def _tail(self, *, is_top: bool) -> None:
        """Take the last bytes of the file, which are too few for a prefix."""
        if not is_top:
            raise Irregular("the file ends inside a sequence")
        self.notes.append("bytes after the last element")

    def _take(self, data: DataSet, piece: Piece) -> None:
        """Add what a piece comes to."""
        contribution = piece.contribution
        if contribution.cuts and data.path:
            contribution = contribution.under(data.path)
        self.contributions.append(contribution)
        data.members.append(piece.json)
        self._cost += piece.cost
        self._elements += piece.elements
        if piece.notes:
            self.notes += piece.notes
        for effect in piece.effects:
            if effect.told is None:
                data.take_effect(effect)
            elif not self._sequences:
                self.told.update((effect.told,))

    def _element(
        self,
        data: DataSet,
        surroundings: Surroundings,
        position: int,
        tag: int,
        vr: str,
        length: int,
        size: int,
        raw: bytes,
    ) -> Piece | None:
        """Read an element that is not known; None for a sequence, which comes next then."""
        if not vr or vr == "UN":
            vr = implied_vr(data, tag, length, self._memory.limits)
        start = position + size
        if length and (vr == "SQ" or (vr == "UN" and holds_items(self.source, start, length))):
            encoding = IMPLICIT if vr == "UN" else data.encoding
            self._open_sequence(data, surroundings, position, tag, start, start + length, encoding)
            return None
        piece = self._read_piece(data, surroundings, tag, vr, start, length)
        self._memory.keep(surroundings, raw, piece)
        return piece

    def _large(
        self, data: DataSet, surroundings: Surroundings, position: int, tag: int, vr: str, length: int, size: int
    ) -> tuple[Piece | None, bytes]:
        """Take an element that is looked up by its first bytes only, or not at all.

        Returns
        -------
        tuple
            What it comes to, or None for a sequence, which comes next then; and by which bytes it is known.
        """
        source = self.source
        start = position + size
        if length == UNDEFINED:
            return self._delimited(data, surroundings, position, tag, vr, start)
        if not vr or vr == "UN":
            vr = implied_vr(data, tag, length, self._memory.limits)
        if start + length > data.bound:
            raise Irregular("an element longer than what holds it")
        raw = b""
        if vr == "SQ" or (vr == "UN" and holds_items(source, start, length)):
            if size + length <= MOST_KEPT_SEQUENCE and not self._sequences:
                raw = source.take(position, size + length)
                piece = surroundings.recall(raw)
                if piece is not None:
                    return piece, raw
            encoding = IMPLICIT if vr == "UN" else data.encoding
            self._open_sequence(data, surroundings, position, tag, start, start + length, encoding)
            return None, raw
        if vr not in BINARY or length <= (PRINTABLE_BYTES if vr == "UN" else INLINE_BYTES):
            return self._read_piece(data, surroundings, tag, vr, start, length), raw
        raw = source.take(position, size)
        piece = surroundings.recall(raw)
        if piece is None:
            piece = self._read_piece(data, surroundings, tag, vr, start, length)
            self._memory.keep(surroundings, raw, piece)
        return piece, raw

    def _read_piece(
        self, data: DataSet, surroundings: Surroundings, tag: int, vr: str, start: int, length: int
    ) -> Piece:
        notes: list[str] = []
        entry, cost = read_entry(self.source, data, tag, vr, start, length, self._memory.limits, notes.append)
        return self._made(data, surroundings, tag, entry, cost, tuple(notes))

    def _made(
        self, data: DataSet, surroundings: Surroundings, tag: int, entry: Entry, cost: int, notes: tuple[str, ...] = ()
    ) -> Piece:
        self._memory.misses += 1
        written = _written(tag)
        contribution = contribution_of(surroundings.scope, written, entry, surroundings.creator)
        json = f'"{written}":{orjson.dumps(entry).decode()}'
        has_effects = tag in GOVERNING or (tag >> 16 & 1 and not tag & 0xFF00)
        effects = _effects(data, tag, written, entry) if has_effects else ()
        return Piece(contribution, json, cost, 1, notes, effects)

    def _pixels(self, top: DataSet, position: int, tag: int, vr: str, length: int, size: int) -> int:
        """Take the pixel data; where to go on is returned: behind it if that is cheap, or at the end."""
        source, start = self.source, position + size
        raw = source.take(position, size)
        piece = top.surroundings.recall(raw)
        if tag <= top.previous:
            raise Irregular("tags that do not ascend")
        if piece is None:
            if not vr or vr == "UN":
                vr = implied_vr(top, tag, length, self._memory.limits)
            entry = {"vr": vr} if length == 0 else bulk_entry(vr, None if length == UNDEFINED else length)
            piece = self._made(top, top.surroundings, tag, entry, 0)
            self._memory.keep(top.surroundings, raw, piece)
        self._take(top, piece)
        top.previous = tag
        if length == UNDEFINED:
            end = over_fragments(source, start, top.encoding, NO_LIMIT, MOST_FRAGMENTS)
            return top.bound if end is None else end
        if not source.reaches(start + length):
            self.notes.append("pixel data that is cut off")
            return top.bound
        return start + length

    # Sequences

    def _delimited(
        self, data: DataSet, surroundings: Surroundings, position: int, tag: int, vr: str, start: int
    ) -> tuple[Piece | None, bytes]:
        """Take a sequence that ends with a delimiter, as `_large` does."""
        source = self.source
        if not self._sequences and source.has(position, BEGIN):
            offset = position - source.base
            row = surroundings.recall_row(source.buffer[offset : offset + BEGIN])
            if (
                row is not None
                and source.has(position, len(row.raw))
                and source.buffer.startswith(row.raw, position - source.base)
            ):
                return row.piece, row.raw
        if not vr or vr == "UN":
            vr = implied_vr(data, tag, UNDEFINED, self._memory.limits)
        if vr not in {"SQ", "UN"}:
            raise Irregular("an element of undefined length that is no sequence")
        encoding = IMPLICIT if vr == "UN" and data.encoding.explicit else data.encoding
        self._open_sequence(data, surroundings, position, tag, start, None, encoding)
        return None, b""

    def _open_sequence(
        self,
        data: DataSet,
        surroundings: Surroundings,
        position: int,
        tag: int,
        start: int,
        end: int | None,
        encoding: Encoding,
    ) -> None:
        if len(self._sequences) >= self._memory.limits.depth:
            raise Irregular("more levels than the limit")
        self._check_limits()
        if not self._sequences:
            self._rows.end()
        before = Progress(len(self.contributions), len(self.notes), self._cost, self._elements)
        inside = self._memory.inside(surroundings, tag, encoding)
        self._sequences.append(Items(surroundings, inside, position, end, data.bound, before))
        self.contributions.append(_LATER)
        self._memory.misses += 1
        self._cost += ENTRY_BYTES
        self._elements += 1
        self.position = start
        data.previous = tag

    def _item(self, items: Items) -> None:
        """Take what comes next in a sequence: an item, or its end."""
        source, position = self.source, self.position
        if position >= items.bound:
            if items.end is None:
                raise Irregular("a sequence without its delimiter")
            self._close_sequence(items)
            return
        if position + 8 > items.bound or not source.has(position, 8):
            raise Irregular("a sequence that ends inside a tag")
        group, element, length = TAG_AND_LENGTH[items.inside.items.key.encoding.little].unpack_from(
            source.buffer, position - source.base
        )
        tag = group << 16 | element
        if tag == ITEM:
            self._open_item(items, position + 8, length)
        elif tag == SEQUENCE_END and items.end is None:
            self.position = position + 8
            self._close_sequence(items)
        else:
            raise Irregular("a sequence with something else than items")

    def _open_item(self, items: Items, start: int, length: int) -> None:
        source, surroundings = self.source, items.inside.items
        self._memory.misses += 1
        self._elements += 1
        self._check_limits()
        end = None if length == UNDEFINED else start + length
        if end is not None and (end > items.bound or not source.reaches(end)):
            raise Irregular("an item longer than the sequence that holds it")
        if not source.has(start, 8):
            raise Irregular("the file ends inside a sequence, or right behind it")
        offset = start - source.base
        begin = source.buffer[offset : offset + 8]
        if (begin[4:6] in EXPLICIT) != surroundings.key.encoding.explicit and begin[:2] not in _DELIMITERS:
            raise Irregular("a sequence in another encoding than its file")
        if length == 0:
            for sequence in self._sequences:
                sequence.is_whole = False
        path = f"{self._data_sets[-1].path}{items.inside.name}[{len(items.items) + 1}]."
        bound = items.bound if end is None else end
        self._data_sets.append(DataSet(self._memory, surroundings, end, bound, FIRST_PIXELS - 1, path))
        self.position = start

    def _end_item(self, data: DataSet, position: int, tag: int) -> None:
        if tag != ITEM_END or data.end is not None or position + 8 > data.bound:
            raise Irregular("a delimiter that is out of place")
        self.position = position + 8
        self._close_item(data)

    def _close_item(self, data: DataSet) -> None:
        self._data_sets.pop()
        self._sequences[-1].items.append("{" + ",".join(data.members) + "}")

    def _close_sequence(self, items: Items) -> None:
        self._sequences.pop()
        inside, place = items.inside, items.before.contributions
        self.contributions[place] = inside.full if items.items else inside.empty
        value = f',"Value":[{",".join(items.items)}]' if items.items else ""
        json = f'"{inside.tag}":{{"vr":"SQ"{value}}}'
        self._data_sets[-1].members.append(json)
        if not self._sequences and items.is_whole:
            self._keep_sequence(items, json)

    def _keep_sequence(self, items: Items, json: str) -> None:
        """Remember a sequence of the top level when it comes for the second time."""
        source, length, before = self.source, self.position - items.start, items.before
        if items.start < source.base or length > MOST_KEPT_SEQUENCE or not self._memory.has_room:
            return
        offset = items.start - source.base
        raw = source.buffer[offset : offset + length]
        if len(raw) < length or not self._memory.seen_before(raw):
            return
        total = Sum()
        total.add(self.contributions[before.contributions :])
        notes = tuple(dict.fromkeys(self.notes[before.notes :]))
        piece = Piece(total.contribution(), json, self._cost - before.cost, self._elements - before.elements, notes)
        if items.end is None:
            self._memory.keep_row(items.outer, raw[:BEGIN], Row(raw, piece, 0))
        else:
            self._memory.keep(items.outer, raw, piece)

    def _check_limits(self) -> None:
        """Make sure that no sequence is cut (see `Walker`), and that hostile files end soon."""
        limits = self._memory.limits
        if self._cost > limits.header_bytes * 7 // 8 or self._elements > limits.elements * 7 // 8:
            raise Irregular("a limit is near")


@lru_cache(maxsize=32_768)
def _written(tag: int) -> str:
    return f"{tag:08X}"


def _is_met(row: Row, data: DataSet) -> bool:
    return all(data.creators_of(block) == creators for block, creators in row.needs)


def _effects(data: DataSet, tag: int, written: str, entry: Entry) -> tuple[Effect, ...]:
    """Tell what an element, which was just read, decides for others."""
    if tag in TELLING:
        return (Effect(told=(written, entry)),)
    if tag == CHARACTER_SET:
        return (Effect(charset=data.charset),)
    if tag == PIXEL_REPRESENTATION:
        return (Effect(is_signed=True),) if data.pixel_representation else ()
    if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
        block = (tag >> 16 << 8) | (tag & 0xFF)
        creators = Creators(data.creators.get(block), creator_of(entry) or NOBODY.flattener)
        return (Effect(block=block, creators=creators),)
    return ()
