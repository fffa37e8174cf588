"""Which values of an image a result shows, and how they are taken out of its document."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.search.fields import Field, Shape, UnknownFieldError, resolve
from app.search.levels import Level
from mappings.dictionary import Kind

DEFAULT = (
    "PatientName",
    "PatientID",
    "StudyDate",
    "Modality",
    "StudyDescription",
    "SeriesDescription",
    "BodyPartExamined",
    "InstanceNumber",
    "derived.sop_class",
    "batch",
    "file.path",
)
_DEFAULT_OF_ROWS: Mapping[Level, tuple[str, ...]] = {
    Level.SERIES: ("PatientName", "PatientID", "StudyDate", "Modality", "StudyDescription", "SeriesDescription"),
    Level.STUDY: ("PatientName", "PatientID", "StudyDate", "StudyDescription", "AccessionNumber"),
    Level.PATIENT: ("PatientName", "PatientID", "PatientSex", "PatientBirthDate"),
}
_MOST_COLUMNS = 100


class UnusableColumnError(Exception):
    """A field that results cannot show; the message says why."""


@dataclass(frozen=True, slots=True)
class Column:
    """One value of a result: its name, and its place in the document as steps."""

    name: str
    steps: tuple[str, ...]
    field: Field

    def value(self, source: Mapping[str, Any]) -> Any:
        """Take the value out of a document; None where there is none."""
        found: Any = source
        for step in self.steps:
            if not isinstance(found, Mapping):
                return None
            found = found.get(step)
        return found


def default_columns(level: Level) -> tuple[str, ...]:
    """The fields that results of a level show without a wish."""
    return _DEFAULT_OF_ROWS.get(level, DEFAULT)


def columns_of(names: Iterable[str], level: Level = Level.IMAGE) -> tuple[Column, ...]:
    """Find the columns that were asked for; none asked for means the default ones of the level.

    Raises
    ------
    UnusableColumnError
        For unknown fields, binary ones, and too many.
    """
    wanted = [name.strip() for name in names if name.strip()] or list(default_columns(level))
    if len(wanted) > _MOST_COLUMNS:
        raise UnusableColumnError(f"At most {_MOST_COLUMNS} fields can be shown.")
    columns = {column.name: column for column in map(_column, wanted)}
    return tuple(columns.values())


def source_fields(columns: Iterable[Column]) -> list[str]:
    """The parts of a document to be fetched: whole objects where a key may have dots in it."""
    return sorted({column.steps[0] if column.field.shape is Shape.KEYED else column.field.path for column in columns})


def _column(name: str) -> Column:
    try:
        field = resolve(name)
    except UnknownFieldError as error:
        near = f" Did you mean {' or '.join(error.suggestions)}?" if error.suggestions else ""
        raise UnusableColumnError(f"{error.message}{near}") from error
    if field.kind in (Kind.BINARY, Kind.SEQUENCE):
        raise UnusableColumnError(
            f"{field.name} has no value that a list could show; see the whole header of an image."
        )
    return Column(field.name, _steps(field), field)


def _steps(field: Field) -> tuple[str, ...]:
    head, _, rest = field.path.partition(".")
    if field.shape is Shape.KEYED and head == "private":
        creator, _, element = rest.rpartition(".")
        return head, creator, element
    if field.shape is Shape.KEYED and rest:
        return head, rest
    return tuple(field.path.split("."))
