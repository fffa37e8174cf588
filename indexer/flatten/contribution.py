"""What an element adds to a document; a document is the sum of what its elements add, in their order.

The sum is associative: what several elements in a row add can be summed first and added as one. So whoever reads many
files that have much in common may keep what was made of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from indexer.flatten.places import Outcome

# Where a value goes in the document: a group of keys, from the top down, and the key: ("nested",) and "CodeMeaning",
# ("private", "ACME") and "0019xx02". Those of one group alone are themselves keys: ("empty",) and "PatientSex".
Group = tuple[str, ...]
Address = tuple[Group, str]
Keys = dict[str, Any]

EMPTIES: Group = ("empty",)
SEQUENCES: Group = ("sequences",)
CREATORS: Group = ("creators",)
FOLDED_INSIDE: Group = ("folded", "nested")
LISTS = frozenset({EMPTIES, SEQUENCES, CREATORS})

MOST_CUTS = 100
LONGEST_CUT_PATH = 1_000

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Contribution:
    """What an element, or several in a row, add.

    Attributes
    ----------
    outcomes
        Of each element.
    top
        Values by keyword, as the document has them: one as itself, several as a list.
    repeats
        Whether other elements may have one of these keywords, too (those of repeating groups, 50xx and 60xx).
    keys
        Values by group and key, as the document has them; distinct ones.
    texts
        For the field `text`, in order.
    cuts
        Path and reason of what a limit has cut; paths begin at the data set that the elements are in.
    fields
        Of one element: the fields of the document that hold it.
    why
        Of one element that is not simply indexed: the reason.
    """

    __slots__ = ("cuts", "fields", "keys", "outcomes", "repeats", "texts", "top", "why")

    def __init__(
        self,
        outcomes: tuple[Outcome, ...],
        fields: tuple[str, ...] = (),
        *,
        top: Mapping[str, Any] = _NOTHING,
        keys: Sequence[tuple[Group, Keys]] = (),
        texts: Sequence[str] = (),
        why: str = "",
        repeats: bool = False,
        cuts: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.outcomes = outcomes
        self.fields = fields
        self.top = top
        self.keys = keys
        self.texts = texts
        self.why = why
        self.repeats = repeats
        self.cuts = cuts

    def under(self, path: str) -> "Contribution":
        """The same, with the paths of its cuts beginning further up."""
        cuts = tuple(((path + below)[:LONGEST_CUT_PATH], why) for below, why in self.cuts)
        return Contribution(
            self.outcomes,
            self.fields,
            top=self.top,
            keys=self.keys,
            texts=self.texts,
            why=self.why,
            repeats=self.repeats,
            cuts=cuts,
        )


class Sum:
    """Adds contributions up."""

    def __init__(self) -> None:
        self.top: dict[str, Any] = {}
        self.keys: dict[Group, Keys] = {}
        self.texts: list[str] = []
        self.outcomes: list[Outcome] = []
        self.cuts: list[tuple[str, str]] = []
        self._repeats = False
        # What several contributions have, with all that each has: distinct only in the end.
        self._gathered: dict[Address, list[Any]] = {}

    def add(self, contributions: Iterable[Contribution]) -> None:
        """Add contributions in their order."""
        top, groups, texts, outcomes = self.top, self.keys, self.texts, self.outcomes
        for one in contributions:
            if one.repeats:
                self._repeated(one.top)
            else:
                top.update(one.top)
            texts += one.texts
            outcomes += one.outcomes
            for group, keys in one.keys:
                known = groups.get(group)
                if known is None:
                    groups[group] = keys.copy()
                elif group in LISTS or known.keys().isdisjoint(keys):
                    known.update(keys)
                else:
                    self._gather(group, known, keys)
            if one.cuts and len(self.cuts) < MOST_CUTS:
                self.cuts += one.cuts

    def contribution(self) -> Contribution:
        """What was added so far as one contribution."""
        self.finish()
        return Contribution(
            tuple(self.outcomes),
            top=self.top,
            keys=tuple(self.keys.items()),
            texts=tuple(dict.fromkeys(self.texts)),
            repeats=self._repeats,
            cuts=tuple(self.cuts[:MOST_CUTS]),
        )

    def finish(self) -> None:
        """Make values distinct, when all is added."""
        for (group, key), values in self._gathered.items():
            self.keys[group][key] = unwrap(list(dict.fromkeys(values)))
        self._gathered = {}

    def _gather(self, group: Group, known: Keys, keys: Keys) -> None:
        for key, value in keys.items():
            if key not in known:
                known[key] = value
                continue
            address = group, key
            gathered = self._gathered.get(address)
            if gathered is None:
                gathered = self._gathered[address] = [*_listed(known[key])]
            if isinstance(value, list):
                gathered += value
            else:
                gathered.append(value)

    def _repeated(self, more: Mapping[str, Any]) -> None:
        self._repeats = True
        for keyword, value in more.items():
            if keyword in self.top:
                value = [*_listed(self.top[keyword]), *_listed(value)]
            self.top[keyword] = value


def unwrap(values: list[Any]) -> Any:
    """Write one value as itself, several as a list."""
    return values[0] if len(values) == 1 else values


def distinct(values: list[Any]) -> Any:
    """Write distinct values, one as itself."""
    return values[0] if len(values) == 1 else unwrap(list(dict.fromkeys(values)))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
