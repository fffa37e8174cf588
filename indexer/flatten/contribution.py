"""What an element adds to a document; a document is the sum of what its elements add, in their order.

The sum is associative: what several elements in a row add can be summed first and added as one. So whoever reads many
files that have much in common may keep what was made of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from indexer.flatten.places import Outcome

# Where a value goes in the document, from the top down: ("nested", "CodeMeaning"), ("private", "ACME", "0019xx02"),
# ("empty",).
Address = tuple[str, ...]
Values = Sequence[tuple[Address, Sequence[Any]]]

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
    values
        Distinct values, each with the address that they go to.
    texts
        For the field `text`, in order.
    cuts
        Path and reason of what a limit has cut; paths begin at the data set that the elements are in.
    fields
        Of one element: the fields of the document that hold it.
    why
        Of one element that is not simply indexed: the reason.
    """

    __slots__ = ("cuts", "fields", "outcomes", "repeats", "texts", "top", "values", "why")

    def __init__(
        self,
        outcomes: tuple[Outcome, ...],
        fields: tuple[str, ...] = (),
        *,
        top: Mapping[str, Any] = _NOTHING,
        values: Values = (),
        texts: Sequence[str] = (),
        why: str = "",
        repeats: bool = False,
        cuts: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.outcomes = outcomes
        self.fields = fields
        self.top = top
        self.values = values
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
            values=self.values,
            texts=self.texts,
            why=self.why,
            repeats=self.repeats,
            cuts=cuts,
        )


class Sum:
    """Adds contributions up."""

    def __init__(self) -> None:
        self.top: dict[str, Any] = {}
        self.values: dict[Address, list[Any]] = {}
        self.texts: list[str] = []
        self.outcomes: list[Outcome] = []
        self.cuts: list[tuple[str, str]] = []
        self._repeats = False

    def add(self, contributions: Iterable[Contribution]) -> None:
        """Add contributions in their order."""
        top, values, texts, outcomes = self.top, self.values, self.texts, self.outcomes
        for one in contributions:
            if one.repeats:
                self._repeated(one.top)
            else:
                top.update(one.top)
            texts += one.texts
            outcomes += one.outcomes
            for address, more in one.values:
                listed = values.get(address)
                if listed is None:
                    values[address] = [*more]
                else:
                    listed += more
            if one.cuts and len(self.cuts) < MOST_CUTS:
                self.cuts += one.cuts

    def contribution(self) -> Contribution:
        """What was added so far as one contribution."""
        return Contribution(
            tuple(self.outcomes),
            top=self.top,
            values=tuple((address, tuple(dict.fromkeys(listed))) for address, listed in self.values.items()),
            texts=tuple(dict.fromkeys(self.texts)),
            repeats=self._repeats,
            cuts=tuple(self.cuts[:MOST_CUTS]),
        )

    def _repeated(self, more: Mapping[str, Any]) -> None:
        self._repeats = True
        for keyword, value in more.items():
            if keyword in self.top:
                value = [*_listed(self.top[keyword]), *_listed(value)]
            self.top[keyword] = value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
