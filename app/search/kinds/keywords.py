"""Keywords: values that are matched as a whole, in any case; UIDs also by the name that the standard gives them."""

import re

from pydicom.uid import UID_dictionary

from app.search.dsl import Query, any_of, between, prefix, regexp, term, wildcard
from app.search.fields import Field
from app.search.values import Bound, Value, regexp_of

_UID = re.compile(r"[0-9.*?]+")


def equal(field: Field, value: Value) -> Query:
    """Images with this value, or one that fits the pattern."""
    return matching(field.exact, value, is_uid=is_uid(field))


def matching(path: str, value: Value, *, is_uid: bool = False) -> Query:
    """A whole value, in any case, on one path of Elasticsearch."""
    if value.is_pattern:
        return _pattern(path, value)
    if is_uid:
        return any_of(term(path, uid) for uid in uids(value.text))
    if value.text.isascii():
        return term(path, value.text, any_case=True)
    # Elasticsearch knows the cases of ASCII letters only.
    return regexp(path, regexp_of(value.text), any_case=True)


def in_range(field: Field, low: Bound | None, high: Bound | None) -> Query:
    """Images with a value in an alphabetical range."""
    return between(
        field.exact,
        **({("gte" if low.inclusive else "gt"): low.text} if low else {}),
        **({("lte" if high.inclusive else "lt"): high.text} if high else {}),
    )


def uids(text: str) -> list[str]:
    """The UIDs that a text means: itself, or those which the standard calls so (PS3.6 Annex A)."""
    if _UID.fullmatch(text):
        return [text]
    wanted = re.sub(r"[^a-z0-9]", "", text.casefold())
    named = [
        uid
        for uid, (name, _kind, _info, _retired, keyword) in UID_dictionary.items()
        if wanted in (keyword.casefold(), re.sub(r"[^a-z0-9]", "", name.casefold()))
    ]
    return named or [text]


def is_uid(field: Field) -> bool:
    """Whether a field holds UIDs, which have no case and may be named."""
    return field.attribute is not None and field.attribute.vr == "UI"


def _pattern(path: str, value: Value) -> Query:
    if not value.text.isascii():
        return regexp(path, value.regexp(), any_case=True)
    if value.prefix is not None:
        return prefix(path, value.prefix, any_case=True)
    return wildcard(path, value.wildcard(), any_case=True)
