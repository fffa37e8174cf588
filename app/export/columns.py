"""The columns of an export: the fields that were chosen, and, by default, what tells results apart and counts them.

Names beyond those of fields are `id` and, of series, studies and patients, `below.images` and its like (see `Below`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from app.archive import Below, Result
from app.search.columns import UnusableColumnError, columns_of, default_columns
from app.search.levels import Level

Visible: TypeAlias = Callable[[Iterable[str]], Iterable[str]]
_ID = "id"
_PREFIX = "below."
_BELOW = tuple(field.name for field in fields(Below))


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of an export.

    Attributes
    ----------
    names
        In their order, as the standard spells them.
    """

    names: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of those that the archive has to be asked for."""
        # A result always has its id; asked for no field at all, the archive would answer its usual ones.
        return tuple(name for name in self.names if name != _ID and not name.startswith(_PREFIX)) or (_ID,)

    def values(self, result: Result) -> list[Any]:
        """The values of a result."""
        return [self._value(result, name) for name in self.names]

    @staticmethod
    def _value(result: Result, name: str) -> Any:
        if name == _ID:
            return result.id
        if name.startswith(_PREFIX):
            return getattr(result.below, name.removeprefix(_PREFIX))
        return result.fields.get(name)


def export_columns(chosen: Iterable[str], level: Level, visible: Visible = tuple) -> Columns:
    """Find the columns of an export.

    Parameters
    ----------
    chosen
        Names; none means a useful selection.
    level
        What a result is.
    visible
        Those of some fields that are shown to whoever asks.

    Raises
    ------
    UnusableColumnError
        For unknown fields, binary ones, and a count that the level has not.
    """
    names = tuple(name.strip() for name in chosen if name.strip())
    if not names:
        counts = tuple(_PREFIX + name for name in _BELOW) if level is not Level.IMAGE else ()
        return Columns((_ID, *visible(default_columns(level)), *counts))
    return Columns(tuple(dict.fromkeys(_spelt(name, level) for name in names)))


def _spelt(name: str, level: Level) -> str:
    if not name.startswith(_PREFIX):
        return columns_of((name,))[0].name
    if level is Level.IMAGE or name.removeprefix(_PREFIX) not in _BELOW:
        known = ", ".join(_PREFIX + each for each in _BELOW)
        raise UnusableColumnError(f"There is no “{name}”. Series, studies and patients have {known}; images do not.")
    return name
