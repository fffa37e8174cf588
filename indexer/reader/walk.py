"""From bytes to the DICOM JSON Model: one loop with a stack of its own, whatever the depth of the sequences.

The encoding is PS3.5 §7: elements with explicit or implicit VR, sequences and items with a length or with delimiters.
Files depart from it in many ways. The rule here: the enclosing length is right, the rest is forgiven and noted;
only a file that ends inside its header is an error.
"""

import struct
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from indexer.reader.charsets import DEFAULT, UNKNOWN_SET, encodings_of
from indexer.reader.errors import TruncatedError
from indexer.reader.header import DicomJson, Entry
from indexer.reader.representations import (
    BINARY,
    EXPLICIT,
    NUMBERS,
    STRINGS,
    dictionary_vr,
    private_vr,
)
from indexer.reader.source import Source
from indexer.reader.values import (
    INLINE_BYTES,
    PRINTABLE_BYTES,
    bulk_entry,
    number_entry,
    string_entry,
    tag_entry,
    unknown_entry,
)
from indexer.settings import Limits

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
ITEM_BYTES = {True: b"\xfe\xff\x00\xe0", False: b"\xff\xfe\xe0\x00"}
CHARACTER_SET, PIXEL_REPRESENTATION, LUT_DESCRIPTOR = 0x00080005, 0x00280103, 0x00283002
PIXELS = frozenset({0x7FE00010, 0x7FE00008, 0x7FE00009})
NO_LIMIT = 1 << 62
# What an element costs in the stored header beside its value.
ENTRY_BYTES = 40
# Items of encapsulated pixel data that are jumped over in search of elements behind them.
FRAGMENTS = 16
# Items and elements that are jumped over in search of the end of a sequence beyond the limits.
SKIPPED = 1_000_000


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a data set is encoded."""

    explicit: bool
    little: bool


class Level:
    """A data set or a sequence that is being read."""

    __slots__ = (
        "bound",
        "charset",
        "creators",
        "dataset",
        "encoding",
        "end",
        "entry",
        "items",
        "pixel_representation",
    )

    def __init__(self, encoding: Encoding, end: int | None, bound: int) -> None:
        self.encoding = encoding
        self.end = end  # None: until a delimiter
        self.bound = bound  # the nearest end that is known
        self.dataset: DicomJson = {}
        self.items: list[DicomJson] | None = None  # of a sequence
        self.entry: Entry = {}
        self.charset: tuple[str, ...] = (DEFAULT,)
        self.creators: dict[int, str] = {}
        self.pixel_representation = 0


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
        """Read elements until the file ends, or a group begins that is greater than `stop_group`.

        Raises
        ------
        TruncatedError
            Where the file ends inside an element or sequence.
        """
        top = Level(encoding, None, NO_LIMIT)
        top.dataset = into
        self._stack = [top]
        self._previous = -1
        stack = self._stack
        while self.unread is None:
            level = stack[-1]
            if level.items is not None:
                self._item(level)
            elif len(stack) > 1:
                self._element(level)
            elif not self._top_element(level, stop_group):
                return
        for level in stack:
            if level.items is not None:
                self._store(level)

    # Elements

    def _top_element(self, level: Level, stop_group: int | None) -> bool:
        source, position = self.source, self.position
        if not source.has(position, 8):
            if source.is_short:
                raise TruncatedError("the file ends inside an element")
            if source.has(position, 1):
                self.note("bytes after the last element")
            return False
        tag = self._tag(position, level.encoding)
        if stop_group is not None and tag >> 16 != stop_group:
            return False
        if tag >> 16 == 0xFFFE:
            self.note("a stray delimiter")
            self.position += 8
            return True
        if (tag < self._previous or dictionary_vr(tag) is None) and not self._plausible(level.encoding, tag):
            self.note("bytes after the last element")
            return False
        if self._bytes > self.limits.header_bytes or self._elements >= self.limits.elements:
            self.unread = "the header is longer than the limit"
            return False
        self._previous = tag
        if tag in PIXELS:
            return self._pixels(level, tag)
        self._element(level)
        return True

    def _plausible(self, encoding: Encoding, tag: int) -> bool:
        """Tell elements that are unknown or out of order from rubbish at the end of a file."""
        code = self.source.take(self.position, 6)[4:6]
        if tag < self._previous:
            known = dictionary_vr(tag) is not None or (encoding.explicit and code in EXPLICIT)
            return known and tag > 0x0002FFFF and self._previous < min(PIXELS)
        if encoding.explicit and (code in EXPLICIT or (code.isalpha() and code.isupper())):
            return True
        order = "<4xI" if encoding.little else ">4xI"
        (length,) = struct.unpack(order, self.source.take(self.position, 8))
        is_private = bool(tag >> 16 & 1)
        fits = self.source.size is not None and self.source.reaches(self.position + 8 + int(length))
        return (is_private and not encoding.explicit) or fits

    def _tag(self, position: int, encoding: Encoding) -> int:
        group, element = struct.unpack_from(
            "<HH" if encoding.little else ">HH", self.source.buffer, position - self.source.base
        )
        return int(group) << 16 | int(element)

    def _element(self, level: Level) -> None:
        position = self.position
        if position >= level.bound:
            self._close(level)
            return
        if not self.source.has(position, 8):
            raise TruncatedError("the file ends inside a sequence")
        tag = self._tag(position, level.encoding)
        if tag >> 16 == 0xFFFE:
            self._delimiter(level, tag)
            return
        vr, length, start = self._prefix(level, tag, position)
        self._elements += 1
        key = f"{tag:08X}"
        if key in level.dataset:
            self.note("an element that occurs twice")
        if length == UNDEFINED:
            self._undefined(level, tag, key, vr, start)
        elif start + length > level.bound:
            self.note("an element longer than the item that holds it")
            self._cut_enclosing("an element overruns its item")
            self.position = level.bound
        elif not self.source.reaches(start + length):
            raise TruncatedError("the file ends inside an element")
        elif vr == "SQ" or self._holds_items(level, vr, start, length):
            self._sequence(level, key, start, start + length, level.encoding if vr == "SQ" else IMPLICIT)
        else:
            self.position = start + length
            level.dataset[key] = self._value(level, tag, vr, start, length)

    def _prefix(self, level: Level, tag: int, position: int) -> tuple[str, int, int]:
        """Read VR and length: the VR, the length of the value, and where the value starts."""
        source, order = self.source, "<" if level.encoding.little else ">"
        offset = position - source.base
        if not level.encoding.explicit:
            (length,) = struct.unpack_from(order + "I", source.buffer, offset + 4)
            return self._implied(level, tag, length), length, position + 8
        known = EXPLICIT.get(source.buffer[offset + 4 : offset + 6])
        if known is None:
            return self._odd_prefix(level, tag, position)
        vr, long_form = known
        if long_form:
            (length,) = struct.unpack(order + "I", source.take(position + 8, 4))
            start = position + 12
        else:
            (length,) = struct.unpack_from(order + "H", source.buffer, offset + 6)
            start = position + 8
        if vr == "UN":
            vr = self._implied(level, tag, length)
        return vr, length, start

    def _odd_prefix(self, level: Level, tag: int, position: int) -> tuple[str, int, int]:
        """Read an element whose VR is none: implicit VR in the middle of explicit, or a VR that does not exist yet."""
        order = "<" if level.encoding.little else ">"
        code, short = struct.unpack(order + "4x2sH", self.source.take(position, 8))
        (implicit,) = struct.unpack(order + "4xI", self.source.take(position, 8))
        end = position + 8 + implicit
        if not code.isalpha() and (
            implicit == UNDEFINED or (end <= level.bound and self.source.size is not None and end <= self.source.size)
        ):
            self.note("an element without a VR")
            return self._implied(level, tag, implicit), implicit, position + 8
        self.note("an element with an unknown VR")
        if short == 0 and code.isalpha() and self.source.has(position, 12):
            (length,) = struct.unpack(order + "8xI", self.source.take(position, 12))
            return "UN", length, position + 12
        return self._implied(level, tag, short), short, position + 8

    def _implied(self, level: Level, tag: int, length: int) -> str:
        """Find the VR of an element that comes without one (PS3.5 §6.2.2)."""
        if tag >> 16 & 1:
            return private_vr(tag, level.creators.get(tag >> 8)) or "UN"
        vr = dictionary_vr(tag) or "UN"
        if " or " not in vr:
            return vr
        if vr == "US or SS":
            return "SS" if level.pixel_representation else "US"
        if vr == "OB or OW":
            return "OW"
        # Tables: short ones as numbers, long ones are data.
        return "US" if length <= 2 * self.limits.values_per_element else "OW"

    def _value(self, level: Level, tag: int, vr: str, start: int, length: int) -> Entry:
        limits, encoding, take = self.limits, level.encoding, self.source.take
        self._bytes += ENTRY_BYTES
        if length == 0:
            return {"vr": vr}
        if vr in STRINGS:
            raw = take(start, min(length, limits.element_bytes))
            entry = string_entry(vr, raw, length, limits, level.charset, self.note)
            self._bytes += len(raw)
            if tag == CHARACTER_SET or (tag & 0xFF00 == 0 and tag >> 16 & 1):
                self._governs(level, tag, entry)
            return entry
        if vr in BINARY:
            if length > (PRINTABLE_BYTES if vr == "UN" else INLINE_BYTES):
                return bulk_entry(vr, length)
            self._bytes += min(length * 2, PRINTABLE_BYTES)
            return unknown_entry(vr, take(start, length)) if vr == "UN" else _inline(vr, take(start, length))
        size = 4 if vr == "AT" else NUMBERS[vr][1]
        raw = take(start, min(length, size * limits.values_per_element))
        self._bytes += 2 * len(raw)
        if vr == "AT":
            return tag_entry(raw, length, limits, little=encoding.little)
        entry = number_entry(vr, raw, length, limits, little=encoding.little)
        if tag == PIXEL_REPRESENTATION and entry.get("Value") == [1]:
            level.pixel_representation = 1
        return entry

    def _governs(self, level: Level, tag: int, entry: Entry) -> None:
        """Follow the elements that decide how others are read: character set and private creators."""
        values: list[Any] = entry.get("Value", [])
        if tag == CHARACTER_SET:
            level.charset, regular = encodings_of(tuple(value or "" for value in values))
            if not regular:
                self.note(UNKNOWN_SET)
        elif values and tag & 0xFFFF >= 0x10:
            level.creators[(tag >> 16 << 8) | (tag & 0xFF)] = str(values[0]).strip()

    # Sequences

    def _holds_items(self, level: Level, vr: str, start: int, length: int) -> bool:
        """Tell whether an unknown value is a sequence that was stored as UN."""
        if vr != "UN" or length < 8:
            return False
        begin = self.source.take(start, 8)
        if begin[:4] != ITEM_BYTES[True]:
            return False
        (first,) = struct.unpack_from("<I", begin, 4)
        return first == UNDEFINED or 8 + int(first) <= length

    def _undefined(self, level: Level, tag: int, key: str, vr: str, start: int) -> None:
        encoding = level.encoding
        begin = self.source.take(start, 4)
        if vr == "UN":
            encoding = IMPLICIT if level.encoding.explicit else level.encoding
        if vr in BINARY - {"UN"}:
            level.dataset[key] = bulk_entry(vr, None)
            self.position = start
            if not self._jump_fragments(encoding, level.bound, NO_LIMIT):
                raise TruncatedError("the file ends inside an element")
            return
        if vr not in {"SQ", "UN"} and begin[:4] not in ITEM_BYTES.values():
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
            if end is None:
                self._skip_sequence(encoding, level.bound)
            else:
                self.position = end
            return
        inner = Level(encoding, end, level.bound if end is None else min(end, level.bound))
        inner.items = []
        inner.entry = entry
        self._inherit(inner, level)
        self._stack.append(inner)

    def _no_more(self, depth: int) -> str | None:
        """Tell why the items of a sequence are not read: a limit; the top level may use the last eighth alone."""
        limits = self.limits
        if depth >= limits.depth:
            return f"more than {limits.depth} levels of sequences"
        if self._bytes > limits.header_bytes * 7 // 8:
            return "the header is longer than the limit"
        if self._elements > limits.elements * 7 // 8:
            return "more elements than the limit"
        return None

    def _inherit(self, inner: Level, outer: Level) -> None:
        inner.charset = outer.charset
        inner.pixel_representation = outer.pixel_representation

    def _item(self, level: Level) -> None:
        position = self.position
        if position >= level.bound:
            self._close(level)
            return
        if not self.source.has(position, 8):
            raise TruncatedError("the file ends inside a sequence")
        order = "<" if level.encoding.little else ">"
        group, element, length = struct.unpack_from(order + "HHI", self.source.buffer, position - self.source.base)
        tag = group << 16 | element
        if tag == ITEM:
            self._open_item(level, position + 8, length)
        elif tag == SEQUENCE_END:
            self.position += 8
            if level.end is None:
                self._close(level)
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
        assert level.items is not None  # noqa: S101 - for the type checker
        self.position = start
        self._elements += 1  # an empty item costs as much memory as an element
        why = self._no_more((len(self._stack) - 1) // 2)
        if why is not None:
            level.entry["cut"] = f"{why}; {len(level.items)} items are kept"
            self._stack.pop()
            self._store(level)
            if level.end is not None:
                self.position = level.end
            else:
                self.position -= 8
                self._skip_sequence(level.encoding, level.bound)
            return
        end = None if length == UNDEFINED else start + length
        if end is not None and end > level.bound:
            self.note("an item longer than the sequence that holds it")
            end = level.bound
        if end is not None and not self.source.reaches(end):
            raise TruncatedError("the file ends inside a sequence")
        inner = Level(self._encoding_of_item(level.encoding, start), end, level.bound if end is None else end)
        self._inherit(inner, level)
        level.items.append(inner.dataset)
        self._stack.append(inner)

    def _encoding_of_item(self, assumed: Encoding, start: int) -> Encoding:
        """Look at the first element: some writers switch the kind of VR inside sequences."""
        if not self.source.has(start, 8):
            return assumed
        offset = start - self.source.base
        begin = self.source.buffer[offset : offset + 8]
        known = begin[4:6] in EXPLICIT
        if known == assumed.explicit or begin[:2] in {b"\xfe\xff", b"\xff\xfe"}:
            return assumed
        if not assumed.explicit:
            # Two letters may be a length: believe it only where that length cannot be.
            (length,) = struct.unpack("<I" if assumed.little else ">I", begin[4:])
            if self.source.size is None or start + 8 + int(length) <= self.source.size:
                return assumed
        elif begin[4:6].isalpha():
            return assumed
        self.note("a sequence in another encoding than its file")
        return Encoding(not assumed.explicit, assumed.little)

    def _delimiter(self, level: Level, tag: int) -> None:
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

    def _close(self, level: Level) -> None:
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

    # What is jumped over

    def _skip_sequence(self, encoding: Encoding, bound: int) -> None:
        """Jump over a sequence of undefined length: a counter of levels, no memory."""
        depth, steps, implicit_from = 1, 0, None
        level = Level(encoding, None, NO_LIMIT)
        while depth and self.position < bound:
            steps += 1
            if steps > SKIPPED:
                self.unread = "a sequence beyond all limits; what follows it is not read"
                return
            if not self.source.has(self.position, 8):
                raise TruncatedError("the file ends inside a sequence")
            tag = self._tag(self.position, encoding)
            order = "<I" if encoding.little else ">I"
            (length,) = struct.unpack_from(order, self.source.buffer, self.position - self.source.base + 4)
            if tag in {ITEM_END, SEQUENCE_END}:
                self.position += 8
                depth -= 1
                if implicit_from is not None and depth <= implicit_from:
                    implicit_from, level.encoding = None, encoding
                continue
            if tag == ITEM:
                start, vr = self.position + 8, "SQ"
            else:
                vr, length, start = self._prefix(level, tag, self.position)
            self.position = start
            if length != UNDEFINED:
                self.position = min(start + length, bound)
                if not self.source.reaches(self.position):
                    raise TruncatedError("the file ends inside a sequence")
                continue
            if vr == "UN" and implicit_from is None:
                implicit_from, level.encoding = depth, Encoding(False, encoding.little)
            depth += 1

    def _jump_fragments(self, encoding: Encoding, bound: int, most: int) -> bool:
        """Jump over the items of encapsulated data; False where there are too many, or the file ends in them."""
        while most > 0 and self.source.has(self.position, 8):
            if self.position >= bound:
                return True
            tag = self._tag(self.position, encoding)
            order = "<I" if encoding.little else ">I"
            (length,) = struct.unpack_from(order, self.source.buffer, self.position - self.source.base + 4)
            self.position += 8
            if tag != ITEM or length == UNDEFINED:
                return tag == SEQUENCE_END
            self.position = min(self.position + length, bound)
            if not self.source.reaches(self.position):
                self.note("pixel data that is cut off")
                return False
            most -= 1
        return False

    def _pixels(self, level: Level, tag: int) -> bool:
        """Note the pixel data, and go on behind it where that is cheap: True if there is more."""
        vr, length, start = self._prefix(level, tag, self.position)
        self._elements += 1
        entry = {"vr": vr} if length == 0 else bulk_entry(vr, None if length == UNDEFINED else length)
        level.dataset[f"{tag:08X}"] = entry
        self.position = start
        if length == UNDEFINED:
            return self._jump_fragments(level.encoding, NO_LIMIT, FRAGMENTS)
        self.position += length
        if self.source.size is None:
            return False  # not worth unpacking
        if not self.source.reaches(self.position):
            self.note("pixel data that is cut off")
            return False
        return True


IMPLICIT = Encoding(explicit=False, little=True)


def _inline(vr: str, raw: bytes) -> Entry:
    return {"vr": vr, "InlineBinary": b64encode(raw).decode("ascii")}
