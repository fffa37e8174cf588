"""From a header to the fields of its document: every element ends in one place and in one count of the receipt.

Pure and without recursion. It sees nothing but the stored header, so that a document built again from it is the
very same.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from indexer.flatten.collect import fields_of, receipt_of
from indexer.flatten.contribution import Contribution, Sum
from indexer.flatten.derived import derive, timestamp
from indexer.flatten.elements import contribution_of, is_structural
from indexer.flatten.levels import Items, Level
from indexer.flatten.places import Place, Trace
from indexer.flatten.scope import Scope, name_of
from indexer.reader.header import Header
from indexer.reader.reading import instance_uid
from indexer.settings import Limits


@dataclass(frozen=True, slots=True)
class Flattened:
    """A header as a document.

    Attributes
    ----------
    id
        The document's `_id`: the SOPInstanceUID, or `sha256-` and the file's digest where it has no valid one.
    fields
        The document, but for what is known of the file and the batch.
    """

    id: str
    fields: dict[str, Any]


def flatten(header: Header, limits: Limits, trace: Trace | None = None) -> Flattened:
    """Make the document of a header.

    Parameters
    ----------
    header
        From `read_header`, or restored from a document.
    limits
        Length and depth of the keys; what else they limit, the reader has already cut.
    trace
        Is told of each element where it went.
    """
    total = Sum()
    _add_up(total, header, limits, trace)
    identity = instance_uid(header.elements) or f"sha256-{header.digest}"
    fields = fields_of(total)
    complete(fields, identity)
    fields["header"] = orjson.dumps(header.elements).decode()
    fields["receipt"] = receipt_of(total, header.unread, header.forgiven)
    return Flattened(identity, fields)


def complete(fields: dict[str, Any], identity: str) -> None:
    """Add what is derived from the fields: the time of the image, and the keys of its levels."""
    at = timestamp(fields)
    if at is not None:
        fields["@timestamp"] = at
    fields["derived"] = derive(fields, identity)


def _add_up(total: Sum, header: Header, limits: Limits, trace: Trace | None) -> None:
    stack: list[Level | Items] = [Level(header.elements, Scope(limits), "")]
    while stack:
        top = stack[-1]
        if isinstance(top, Items):
            item = top.next_item()
            if item is None:
                stack.pop()
            else:
                stack.append(item)
            continue
        for tag, entry in top.elements:
            creator = top.creator(tag)
            made = contribution_of(top.scope, tag, entry, creator)
            if made.cuts and top.path:
                made = made.under(top.path)
            total.add((made,))
            if trace:
                name = tag if is_structural(tag, entry) else name_of(tag, creator)
                trace(_place(top, name, tag, made, entry))
            items = entry.get("Value") if entry["vr"] == "SQ" else None
            if items:
                name = name_of(tag, creator)
                stack.append(Items(items, top.scope.inside(name), top.path + name))
                break  # its items come first
        else:
            stack.pop()


def _place(level: Level, name: str, tag: str, made: Contribution, entry: dict[str, Any]) -> Place:
    [outcome] = made.outcomes
    return Place(level.path + name, tag, entry, outcome, made.fields, made.why, level.scope.depth)
