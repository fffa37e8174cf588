"""Which field of the document a name in a query means, and what kind of values it has.

Names are keywords in any case, tags (`00180050`, `(0018,0050)`), names of the standard (`"Slice Thickness"`), `nested.`
and a keyword, exact paths through sequences, `private.CREATOR.ggggxxee`, and the document's own fields. A name that is
none of these is an error that offers what is near to it.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import MappingProxyType

from mappings.dictionary import Attribute, Kind, attribute_of, attributes

_TAG = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?")
_BLOCK_TAG = re.compile(r"\(?([0-9A-Fa-f]{4}),?[xX]{2}([0-9A-Fa-f]{2})\)?")
_NAME_IN_LIST = re.compile(r"""(?:"[^"]*"|\(\s*[0-9A-Fa-f]{4}\s*,\s*[0-9A-Fa-f]{4}\s*\)|[^,])+""")
_MAX_SUGGESTIONS = 3
_NEAR_ENOUGH = 0.7


class Shape(Enum):
    """How Elasticsearch holds a field's values."""

    TYPED = "typed"  # a field of its own, by its kind
    WORDS = "words"  # the field of all words
    KEYED = "keyed"  # one key of a `flattened` field
    LISTED = "listed"  # a list of names of elements
    ID = "id"


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a query may name.

    Attributes
    ----------
    name
        As it is shown, in the standard's own spelling.
    path
        Where Elasticsearch has it.
    kind
        What its values are.
    shape
        How Elasticsearch holds them.
    attribute
        Of the data dictionary, where there is one.
    folded
        Where the search form of its texts stands.
    numbers
        Of a keyed field: where its numbers stand, as text that sorts as they do.
    """

    name: str
    path: str
    kind: Kind
    shape: Shape = Shape.TYPED
    attribute: Attribute | None = None
    folded: str | None = None
    numbers: str | None = None

    @property
    def exact(self) -> str:
        """Where whole values stand, for exact matches and sorting."""
        has_twin = self.shape is Shape.TYPED and self.kind in (Kind.TEXT, Kind.NAME)
        return f"{self.path}.keyword" if has_twin else self.path


class UnknownFieldError(Exception):
    """A name that no field has.

    Parameters
    ----------
    message
        What is wrong, as a sentence.
    suggestions
        Names that may have been meant, the nearest first.
    """

    def __init__(self, message: str, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.suggestions = suggestions


def _own(kinds: Mapping[str, Kind]) -> dict[str, Field]:
    return {name.casefold(): Field(name, name, kind) for name, kind in kinds.items()}


OWN_FIELDS: Mapping[str, Field] = MappingProxyType(
    _own(
        {
            "batch": Kind.KEYWORD,
            "file.path": Kind.KEYWORD,
            "file.name": Kind.KEYWORD,
            "file.size": Kind.LONG,
            "file.mtime": Kind.DATETIME,
            "file.header_sha256": Kind.KEYWORD,
            "duplicates.batch": Kind.KEYWORD,
            "duplicates.path": Kind.KEYWORD,
            "duplicates.conflict": Kind.KEYWORD,
            "indexed_at": Kind.DATETIME,
            "@timestamp": Kind.DATETIME,
            "derived.patient": Kind.KEYWORD,
            "derived.study": Kind.KEYWORD,
            "derived.series": Kind.KEYWORD,
            "derived.sop_class": Kind.KEYWORD,
            "derived.transfer_syntax": Kind.KEYWORD,
            "derived.date": Kind.DATE,
            "derived.age_years": Kind.DOUBLE,
            "receipt.elements": Kind.LONG,
            "receipt.indexed": Kind.LONG,
            "receipt.empty": Kind.LONG,
            "receipt.binary": Kind.LONG,
            "receipt.malformed": Kind.LONG,
            "receipt.truncated": Kind.LONG,
            "receipt.structural": Kind.LONG,
            "receipt.forgiven": Kind.KEYWORD,
        }
    )
    | {
        "id": Field("id", "_id", Kind.KEYWORD, Shape.ID),
        "text": Field("text", "text", Kind.TEXT, Shape.WORDS),
        "empty": Field("empty", "empty", Kind.KEYWORD, Shape.LISTED),
        "sequences": Field("sequences", "sequences", Kind.KEYWORD, Shape.LISTED),
        "creators": Field("creators", "creators", Kind.KEYWORD),
        "malformed": Field("malformed", "malformed", Kind.KEYWORD, Shape.KEYED),
    }
)


def names_in(text: str) -> list[str]:
    """Split a list of names at its commas, but not inside `(0018,0050)` and not inside quotation marks."""
    found = _NAME_IN_LIST.findall(text)
    return [name.strip().replace('"', "") for name in found if name.strip()]


def resolve(name: str) -> Field:
    """Find the field that a name means.

    Parameters
    ----------
    name
        As typed, without quotation marks.

    Raises
    ------
    UnknownFieldError
        Where no field has that name.
    """
    wanted = name.strip()
    if own := OWN_FIELDS.get(wanted.casefold()):
        return own
    head, dot, rest = wanted.partition(".")
    match head.casefold():
        case "nested" if dot:
            return _nested(rest)
        case "private" if dot:
            return _private(rest)
        case "malformed" if dot:
            return _malformed(rest)
        case "path" if dot:
            return _path(rest)
        case "other" if dot and (tag := _TAG.fullmatch(rest)):
            return _other((tag.group(1) + tag.group(2)).upper())
    if attribute := find_attribute(wanted):
        return _top_level(attribute)
    if tag := _TAG.fullmatch(wanted):
        return _unknown_tag((tag.group(1) + tag.group(2)).upper())
    if dot or ":" in wanted:
        return _path(wanted)
    raise UnknownFieldError(_unknown(wanted), suggestions(wanted))


def find_attribute(name: str) -> Attribute | None:
    """Find an attribute by keyword in any case, by tag or by its name in the standard."""
    if tag := _TAG.fullmatch(name):
        return attribute_of(int(tag.group(1) + tag.group(2), 16))
    return _attributes_by_any_name().get(_plain(name))


def suggestions(name: str, prefix: str = "") -> tuple[str, ...]:
    """Names of fields that are near to one that does not exist, the nearest first."""
    wanted = name.casefold()
    known = _names() if not prefix else {n: k for n, k in _names().items() if k in attributes()}
    near = difflib.get_close_matches(wanted, known, n=_MAX_SUGGESTIONS, cutoff=_NEAR_ENOUGH)
    if not near and len(wanted) >= 3:
        near = sorted(
            (key for key in known if wanted in key), key=lambda key: (not key.startswith(wanted), len(key), key)
        )[:_MAX_SUGGESTIONS]
    return tuple(prefix + known[key] for key in near)


@cache
def _attributes_by_any_name() -> Mapping[str, Attribute]:
    by_name = {_plain(attribute.name): attribute for attribute in attributes().values() if attribute.name}
    return by_name | {_plain(keyword): attribute for keyword, attribute in attributes().items()}


@cache
def _names() -> Mapping[str, str]:
    own = {key: field.name for key, field in OWN_FIELDS.items()}
    return {keyword.casefold(): keyword for keyword in attributes()} | own


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _unknown(name: str) -> str:
    return f"There is no field “{name}”."


def _top_level(attribute: Attribute) -> Field:
    keyword = attribute.keyword
    if attribute.kind is Kind.SEQUENCE:
        return Field(keyword, keyword, Kind.SEQUENCE, attribute=attribute)
    return Field(keyword, keyword, attribute.kind, attribute=attribute, folded=_twin(attribute, keyword))


def _twin(attribute: Attribute, path: str) -> str | None:
    return f"folded.{path}" if attribute.kind in (Kind.TEXT, Kind.NAME) else None


def _nested(rest: str) -> Field:
    attribute = find_attribute(rest)
    if attribute is None:
        raise UnknownFieldError(
            f"“{rest}” is no attribute that a sequence could contain.", suggestions(rest, prefix="nested.")
        )
    path = f"nested.{attribute.keyword}"
    if attribute.kind is Kind.SEQUENCE:
        return Field(path, attribute.keyword, Kind.SEQUENCE, attribute=attribute)
    return Field(path, path, attribute.kind, attribute=attribute, folded=_twin(attribute, path))


def _private(rest: str) -> Field:
    creator, dot, element = rest.rpartition(".")
    key = _private_key(element)
    if not dot or key is None:
        if _TAG.fullmatch(element) and creator:
            shown = f"private.{creator}.{element[:4]}xx{element[-2:]}"
            raise UnknownFieldError(
                "A private element is named relative to its creator's block, with xx in place of the block.", (shown,)
            )
        raise UnknownFieldError(
            "A private element is written private.CREATOR.ggggxxee, as in private.GEMS_ACQU_01.0019xx02; to find every "
            "image that has elements of a creator, write creators:CREATOR."
        )
    name = f"private.{creator}.{key}"
    return Field(name, name, Kind.TEXT, Shape.KEYED, numbers=f"private_num.{creator}.{key}")


def _private_key(element: str) -> str | None:
    """The tag of a private element relative to its creator's block; a tag that is in no block as it is."""
    if tag := _BLOCK_TAG.fullmatch(element):
        return f"{tag.group(1).upper()}xx{tag.group(2).upper()}"
    if (tag := _TAG.fullmatch(element)) and tag.group(2).startswith("00"):
        return f"{tag.group(1)}{tag.group(2)}".upper()
    return None


def _malformed(rest: str) -> Field:
    attribute = find_attribute(rest)
    name = f"malformed.{attribute.keyword if attribute else _canonical_path(rest)[0]}"
    return Field(name, name, Kind.KEYWORD, Shape.KEYED)


def _other(tag: str) -> Field:
    return Field(f"other.{tag}", f"other.{tag}", Kind.TEXT, Shape.KEYED)


def _unknown_tag(tag: str) -> Field:
    if int(tag[:4], 16) % 2 == 0:
        return _other(tag)
    element = f"{tag[:4]}xx{tag[6:]}"
    named = f"none.{tag}" if _private_key(tag) else f"CREATOR.{element}"
    raise UnknownFieldError(
        f"({tag[:4]},{tag[4:]}) is a private element: name it by its creator, as in private.{named}."
    )


def _path(rest: str) -> Field:
    path, last = _canonical_path(rest)
    if last is not None and last.kind is Kind.SEQUENCE:
        return Field(path, path, Kind.SEQUENCE, attribute=last)
    kind = last.kind if last is not None else Kind.TEXT
    numbers = f"path_num.{path}" if last is not None and kind in (Kind.LONG, Kind.DOUBLE) else None
    return Field(path, f"path.{path}", kind, Shape.KEYED, last, numbers=numbers)


def _canonical_path(rest: str) -> tuple[str, Attribute | None]:
    """Spell each step of a path as the dictionary does; a private step (`CREATOR:ggggxxee`) stays as it is."""
    steps = rest.split(".")
    spelled, last = [], None
    for number, step in enumerate(steps):
        last = find_attribute(step)
        if last is not None:
            spelled.append(last.keyword)
        elif ":" in rest:  # a creator's name may have dots in it: such a path is taken literally
            spelled.append(step)
        else:
            before = ".".join([*spelled, ""])
            after = "".join(f".{later}" for later in steps[number + 1 :])
            near = tuple(f"{before}{name}{after}" for name in suggestions(step))
            raise UnknownFieldError(_unknown(rest) if number == 0 else f"There is no attribute “{step}”.", near)
    return ".".join(spelled), last
