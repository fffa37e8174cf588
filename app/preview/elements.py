"""Read elements forgivingly: a wrong value of one is as good as none, and must not cost the picture."""

import math

from pydicom.dataset import Dataset


def value(dataset: Dataset, keyword: str) -> object:
    """Read a value; None where it is absent or cannot be understood."""
    try:
        return dataset.get(keyword)  # type: ignore[no-any-return, unused-ignore]
    except Exception:
        # Whatever pydicom raises for a damaged value: ValueError, struct.error, decimal's and many more.
        return None


def values(dataset: Dataset, keyword: str) -> list[object]:
    """Read all values of an element."""
    found = value(dataset, keyword)
    if found is None:
        return []
    if isinstance(found, str | bytes):
        return [found]
    try:
        return list(found)  # type: ignore[call-overload, no-any-return]
    except TypeError:
        return [found]


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """Read the values of an element as numbers; none where one of them is no finite number."""
    try:
        found = [float(each) for each in values(dataset, keyword)]  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return []
    return found if all(map(math.isfinite, found)) else []


def number(dataset: Dataset, keyword: str) -> float | None:
    """Read the first value of an element as a number."""
    return next(iter(numbers(dataset, keyword)), None)


def integer(dataset: Dataset, keyword: str) -> int | None:
    """Read the first value of an element as a whole number."""
    found = number(dataset, keyword)
    return None if found is None else int(found)


def text(dataset: Dataset, keyword: str) -> str:
    """Read the first value of an element as text; empty where there is none."""
    return next((str(each).strip() for each in values(dataset, keyword)), "")


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Read the items of a sequence."""
    return [item for item in values(dataset, keyword) if isinstance(item, Dataset)]


def macro(dataset: Dataset, sequence: str, frame: int) -> Dataset:
    """Find what holds for one frame: an item of the functional groups (PS3.3 §C.7.6.16), else the data set itself.

    Parameters
    ----------
    sequence
        Keyword of the functional group's sequence.
    frame
        Number of the frame, from 1.
    """
    groups = items(dataset, "PerFrameFunctionalGroupsSequence")[frame - 1 : frame]
    groups += items(dataset, "SharedFunctionalGroupsSequence")[:1]
    for group in groups:
        for item in items(group, sequence):
            return item
    return dataset
