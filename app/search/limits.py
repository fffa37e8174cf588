"""Bounds of what one query may cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """Bounds of what one query may cost.

    Attributes
    ----------
    characters
        Length of the query.
    depth
        Parentheses and negations inside one another.
    clauses
        Words, phrases, ranges and patterns together.
    patterns
        Wildcards, regular expressions and fuzzy words together: each walks over a part of all terms.
    leading_wildcards
        Whether a pattern may begin with `*` or `?`, which walks over all terms of a field.
    values
        Different values that a pattern on a private or exact-path element may stand for.
    """

    characters: int = 10_000
    depth: int = 30
    clauses: int = 500
    patterns: int = 20
    leading_wildcards: bool = True
    values: int = 2_000
