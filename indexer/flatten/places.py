"""Where each element goes: the answer that the receipt counts and `dicomsearch explain` prints."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from indexer.reader.header import Entry


class Outcome(StrEnum):
    """What became of an element; each has exactly one."""

    INDEXED = "indexed"
    EMPTY = "empty"  # present without a value
    BINARY = "binary"  # bytes that are no text
    MALFORMED = "malformed"  # a value does not fit the type; findable under `malformed`
    TRUNCATED = "truncated"  # a limit cut a part of it
    STRUCTURAL = "structural"  # group lengths, private creators, sequences


@dataclass(frozen=True, slots=True)
class Place:
    """What became of one element.

    Attributes
    ----------
    path
        Keywords from the top down, each sequence with the number of its item: `RequestAttributesSequence[1].…`.
    tag
        Eight hexadecimal digits.
    entry
        The element, as the header has it.
    outcome
        Its count in the receipt.
    fields
        The fields of the document that hold it.
    why
        Where it is not simply indexed: the reason.
    depth
        How many sequences it is in.
    """

    path: str
    tag: str
    entry: Entry
    outcome: Outcome
    fields: tuple[str, ...] = ()
    why: str = ""
    depth: int = 0


Trace = Callable[[Place], None]
