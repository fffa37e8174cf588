"""Small makers of Elasticsearch query clauses. Everything is a filter: results are sorted, not scored."""

from collections.abc import Iterable
from typing import Any, TypeAlias

Query: TypeAlias = dict[str, Any]


def everything() -> Query:
    """All documents."""
    return {"match_all": {}}


def nothing() -> Query:
    """No document."""
    return {"match_none": {}}


def any_of(clauses: Iterable[Query]) -> Query:
    """Documents that one of the clauses finds."""
    different = _distinct(clauses)
    if len(different) == 1:
        return different[0]
    return {"bool": {"should": different, "minimum_should_match": 1}} if different else nothing()


def some_of(clauses: list[Query]) -> Query:
    """As `any_of`, of many clauses that are known to differ."""
    return {"bool": {"should": clauses, "minimum_should_match": 1}}


def all_of(clauses: Iterable[Query]) -> Query:
    """Documents that all of the clauses find."""
    different = _distinct(clauses)
    if len(different) == 1:
        return different[0]
    return {"bool": {"filter": different}} if different else everything()


def none_of(clause: Query) -> Query:
    """Documents that the clause does not find."""
    return {"bool": {"must_not": [clause]}}


def exists(path: str) -> Query:
    """Documents that have a value in a field."""
    return {"exists": {"field": path}}


def term(path: str, value: Any, *, any_case: bool = False) -> Query:
    """Documents that have exactly this value."""
    return {"term": {path: {"value": value, **({"case_insensitive": True} if any_case else {})}}}


def terms(path: str, values: Iterable[Any]) -> Query:
    """Documents that have one of these values."""
    return {"terms": {path: list(values)}}


def between(path: str, **bounds: Any) -> Query:
    """Documents that have a value between bounds (`gt`, `gte`, `lt`, `lte`); those that are None are left open."""
    return {"range": {path: {name: bound for name, bound in bounds.items() if bound is not None}}}


def phrase(path: str, text: str, slop: int = 0) -> Query:
    """Documents that have these words beside each other."""
    return {"match_phrase": {path: {"query": text, **({"slop": slop} if slop else {})}}}


def prefix(path: str, text: str, *, any_case: bool = False) -> Query:
    """Documents that have a value which begins so."""
    return {"prefix": {path: {"value": text, **({"case_insensitive": True} if any_case else {})}}}


def wildcard(path: str, pattern: str, *, any_case: bool = False) -> Query:
    """Documents that have a value of this pattern."""
    return {"wildcard": {path: {"value": pattern, **({"case_insensitive": True} if any_case else {})}}}


def regexp(path: str, expression: str, *, any_case: bool = False) -> Query:
    """Documents that have a value which the whole expression describes."""
    body = {"value": expression, "flags": "NONE", **({"case_insensitive": True} if any_case else {})}
    return {"regexp": {path: body}}


def _distinct(clauses: Iterable[Query]) -> list[Query]:
    different: list[Query] = []
    for clause in clauses:
        if clause not in different:
            different.append(clause)
    return different
