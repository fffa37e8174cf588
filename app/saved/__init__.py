"""Saved searches: named, shared by all who use the archive, as there are no accounts yet."""

from app.saved.state import NAMES, SavedState, UnusableStateError
from app.saved.store import (
    NameTakenError,
    SavedSearch,
    SavedSearches,
    SavedSearchesFullError,
    SavedSearchNotFoundError,
    UnusableNameError,
)

__all__ = [
    "NAMES",
    "NameTakenError",
    "SavedSearch",
    "SavedSearchNotFoundError",
    "SavedSearches",
    "SavedSearchesFullError",
    "SavedState",
    "UnusableNameError",
    "UnusableStateError",
]
