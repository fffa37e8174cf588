"""The conditions of the query language that find what an element of a header holds: from a value back to a query.

Each is letter by letter what the index has of the value, on the most exact field there is: the attribute itself, its
exact path where it is inside a sequence, a private creator's element.
"""

import re
from collections.abc import Iterator

from app.search.fields import Field, Shape, UnknownFieldError, resolve
from app.search.filters import name_of, quoted, write_filter
from app.search.kinds import texts
from indexer.flatten import Outcome, Place
from indexer.flatten.convert import CONVERTERS, Scalar, number_text
from indexer.flatten.entries import is_raw, values_of
from indexer.settings import Limits
from mappings.dictionary import Kind, attribute_of

# Longer ones belong neither into an address nor into anybody's head.
_LONGEST = 500
_MOST_VALUES = 12
_ITEM = re.compile(r"\[\d+\](?=\.)")
_LINE_BREAK = re.compile(r"[\r\n]")
_NO_CHARACTER = re.compile("[\ud800-\udfff\x00]")
_OWN = ("text", "empty", "sequences", "creators")


def conditions_of(place: Place, limits: Limits) -> tuple[str, ...]:
    """Write the conditions that together find the images which have what an element has.

    Parameters
    ----------
    place
        What became of the element.
    limits
        With which it was flattened.

    Returns
    -------
    tuple of str
        None where no query can: for binary values, those that were cut, very long ones and very many.
    """
    found: dict[str, None] = {}
    for condition in _conditions(place, limits):
        if condition is None or len(found) > _MOST_VALUES:
            return ()
        found[condition] = None
    return tuple(found) if sum(map(len, found)) <= _LONGEST and len(found) <= _MOST_VALUES else ()


def listed_names(place: Place, limits: Limits) -> tuple[str, ...]:
    """How `empty` and `sequences` list an element: by its path, where one is written, and by its own name."""
    path = _ITEM.sub("", place.path)
    name = path.rpartition(".")[2] if ":" not in path else path
    if place.depth and ":" in path:
        # A creator's name may have dots in it: what comes after the last item is the element.
        name = re.split(r"\[\d+\]\.", place.path)[-1]
    has_path = place.depth <= limits.key_depth and len(path) <= limits.key_characters
    return tuple(dict.fromkeys((path, name) if has_path else (name,)))


def _conditions(place: Place, limits: Limits) -> Iterator[str | None]:
    match place.outcome:
        case Outcome.EMPTY:
            yield _written("empty", listed_names(place, limits)[0])
        case Outcome.STRUCTURAL if "sequences" in place.fields:
            yield _written("sequences", listed_names(place, limits)[0])
        case Outcome.STRUCTURAL if "creators" in place.fields:
            for value, _ in values_of(place.entry) or ():
                yield _written("creators", str(value).strip())
        case Outcome.INDEXED | Outcome.MALFORMED:
            yield from _of_values(place)


def _of_values(place: Place) -> Iterator[str | None]:
    malformed = next((name for name in place.fields if name.startswith("malformed.")), "")
    holding = [name for name in place.fields if name not in _OWN and name != malformed]
    # The exact path says more than the attribute at any depth.
    path = next((name for name in holding if name.startswith("path.")), next(iter(holding), ""))
    is_known = path.partition(".")[0] not in ("private", "other")
    attribute = attribute_of(int(place.tag, 16)) if is_known else None
    kind = attribute.kind if attribute is not None else Kind.TEXT
    for value, _ in values_of(place.entry) or ():
        written = value.strip() if isinstance(value, str) else number_text(value, place.entry["vr"])
        if attribute is None:
            yield _written(path, written)
            continue
        indexed: Scalar | None = None if is_raw(place.entry) else CONVERTERS[kind](value, place.entry["vr"])
        if indexed is None:
            yield _written(malformed, written)
        else:
            yield _written(path, indexed if isinstance(indexed, str) else number_text(indexed))


def _written(name: str, value: str) -> str | None:
    try:
        field = resolve(name)
    except UnknownFieldError:
        return None
    # A name that a query reads in another way is none: some are made of whatever a file has as its creator.
    if field.path != name or not value or _NO_CHARACTER.search(name + value) or _LINE_BREAK.search(name):
        return None
    if not _LINE_BREAK.search(value):
        return write_filter(field, value)
    # Forms change the ends of lines on their way: the words are as good.
    return _words(field, value)


def _words(field: Field, value: str) -> str | None:
    if field.shape is not Shape.TYPED or field.kind is not Kind.TEXT or not texts.has_words(value):
        return None
    return f"{name_of(field)}:{quoted(' '.join(value.split()))}"
