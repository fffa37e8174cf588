"""Which fields of the document a query, a sort order, a filter, a facet or a column may name.

Allowed is what is known to hold nothing that identifies: attributes at the top level that are not masked, and exact
paths on which no step is. `nested.` is not: it holds what stands in any sequence, also in those that are masked.
"""

from collections.abc import Callable, Sequence

from app.deidentified.attributes import Profile
from app.deidentified.sealing import Sealer, SealError
from app.search.fields import OWN_FIELDS, Field, Shape, UnknownFieldError, resolve
from app.search.views import MaskedFieldError, View
from mappings.dictionary import Kind

# Fields of our own that repeat an attribute: shown where it is.
_REPEATED = {
    "derived.date": "StudyDate",
    "derived.age_years": "PatientAge",
    "derived.sop_class": "SOPClassUID",
    "derived.transfer_syntax": "TransferSyntaxUID",
}
# Of our own, and about the file or the header as a whole.
_RECEIPT = tuple(name for name in OWN_FIELDS if name.startswith("receipt."))
_HARMLESS = frozenset(("indexed_at", "text", "empty", "sequences", *_RECEIPT))
SEALED = frozenset(("derived.patient", "derived.study", "derived.series", "_id"))
_WORDS = (Kind.TEXT, Kind.NAME, Kind.KEYWORD, Kind.LONG, Kind.DOUBLE)
_MOST_WORDS = 20
_NAME = "It identifies patients, persons or places, or may do so, and is masked for you."


class MaskedView(View):
    """What those may ask for whom identifying attributes are masked.

    Parameters
    ----------
    profile
        Which are masked.
    sealer
        Of ids.
    occurring
        Tells the names of the fields that occur in the archive.
    """

    most_words = _MOST_WORDS

    def __init__(self, profile: Profile, sealer: Sealer, occurring: Callable[[], Sequence[Field]]) -> None:
        self._profile = profile
        self._sealer = sealer
        self._occurring = occurring
        # What occurred when it was last asked, and those of it that words are sought in.
        self._known: tuple[Sequence[Field], Sequence[Field]] = (), ()

    def check(self, field: Field) -> None:
        """Refuse fields that are masked; those with sealed values can be named, and nothing but compared."""
        if not self.shows(field) and not self.seals(field):
            raise MaskedFieldError(_why(field))

    def check_listed(self, name: str, *, is_pattern: bool) -> None:
        """Refuse what may stand for an element that is masked."""
        if is_pattern:
            raise MaskedFieldError("Elements cannot be sought by a pattern here: some of them are masked for you.")
        try:
            found = resolve(name)
        except UnknownFieldError:
            found = None
        if found is None or not self.shows(found) or found.path in OWN_FIELDS:
            raise MaskedFieldError(f"{_quoted(name)} cannot be asked for. {_NAME}")

    def words(self) -> Sequence[Field]:
        """Attributes that occur, are not masked, and have words or numbers."""
        occurring = self._occurring()
        if occurring is not self._known[0]:
            found = [one for one in occurring if one.attribute and one.kind in _WORDS and self.shows(one)]
            self._known = occurring, found
        return self._known[1]

    def seals(self, field: Field) -> bool:
        """Whether the values of a field are ids that are sealed."""
        return field.path in SEALED

    def opened(self, field: Field, text: str) -> str:
        """Open an id."""
        try:
            return self._sealer.open(field.path, text)
        except SealError as error:
            raise MaskedFieldError(
                f"{field.name} takes an id as results and pages show it to you, and nothing else: other ids identify."
            ) from error

    def shows(self, field: Field) -> bool:
        """Whether the values of a field are shown."""
        path = field.path
        if path in _REPEATED:
            return self._profile.keeps(_REPEATED[path])
        if path.casefold() in _HARMLESS:
            return True
        if path.casefold() in OWN_FIELDS or field.name.startswith("nested."):
            return False
        if field.shape is Shape.TYPED:
            # A top-level attribute; or a sequence by its exact path.
            return all(map(self._profile.keeps, path.split(".")))
        return path.startswith("path.") and self.shows_path(path.removeprefix("path."))

    def shows_path(self, path: str) -> bool:
        """Whether an exact path leads to an element that is shown: no step of it is masked."""
        return ":" not in path and all(map(self._profile.keeps, path.split(".")))

    def values_are_shown(self, field: Field) -> bool:
        """Whether values of a field can be listed: beside masked ones, names of elements cannot."""
        return self.shows(field) and field.shape is not Shape.LISTED


def _why(field: Field) -> str:
    if field.name.startswith("nested."):
        return (
            f"{field.name} cannot be asked for: it is in sequences of all kinds, and some are masked for you. Name the "
            "whole path, as in AnatomicRegionSequence.CodeMeaning."
        )
    return f"{_quoted(field.name)} cannot be asked for. {_NAME}"


def _quoted(name: str) -> str:
    return name if name.replace(".", "").isalnum() else f"“{name}”"
