"""From bytes to the DICOM JSON Model: one loop with a stack of its own, whatever the depth of the sequences.

The encoding is PS3.5 §7: elements with explicit or implicit VR, sequences and items with a length or with delimiters.
Files depart from it in many ways. The rule here: the enclosing length is right, the rest is forgiven and noted;
only a file that ends inside its header is an error. Positions only ever go forward, or back to the end of what is left:
reading always ends.
"""

from indexer.reader.encoding import (
    DELIMITERS,
    IMPLICIT,
    ITEM,
    ITEM_END,
    LENGTH,
    PREFIX,
    SEQUENCE_END,
    TAG_AND_LENGTH,
    UNDEFINED,
    Encoding,
)
from indexer.reader.entries import ENTRY_BYTES, read_entry
from indexer.reader.errors import TruncatedError
from indexer.reader.header import DicomJson, Entry
from indexer.reader.jumps import MOST_FRAGMENTS, over_fragments, over_sequence
from indexer.reader.level import NO_LIMIT, Level
from indexer.reader.prefixes import prefix
from indexer.reader.representations import BINARY, EXPLICIT, dictionary_vr
from indexer.reader.source import Source
from indexer.reader.values import bulk_entry
from indexer.settings import Limits

ITEM_BYTES = frozenset({b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00"})
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
FIRST_PIXELS = min(PIXELS)
IN_ELEMENT = "the file ends inside an element"
IN_SEQUENCE = "the file ends inside a sequence"
TOO_LONG = "the header is longer than the limit"


class Walker:
    """Reads data sets from a source.

    Parameters
    ----------
    source
        The bytes.
    limits
        What is kept of them.

    Attributes
    ----------
    position
        The offset of the next element.
    notes
        What was forgiven so far (the keys, in order).
    unread
        Why reading ended early, where it did.
    """

    def __init__(self, source: Source, limits: Limits) -> None:
        self.source = source
        self.limits = limits
        self.position = 0
        self.notes: dict[str, None] = {}
        self.unread: str | None = None
        self._bytes = 0
        self._elements = 0
        self._stack: list[Level] = []
        self._previous = -1

    def note(self, what: str) -> None:
        """Remember what was forgiven, once."""
        self.notes[what] = None

    def read(self, into: DicomJson, encoding: Encoding, stop_group: int | None = None) -> None:
        """Read elements until the file ends, or another group than `stop_group` begins.

        Raises
        ------
        TruncatedError
            Where the file ends inside an element or sequence.
        """
        top = Level(encoding, None, None)
        top.dataset = into
        self._previous = -1
        self._stack = stack = [top]
        while self.unread is None:
            level = stack[-1]
            if level.items is not None:
                self._item(level)
            elif level is not top:
                self._element(level)
            elif not self._top_element(level, stop_group):
                return
        for level in stack:
            if level.items is not None:
                self._store(level)

    # Elements

    def _top_element(self, level: Level, stop_group: int | None) -> bool:
        """Read an element of the top level; False where there is none any more."""
        source, position = self.source, self.position
        if not source.has(position, 8):
            if source.is_short:
                raise TruncatedError(IN_ELEMENT)
            if source.has(position, 1):
                self.note("bytes after the last element")
            return False
        group, element, _, _ = PREFIX[level.encoding.little].unpack_from(source.buffer, position - source.base)
        tag = group << 16 | element
        if stop_group is not None and group != stop_group:
            return False
        if group == DELIMITERS:
            self.note("a stray delimiter")
            self.position += 8
            return True
        if (tag < self._previous or dictionary_vr(tag) is None) and not self._plausible(level.encoding, tag):
            self.note("bytes after the last element")
            return False
        if self._bytes > self.limits.header_bytes or self._elements >= self.limits.elements:
            self.unread = TOO_LONG
            return False
        self._previous = tag
        if tag in PIXELS:
            return self._pixels(level, tag)
        self._element(level)
        return True

    def _plausible(self, encoding: Encoding, tag: int) -> bool:
        """Tell elements that are unknown or out of order from rubbish at the end of a file."""
        begin = self.source.take(self.position, 8)
        code = begin[4:6]
        if tag < self._previous:
            known = dictionary_vr(tag) is not None or (encoding.explicit and code in EXPLICIT)
            return known and tag > 0x0002FFFF and self._previous < FIRST_PIXELS
        if encoding.explicit and (code in EXPLICIT or (code.isalpha() and code.isupper())):
            return True
        if tag >> 16 & 1 and not encoding.explicit:
            return True
        (length,) = LENGTH[encoding.little].unpack_from(begin, 4)
        return self.source.size is not None and self.source.reaches(self.position + 8 + length)

    def _element(self, level: Level) -> None:
        source, position, encoding = self.source, self.position, level.encoding
        if position >= level.bound:
            self._close(level)
            return
        if not source.has(position, 12) and not source.has(position, 8):
            raise TruncatedError(IN_SEQUENCE)
        offset = position - source.base
        group, number, code, length = PREFIX[encoding.little].unpack_from(source.buffer, offset)
        tag = group << 16 | number
        if group == DELIMITERS:
            self._delimiter(level, tag)
            return
        known = EXPLICIT.get(code) if encoding.explicit else None
        if known is None or known[1]:
            vr, length, start = prefix(source, level, tag, position, self.limits, self.note)
        else:
            vr, start = known[0], position + 8
        self._elements += 1
        key = f"{tag:08X}"
        if key in level.dataset:
            self.note("an element that occurs twice")
        end = start + length
        if length == UNDEFINED:
            self._undefined(level, key, vr, start)
        elif end > level.bound:
            self.note("an element longer than the item that holds it")
            self._cut_enclosing("an element overruns its item")
            self.position = level.bound
        elif not source.reaches(end):
            raise TruncatedError(IN_ELEMENT)
        elif vr == "SQ":
            self._sequence(level, key, start, end, encoding)
        elif vr == "UN" and holds_items(source, start, length):
            self._sequence(level, key, start, end, IMPLICIT)
        else:
            self.position = end
            entry, cost = read_entry(source, level, tag, vr, start, length, self.limits, self.note)
            level.dataset[key] = entry
            self._bytes += cost

    def _delimiter(self, level: Level, tag: int) -> None:
        """Leave an item at its delimiter; forgive delimiters that are out of place."""
        if tag == ITEM_END:
            self.position += 8
            if level.end is None:
                self._stack.pop()
                return
        elif level.end is None:
            self.note("an item without its delimiter")
            self._stack.pop()
            return
        else:
            self.position += 8
        self.note("a stray delimiter")

    def _pixels(self, level: Level, tag: int) -> bool:
        """Note the pixel data, and go on behind it where that is cheap: True if there may be more."""
        vr, length, start = prefix(self.source, level, tag, self.position, self.limits, self.note)
        self._elements += 1
        entry: Entry = {"vr": vr} if length == 0 else bulk_entry(vr, None if length == UNDEFINED else length)
        level.dataset[f"{tag:08X}"] = entry
        end: int | None = start + length
        if length == UNDEFINED:
            end = over_fragments(self.source, start, level.encoding, NO_LIMIT, MOST_FRAGMENTS)
        elif self.source.size is None:
            return False  # not worth unpacking
        elif not self.source.reaches(start + length):
            self.note("pixel data that is cut off")
            return False
        if end is None:
            return False
        self.position = end
        return True

    # Sequences

    def _undefined(self, level: Level, key: str, vr: str, start: int) -> None:
        """Read an element without a length: a sequence, or encapsulated data."""
        encoding = level.encoding
        if vr in BINARY - {"UN"}:
            level.dataset[key] = bulk_entry(vr, None)
            end = over_fragments(self.source, start, encoding, level.bound, self.limits.elements)
            if end is None:
                raise TruncatedError(IN_ELEMENT)
            self.position = end
            return
        if vr == "UN" and encoding.explicit:
            encoding = IMPLICIT  # PS3.5 §6.2.2
        elif vr not in {"SQ", "UN"} and self.source.take(start, 4) not in ITEM_BYTES:
            self.note("an element of undefined length that is no sequence")
        self._sequence(level, key, start, None, encoding)

    def _sequence(self, level: Level, key: str, start: int, end: int | None, encoding: Encoding) -> None:
        self.position = start
        self._bytes += ENTRY_BYTES
        entry: Entry = {"vr": "SQ"}
        level.dataset[key] = entry
        why = self._no_more(len(self._stack) // 2)
        if why is not None and end != start:
            entry["cut"] = why
            self._jump(start, end, encoding, level.bound)
            return
        inner = Level(encoding, end, level)
        inner.items = []
        inner.entry = entry
        self._stack.append(inner)

    def _jump(self, start: int, end: int | None, encoding: Encoding, bound: int) -> None:
        """Leave out the items of a sequence, from the one that starts here."""
        if end is None:
            end = over_sequence(self.source, start, encoding, bound, self.limits, self.note)
        if end is None:
            self.unread = "a sequence beyond all limits; what follows it is not read"
        else:
            self.position = end

    def _no_more(self, depth: int) -> str | None:
        """Tell why the items of a sequence are not read: a limit; the top level may use the last eighth alone."""
        limits = self.limits
        if depth >= limits.depth:
            return f"more than {limits.depth} levels of sequences"
        if self._bytes > limits.header_bytes * 7 // 8:
            return TOO_LONG
        if self._elements > limits.elements * 7 // 8:
            return "more elements than the limit"
        return None

    def _item(self, level: Level) -> None:
        """Read what comes next in a sequence: an item, or its end."""
        source, position = self.source, self.position
        if position >= level.bound:
            self._close(level)
            return
        if not source.has(position, 8):
            raise TruncatedError(IN_SEQUENCE)
        group, element, length = TAG_AND_LENGTH[level.encoding.little].unpack_from(
            source.buffer, position - source.base
        )
        tag = group << 16 | element
        if tag == ITEM:
            self._open_item(level, position + 8, length)
        elif tag == SEQUENCE_END:
            self.position += 8
            if level.end is None:
                self._stack.pop()
                self._store(level)
            else:
                self.note("a stray delimiter")
        elif level.end is None:
            self.note("a sequence without its delimiter")
            self._close(level)
        else:
            self.note("a sequence with bytes that are no item")
            level.entry["cut"] = "bytes that are no item"
            self.position = level.bound
            self._close(level)

    def _open_item(self, level: Level, start: int, length: int) -> None:
        items = level.items or []
        self._elements += 1  # an empty item costs as much memory as an element
        why = self._no_more((len(self._stack) - 1) // 2)
        if why is not None:
            level.entry["cut"] = f"{why}; {len(items)} items are kept"
            self._stack.pop()
            self._store(level)
            self._jump(start - 8, level.end, level.encoding, level.bound)
            return
        end = None if length == UNDEFINED else start + length
        if end is not None and end > level.bound:
            self.note("an item longer than the sequence that holds it")
            end = level.bound
        if end is not None and not self.source.reaches(end):
            raise TruncatedError(IN_SEQUENCE)
        inner = Level(self._encoding_of_item(level.encoding, start), end, level)
        items.append(inner.dataset)
        level.items = items
        self.position = start
        self._stack.append(inner)

    def _encoding_of_item(self, assumed: Encoding, start: int) -> Encoding:
        """Look at the first element: some writers switch the kind of VR inside sequences."""
        if not self.source.has(start, 8):
            return assumed
        offset = start - self.source.base
        begin = self.source.buffer[offset : offset + 8]
        if (begin[4:6] in EXPLICIT) == assumed.explicit or begin[:2] in {b"\xfe\xff", b"\xff\xfe"}:
            return assumed
        if assumed.explicit:
            if begin[4:6].isalpha():
                return assumed
        else:
            # Two letters may be a length: believe it only where that length cannot be.
            (length,) = LENGTH[assumed.little].unpack_from(begin, 4)
            if self.source.size is None or start + 8 + length <= self.source.size:
                return assumed
        self.note("a sequence in another encoding than its file")
        return Encoding(not assumed.explicit, assumed.little)

    def _close(self, level: Level) -> None:
        """Leave a level whose end is reached."""
        if level.end is None and self.position >= level.bound:
            self.note("a sequence without its delimiter")
        self.position = min(self.position, level.bound)
        self._stack.pop()
        self._store(level)

    def _store(self, level: Level) -> None:
        if level.items:
            level.entry["Value"] = level.items

    def _cut_enclosing(self, why: str) -> None:
        for level in reversed(self._stack):
            if level.items is not None:
                level.entry["cut"] = why
                return


def holds_items(source: Source, start: int, length: int) -> bool:
    """Tell whether an unknown value is a sequence that was stored as UN."""
    if length < 8:
        return False
    begin = source.take(start, 8)
    if not begin.startswith(b"\xfe\xff\x00\xe0"):
        return False
    (first,) = LENGTH[True].unpack_from(begin, 4)
    return bool(first == UNDEFINED or 8 + first <= length)
