"""What one element adds to the document of its header: every value put where search looks for it."""

from typing import Any

from indexer.flatten.contribution import CREATORS, EMPTIES, SEQUENCES, Contribution, Group, Keys, distinct
from indexer.flatten.convert import Scalar, number_text, to_double
from indexer.flatten.creators import ODD, creator_of, is_creator
from indexer.flatten.entries import GROUPS, is_raw, values_of
from indexer.flatten.forms import name_form, private_key, search_form, sortable, sortables
from indexer.flatten.places import Outcome
from indexer.flatten.scope import Public, Scope, name_of
from indexer.reader.header import Entry
from mappings.dictionary import Kind

_INDEXED, _MALFORMED, _BINARY = (Outcome.INDEXED,), (Outcome.MALFORMED,), (Outcome.BINARY,)
_EMPTY, _STRUCTURAL, _TRUNCATED = (Outcome.EMPTY,), (Outcome.STRUCTURAL,), (Outcome.TRUNCATED,)
_NESTED: Group = ("nested",)
_PATH: Group = ("path",)
_PATH_NUMBERS: Group = ("path_num",)
_OTHER: Group = ("other",)
_MALFORMED_VALUES: Group = ("malformed",)


def contribution_of(scope: Scope, tag: str, entry: Entry, creator: str = "") -> Contribution:
    """Tell what an element adds; of a sequence, without what is in its items.

    Parameters
    ----------
    scope
        Of the data set that it is in.
    tag
        Eight hexadecimal digits.
    entry
        The element.
    creator
        Of a private element.
    """
    if len(entry) == 2 and tag[3] not in ODD and tag[4:] != "0000" and len(entry.get("Value", ())) == 1:
        made = _one_value(scope.public(tag), entry["Value"][0], entry["vr"])
        if made is not None:
            return made
    made = _contribution(scope, tag, entry, creator)
    if "cut" in entry and (cut := entry["cut"]):
        made.outcomes, made.why = _TRUNCATED, cut
        made.cuts = ((tag if is_structural(tag, entry) else name_of(tag, creator), cut),)
    return made


def _one_value(public: Public | None, value: Any, vr: str) -> Contribution | None:
    """Tell what a public element of one value adds where that is simple, as it mostly is; None where it is not."""
    if public is None or vr == "SQ":
        return None
    if isinstance(value, str):
        written = value.strip()
        if not written or public.kind is Kind.NAME:
            return None
    elif isinstance(value, int | float):
        written = number_text(value, vr)
    else:
        return None
    converted = public.convert(value, vr)
    if converted is None:
        return None
    added: list[tuple[Group, Keys]] = []
    if isinstance(converted, str):
        canonical, form = converted, search_form(written)
        texts: tuple[str, ...] = (written,) if form == written else (written, form)
        if form != written and public.has_search_form:
            added.append((public.folded, {public.keyword: form}))
    else:
        canonical = number_text(converted)
        texts = (written, canonical)
    made = Contribution(_INDEXED, public.fields_and_text, keys=added, texts=texts, repeats=public.repeats)
    if public.is_top:
        made.top = {public.keyword: converted}
    else:
        added.append((_NESTED, {public.keyword: converted}))
        if public.path is not None:
            added.append((_PATH, {public.path: canonical}))
            if not isinstance(converted, str):
                added.append((_PATH_NUMBERS, {public.path: sortable(converted)}))
    return made


def is_structural(tag: str, entry: Entry) -> bool:
    """Tell group lengths and private creators."""
    return tag[4:6] == "00" and ((tag[6:] == "00" and entry["vr"] != "SQ") or is_creator(tag, entry))


def _contribution(scope: Scope, tag: str, entry: Entry, creator: str) -> Contribution:
    if tag[4:6] == "00" and is_structural(tag, entry):
        return _structural(tag, entry)
    if tag[3] in ODD:
        made = _private(scope, tag, entry, creator)
        made.keys = ((CREATORS, {creator: None}), *made.keys)
        return made
    if entry["vr"] == "SQ":
        return _sequence(scope, entry, name_of(tag, ""))
    values = values_of(entry)
    if values is None:
        return Contribution(_BINARY)
    if not values:
        return _empty(scope, name_of(tag, ""))
    public = scope.public(tag)
    if public is None:
        return _other(tag, entry, values)
    return _known(public, entry, values)


def _structural(tag: str, entry: Entry) -> Contribution:
    creator = creator_of(entry) if tag[3] in ODD and tag[6:] != "00" else ""
    if not creator:
        return Contribution(_STRUCTURAL)
    texts: list[str] = []
    _add_text(texts, creator)
    return Contribution(_STRUCTURAL, ("creators",), keys=((CREATORS, {creator: None}),), texts=texts)


def _empty(scope: Scope, name: str) -> Contribution:
    return Contribution(_EMPTY, ("empty",), keys=((EMPTIES, {scope.key(name) or name: None}),))


def _sequence(scope: Scope, entry: Entry, name: str) -> Contribution:
    if not entry.get("Value"):
        return _empty(scope, name)
    key = scope.key(name)
    names = {name: None} if key is None else {name: None, key: None}
    return Contribution(_STRUCTURAL, ("sequences",), keys=((SEQUENCES, names),))


def _private(scope: Scope, tag: str, entry: Entry, creator: str) -> Contribution:
    if entry["vr"] == "SQ":
        return _sequence(scope, entry, name_of(tag, creator))
    values = values_of(entry)
    if values is None:
        return Contribution(_BINARY)
    if not values:
        return _empty(scope, name_of(tag, creator))
    key = private_key(tag)
    texts: list[str] = []
    written: list[str] = []
    numbers: list[str] = []
    for value, _ in values:
        text = value.strip() if isinstance(value, str) else number_text(value, entry["vr"])
        written.append(text)
        number = to_double(text, "")
        if number is None:
            _add_text(texts, text)
        else:
            numbers.append(sortable(number))
            texts += (number_text(number), text)  # which has no other search form
    added: list[tuple[Group, Keys]] = [(("private", creator), {key: distinct(written)})]
    if numbers:
        added.append((("private_num", creator), {key: distinct(numbers)}))
    return Contribution(_INDEXED, (f"private.{creator}.{key}", "text"), keys=added, texts=texts)


def _other(tag: str, entry: Entry, values: list[tuple[Scalar, str]]) -> Contribution:
    texts: list[str] = []
    written = [value.strip() if isinstance(value, str) else number_text(value, entry["vr"]) for value, _ in values]
    for text in written:
        _add_text(texts, text)
    return Contribution(_INDEXED, (f"other.{tag}", "text"), keys=((_OTHER, {tag: distinct(written)}),), texts=texts)


def _known(public: Public, entry: Entry, values: list[tuple[Scalar, str]]) -> Contribution:
    vr, convert = entry["vr"], public.convert
    raw_bytes = is_raw(entry)
    good: list[Any] = []
    bad: list[str] = []
    texts: list[str] = []
    forms: list[str] = []
    for value, group in values:
        converted = None if raw_bytes else convert(value, vr)
        written = value.strip() if isinstance(value, str) else number_text(value, vr)
        if converted is None:
            bad.append(written)
            _add_text(texts, written)
            continue
        good.append(converted)
        if public.is_numeric:
            texts.append(written)
            continue
        if public.kind is Kind.NAME:
            form = _add_name(texts, written, is_alphabetic=group in {"", GROUPS[0]})
        else:
            form = _add_text(texts, written)
        if form is not None and public.has_search_form:
            forms.append(form)
    added: list[tuple[Group, Keys]] = []
    if forms:
        added.append((public.folded, {public.keyword: distinct(forms)}))
    made = Contribution(_INDEXED, texts=texts, keys=added, repeats=public.repeats)
    if good:
        _put(made, public, good, texts, added)
        made.fields = public.fields_and_text
    if bad:
        added.append((_MALFORMED_VALUES, {public.malformed: distinct(bad)}))
        made.fields = (*made.fields[:-1], f"malformed.{public.malformed}", "text")
        made.outcomes, made.why = _MALFORMED, f"does not fit {public.kind}"
    return made


def _put(
    made: Contribution, public: Public, good: list[Any], texts: list[str], added: list[tuple[Group, Keys]]
) -> None:
    """Put typed values into their fields."""
    canonical = good
    if public.is_numeric:
        canonical = [number_text(number) for number in good]
        texts += canonical
    if public.is_top:
        made.top = {public.keyword: good[0] if len(good) == 1 else good}
        return
    added.append((_NESTED, {public.keyword: distinct(good)}))
    if public.path is not None:
        added.append((_PATH, {public.path: distinct(canonical)}))
        if public.is_numeric:
            added.append((_PATH_NUMBERS, {public.path: distinct(sortables(good))}))


def _add_text(texts: list[str], value: str) -> str | None:
    """Add a text and its search form; the form is returned where it differs."""
    texts.append(value)
    form = search_form(value)
    if form == value:
        return None
    texts.append(form)
    return form


def _add_name(texts: list[str], group: str, *, is_alphabetic: bool) -> str | None:
    """Add a group of a person name and its search form; the form is returned where its words differ."""
    texts.append(group)
    form = name_form(group, is_alphabetic=is_alphabetic)
    plain = group.replace("^", " ").strip() if is_alphabetic else group
    if form == plain:
        return None
    texts.append(form)
    return form
