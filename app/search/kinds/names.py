"""Person names: any order of the components, any of the three groups, but all words within one name.

A `match` would let words come from two names of one image (a patient and a physician's, or two physicians); intervals
keep them within the gap that lies between values.
"""

import re
from typing import Any

from app.search.dsl import Query, any_of
from app.search.fields import Field
from app.search.kinds import keywords, texts
from app.search.values import Value
from indexer.flatten.forms import search_form
from mappings.template import POSITION_GAP

_SEPARATORS = re.compile(r"[\s^=,;]+")


def equal(field: Field, value: Value) -> Query:
    """Images with a name that has all these words."""
    if value.is_pattern:
        return texts.pattern(field, value)
    if not texts.has_words(value.text):
        return keywords.matching(field.exact, value)
    folded = search_form(value.text)
    ways = [(field.path, value.text), (field.path, folded)]
    if field.folded:
        ways.append((field.folded, folded))
    return any_of({"intervals": {path: _within_one_name(text)}} for path, text in ways)


def words_of(text: str) -> list[str]:
    """The words of a name, whatever stands between them."""
    return [word for word in _SEPARATORS.split(text) if texts.has_words(word)]


def _within_one_name(text: str) -> dict[str, Any]:
    words = words_of(text)
    rules = [{"match": {"query": word, "ordered": True, "max_gaps": 0}} for word in words]
    if len(rules) == 1:
        return rules[0]
    return {"all_of": {"intervals": rules, "ordered": False, "max_gaps": POSITION_GAP // 2}}
