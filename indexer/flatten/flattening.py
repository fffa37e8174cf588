"""From a header to the fields of its document: every element ends in one place and in one count of the receipt.

Pure and without recursion. It sees nothing but the stored header, so that a document built again from it is the
very same.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from indexer.flatten.collect import Fields, add, add_all
from indexer.flatten.convert import CONVERTERS, NUMERIC, Scalar, number_text
from indexer.flatten.derived import derive, timestamp
from indexer.flatten.entries import GROUPS, is_raw, values_of
from indexer.flatten.forms import private_key, sortables
from indexer.flatten.levels import ODD, Items, Level, creator_of, is_creator
from indexer.flatten.places import Outcome, Place, Trace
from indexer.reader.header import Entry, Header
from indexer.reader.reading import instance_uid
from indexer.settings import Limits
from mappings.dictionary import Attribute, Kind, attribute_of

NO_CREATOR = "none"
MOST_CUTS = 100
LONGEST_CUT_PATH = 1_000


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
    work = _Flattening(header, limits, trace)
    work.run()
    identity = instance_uid(header.elements) or f"sha256-{header.digest}"
    fields = work.fields.document()
    at = timestamp(fields)
    if at is not None:
        fields["@timestamp"] = at
    fields["derived"] = derive(fields, identity)
    fields["header"] = orjson.dumps(header.elements).decode()
    fields["receipt"] = work.receipt()
    return Flattened(identity, fields)


@lru_cache(maxsize=32_768)
def _attribute(tag: str) -> Attribute | None:
    return attribute_of(int(tag, 16))


class _Flattening:
    """The work on one header."""

    def __init__(self, header: Header, limits: Limits, trace: Trace | None) -> None:
        self.header = header
        self.limits = limits
        self.trace = trace
        self.fields = Fields()
        self.counts: Counter[Outcome] = Counter()
        self.cuts: list[dict[str, str]] = []
        self._stack: list[Level | Items] = [Level(header.elements, "", "", 0)]

    def run(self) -> None:
        stack = self._stack
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
                if self._element(top, tag, entry):
                    break  # items were put on the stack: they come first
            else:
                stack.pop()

    def receipt(self) -> dict[str, Any]:
        counts = {outcome.value: self.counts[outcome] for outcome in Outcome}
        cuts = self.cuts
        if self.header.unread:
            counts["truncated"] += 1
            cuts = [{"path": "", "why": self.header.unread}, *cuts]
        receipt: dict[str, Any] = {"elements": sum(counts.values()), **counts}
        if cuts:
            receipt["cuts"] = cuts[:MOST_CUTS]
        if self.header.unread:
            receipt["unread"] = self.header.unread
        if self.header.forgiven:
            receipt["forgiven"] = list(self.header.forgiven)
        return receipt

    def _element(self, level: Level, tag: str, entry: Entry) -> bool:
        """Put one element in its place; True where it is a sequence whose items come next."""
        is_private = tag[3] in ODD
        if (tag[4:] == "0000" and entry["vr"] != "SQ") or (tag[4:6] == "00" and is_creator(tag, entry)):
            self._structural(level, tag, entry, is_private=is_private)
            return False
        attribute = None if is_private else _attribute(tag)
        creator = level.creators.get(tag[:4] + tag[4:6]) or NO_CREATOR if is_private else ""
        creator = creator[: self.limits.key_characters // 2]
        if is_private:
            self.fields.creators[creator] = None
        name = attribute.keyword if attribute else f"{creator}:{private_key(tag)}" if is_private else tag
        key = self._key(level, name)
        if entry["vr"] == "SQ":
            return self._sequence(level, tag, entry, name, key)
        values = values_of(entry)
        if values is None:
            self._done(level, tag, entry, name, Outcome.BINARY, ())
        elif not values:
            self.fields.empty[key or name] = None
            self._done(level, tag, entry, name, Outcome.EMPTY, ("empty",))
        elif is_private:
            self._private(level, tag, entry, name, creator, values)
        elif attribute is None or attribute.kind not in CONVERTERS:
            self._other(level, tag, entry, name, values)
        else:
            self._known(level, tag, entry, attribute, key, values)
        return False

    def _key(self, level: Level, name: str) -> str | None:
        if level.path is None or level.depth > self.limits.key_depth:
            return None
        key = level.path + name
        return key if len(key) <= self.limits.key_characters else None

    def _done(
        self, level: Level, tag: str, entry: Entry, name: str, outcome: Outcome, fields: tuple[str, ...], why: str = ""
    ) -> None:
        cut = entry.get("cut")
        if cut:
            outcome, why = Outcome.TRUNCATED, cut
            if len(self.cuts) < MOST_CUTS:
                self.cuts.append({"path": (level.trace_path + name)[:LONGEST_CUT_PATH], "why": cut})
        self.counts[outcome] += 1
        if self.trace:
            self.trace(Place(level.trace_path + name, tag, entry, outcome, fields, why, level.depth))

    def _structural(self, level: Level, tag: str, entry: Entry, *, is_private: bool) -> None:
        fields: tuple[str, ...] = ()
        creator = creator_of(entry) if is_private and tag[4:] != "0000" else ""
        if creator:
            self.fields.creators[creator] = None
            self.fields.add_text(creator)
            fields = ("creators",)
        self._done(level, tag, entry, tag, Outcome.STRUCTURAL, fields)

    def _sequence(self, level: Level, tag: str, entry: Entry, name: str, key: str | None) -> bool:
        items = entry.get("Value")
        if not items:
            self.fields.empty[key or name] = None
            self._done(level, tag, entry, name, Outcome.EMPTY, ("empty",))
            return False
        self.fields.sequences[name] = None
        if key is not None:
            self.fields.sequences[key] = None
        self._done(level, tag, entry, name, Outcome.STRUCTURAL, ("sequences",))
        path = None if key is None else f"{key}."
        self._stack.append(Items(items, path, level.trace_path + name, level.depth + 1))
        return True

    def _private(
        self, level: Level, tag: str, entry: Entry, name: str, creator: str, values: list[tuple[Scalar, str]]
    ) -> None:
        key = private_key(tag)
        for value, _ in values:
            text = value.strip() if isinstance(value, str) else number_text(value, entry["vr"])
            self.fields.add_private(creator, key, text)
            self.fields.add_text(text)
        self._done(level, tag, entry, name, Outcome.INDEXED, (f"private.{creator}.{key}", "text"))

    def _other(self, level: Level, tag: str, entry: Entry, name: str, values: list[tuple[Scalar, str]]) -> None:
        for value, _ in values:
            text = value.strip() if isinstance(value, str) else number_text(value, entry["vr"])
            add(self.fields.other, tag, text)
            self.fields.add_text(text)
        self._done(level, tag, entry, name, Outcome.INDEXED, (f"other.{tag}", "text"))

    def _known(
        self,
        level: Level,
        tag: str,
        entry: Entry,
        attribute: Attribute,
        key: str | None,
        values: list[tuple[Scalar, str]],
    ) -> None:
        fields, kind, keyword, vr = self.fields, attribute.kind, attribute.keyword, entry["vr"]
        convert = CONVERTERS[kind]
        raw_bytes = is_raw(entry)
        good: list[Any] = []
        bad: list[str] = []
        for value, group in values:
            converted = None if raw_bytes else convert(value, vr)
            written = value.strip() if isinstance(value, str) else number_text(value, vr)
            if converted is None:
                bad.append(written)
                fields.add_text(written)
                continue
            good.append(converted)
            if kind in NUMERIC:
                fields.text[written] = None
            else:
                self._known_text(level, attribute, written, group)
        where: tuple[str, ...] = ()
        if good:
            where = self._known_fields(level, kind, keyword, key, good)
        if bad:
            add_all(fields.malformed, key or keyword, bad)
            where += (f"malformed.{key or keyword}",)
        outcome = Outcome.MALFORMED if bad else Outcome.INDEXED
        self._done(level, tag, entry, keyword, outcome, (*where, "text"), f"does not fit {kind}" if bad else "")

    def _known_text(self, level: Level, attribute: Attribute, written: str, group: str) -> None:
        fields, kind = self.fields, attribute.kind
        if kind == Kind.NAME:
            form = fields.add_name(written, is_alphabetic=group in {"", GROUPS[0]})
        else:
            form = fields.add_text(written)
        if form is not None and kind in {Kind.NAME, Kind.TEXT}:
            add(fields.folded if level.depth == 0 else fields.nested_folded, attribute.keyword, form)

    def _known_fields(
        self, level: Level, kind: Kind, keyword: str, key: str | None, good: list[Any]
    ) -> tuple[str, ...]:
        """Put typed values into their fields; the names of the fields are returned."""
        fields = self.fields
        texts = good
        if kind in NUMERIC:
            texts = [number_text(number) for number in good]
            fields.text.update(dict.fromkeys(texts))
        if level.depth == 0:
            fields.top.setdefault(keyword, []).extend(good)
            return (keyword,)
        add_all(fields.nested, keyword, good)
        if key is None:
            return (f"nested.{keyword}",)
        add_all(fields.path, key, texts)
        if kind in NUMERIC:
            add_all(fields.path_numbers, key, sortables(good))
        return f"nested.{keyword}", f"path.{key}"
