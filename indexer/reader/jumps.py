"""What is jumped over: sequences beyond a limit, and the fragments of pixel data. No memory is needed for either."""

from indexer.reader.charsets import Note
from indexer.reader.encoding import IMPLICIT, ITEM, ITEM_END, SEQUENCE_END, TAG_AND_LENGTH, UNDEFINED, Encoding
from indexer.reader.errors import TruncatedError
from indexer.reader.level import Level
from indexer.reader.prefixes import prefix
from indexer.reader.source import Source
from indexer.settings import Limits

# Items and elements that are jumped over in search of the end of a sequence.
MOST_STEPS = 1_000_000
# Fragments of pixel data that are jumped over in search of elements behind them.
MOST_FRAGMENTS = 16


def over_sequence(
    source: Source, position: int, encoding: Encoding, bound: int, limits: Limits, note: Note
) -> int | None:
    """Find the end of a sequence without a length.

    Parameters
    ----------
    position
        Of its first item.
    bound
        The nearest end that is known.

    Returns
    -------
    int or None
        The offset behind it; None where it does not end within reasonable time.
    """
    level = Level(encoding, None, None)
    depth, implicit_from = 1, 0
    for _ in range(MOST_STEPS):
        if depth == 0 or position >= bound:
            return min(position, bound)
        tag, length = _tag_and_length(source, position, encoding)
        if tag in {ITEM_END, SEQUENCE_END}:
            position += 8
            depth -= 1
            if depth <= implicit_from:
                implicit_from, level.encoding = 0, encoding
            continue
        vr, start = "SQ", position + 8
        if tag != ITEM:
            vr, length, start = prefix(source, level, tag, position, limits, note)
        position = start
        if length != UNDEFINED:
            position = min(start + length, bound)
            if not source.reaches(position):
                raise TruncatedError("the file ends inside a sequence")
            continue
        if vr == "UN" and not implicit_from:
            implicit_from, level.encoding = depth, IMPLICIT
        depth += 1
    return None


def over_fragments(source: Source, position: int, encoding: Encoding, bound: int, most: int) -> int | None:
    """Find the end of encapsulated data (PS3.5 §A.4).

    Returns
    -------
    int or None
        The offset behind it; None where that takes more than `most` steps, or the file ends before.
    """
    for _ in range(most):
        if position >= bound:
            return bound
        if not source.has(position, 8):
            return None
        tag, length = _tag_and_length(source, position, encoding)
        if tag != ITEM or length == UNDEFINED:
            return position + 8 if tag == SEQUENCE_END else None
        position = min(position + 8 + length, bound)
        if not source.reaches(position):
            return None
    return None


def _tag_and_length(source: Source, position: int, encoding: Encoding) -> tuple[int, int]:
    if not source.has(position, 8):
        raise TruncatedError("the file ends inside a sequence")
    group, element, length = TAG_AND_LENGTH[encoding.little].unpack_from(source.buffer, position - source.base)
    return group << 16 | element, length
