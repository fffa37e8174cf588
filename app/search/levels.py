"""The levels of DICOM's information model (PS3.3 §7): what one row of a list of results is.

Each image names its series, its study and its patient under `derived`, always and once, so that rows can be made of
images by one key.
"""

from enum import StrEnum

from app.search.sorting import Order, SortKey, UnusableSortError, chosen_keys


class Level(StrEnum):
    """What a result is."""

    IMAGE = "image"
    SERIES = "series"
    STUDY = "study"
    PATIENT = "patient"

    @property
    def key(self) -> str:
        """The field whose values are the rows."""
        return "_id" if self is Level.IMAGE else f"derived.{self.value}"

    @property
    def below(self) -> "Level":
        """The level of what a row consists of; of an image, itself."""
        return {Level.PATIENT: Level.STUDY, Level.STUDY: Level.SERIES}.get(self, Level.IMAGE)


_NEWEST = SortKey("derived.date", "derived.date", True)
# Every image has these once, so that rows can be sorted by them after another key: there are none without a value.
_ALWAYS_PRESENT = ("derived.date", "derived.patient", "derived.study", "derived.series")


def row_order(text: str, level: Level) -> Order:
    """Read the order of rows.

    The keys after the one that was asked for are in every image and make the order complete; without a wish they are
    the order of the index, which lets it stop early.

    Parameters
    ----------
    text
        Name of a field, and then, where wanted, of some that every image has; `-` before a name sorts downwards;
        blank means the newest study first.
    level
        Any but images.

    Raises
    ------
    UnusableSortError
        For a field that is unknown or has no order, and for one after the first that an image may lack.
    """
    chosen = tuple(_of_index(key) for key in chosen_keys(text))
    for key in chosen[1:]:
        if key.path not in _ALWAYS_PRESENT:
            raise UnusableSortError(
                f"A list of {'series' if level is Level.SERIES else 'rows'} is sorted by one field, after which only "
                f"{', '.join(_ALWAYS_PRESENT)} may follow, not {key.name}."
            )
    # Keys after that of the level, and those that come again, order nothing.
    chosen = tuple(key for at, key in enumerate(chosen) if key.path not in {each.path for each in chosen[:at]})
    paths = [key.path for key in chosen]
    if level.key in paths:
        chosen = chosen[: paths.index(level.key) + 1]
        return Order(chosen, chosen)
    own = [SortKey(level.key, level.key, False)]
    if level is Level.SERIES:
        own.insert(0, SortKey(Level.STUDY.key, Level.STUDY.key, False))
    used = {key.path for key in chosen}
    return Order(chosen, chosen + tuple(key for key in (_NEWEST, *own) if key.path not in used))


def _of_index(key: SortKey) -> SortKey:
    """The key itself, or one that gives the same order and that the index is sorted by, which lets it stop early."""
    return SortKey(key.name, _NEWEST.path, True) if key.path == "StudyDate" and key.descending else key
