"""The fields of a document, from the sum of what its elements add."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from indexer.flatten.contribution import FOLDED_INSIDE, LISTS, MOST_CUTS, Sum
from indexer.flatten.places import Outcome

# The fields that are filled from elements, beside the keywords of the top level; in the order of the document.
GROUPED = ("nested", "path", "path_num", "private", "private_num", "other", "malformed", "folded")
LISTED = ("empty", "sequences", "creators", "text")

_OUTCOMES = tuple((outcome, outcome.value) for outcome in Outcome)


def fields_of(total: Sum) -> dict[str, Any]:
    """Write the fields as a document has them; those without a value are left out."""
    total.finish()
    grouped: dict[str, dict[str, Any]] = {name: {} for name in GROUPED}
    listed: dict[str, list[Any]] = {name: [] for name in LISTED}
    for group, keys in total.keys.items():
        if group in LISTS:
            listed[group[0]] = list(keys)
        elif len(group) == 1:
            grouped[group[0]].update(keys)
        elif group != FOLDED_INSIDE:
            grouped[group[0]][group[1]] = keys
    if FOLDED_INSIDE in total.keys:
        grouped["folded"]["nested"] = total.keys[FOLDED_INSIDE]
    listed["text"] = list(dict.fromkeys(total.texts))
    return {
        **total.top,
        **{name: keys for name, keys in grouped.items() if keys},
        **{name: values for name, values in listed.items() if values},
    }


def receipt_of(total: Sum, unread: str | None, forgiven: Sequence[str]) -> dict[str, Any]:
    """Write the receipt: how many elements came to which end, what was cut, left out and forgiven."""
    ends = Counter(total.outcomes)
    counts = {name: ends[outcome] for outcome, name in _OUTCOMES}
    cuts = [{"path": path, "why": why} for path, why in total.cuts]
    if unread:
        counts["truncated"] += 1
        cuts = [{"path": "", "why": unread}, *cuts]
    receipt: dict[str, Any] = {"elements": sum(counts.values()), **counts}
    if cuts:
        receipt["cuts"] = cuts[:MOST_CUTS]
    if unread:
        receipt["unread"] = unread
    if forgiven:
        receipt["forgiven"] = list(forgiven)
    return receipt
