"""Saved searches: named, of the user who saved them, and shared with all others where that is wanted."""

from app.saved.state import NAMES, SavedState, UnusableStateError
from app.saved.store import (
    NameTakenError,
    NotYourSearchError,
    SavedSearch,
    SavedSearches,
    SavedSearchesFullError,
    SavedSearchNotFoundError,
    UnusableNameError,
)

__all__ = [
    "NAMES",
    "NameTakenError",
    "NotYourSearchError",
    "SavedSearch",
    "SavedSearchNotFoundError",
    "SavedSearches",
    "SavedSearchesFullError",
    "SavedState",
    "UnusableNameError",
    "UnusableStateError",
]
