"""Random documents for lists of rows and for facets: what is rare in real archives is frequent in these.

Sort values are missing, several, or different inside a row; series are in two studies; there are many ties.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.archive import Archive

# Name of a field, and where the document has it.
SORTS = {
    "SliceThickness": ("SliceThickness",),
    "InstanceNumber": ("InstanceNumber",),
    "AcquisitionDate": ("AcquisitionDate",),
    "SeriesDescription": ("SeriesDescription",),
    "ImageType": ("ImageType",),
    "private.ACME.0019xx02": ("private", "ACME", "0019xx02"),
    "derived.age_years": ("derived", "age_years"),
    "derived.date": ("derived", "date"),
    "derived.study": ("derived", "study"),
}


def random_documents(seed: int, count: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)

    def maybe(make: Callable[[], Any]) -> Any:
        if chance.random() < 0.4:
            return None
        values = [make() for _ in range(chance.choice((1, 1, 1, 2, 3)))]
        return values if len(values) > 1 else values[0]

    def document(number: int) -> dict[str, Any]:
        study = chance.randrange(14)
        private = maybe(lambda: chance.choice("abcd"))
        age = chance.choice((None, 4.5, 40.25))
        found = {
            "SliceThickness": maybe(lambda: chance.choice((0.5, 1.25, 3.0, 5.0))),
            "InstanceNumber": maybe(lambda: chance.randrange(-3, 40)),
            "AcquisitionDate": maybe(lambda: f"200{chance.randrange(4)}-0{chance.randrange(1, 4)}-11"),
            "SeriesDescription": maybe(lambda: chance.choice(("t1", "T1 flair", "axial", "ähnlich", "Z"))),
            "ImageType": maybe(lambda: chance.choice(("ORIGINAL", "DERIVED", "AXIAL"))),
            "private": {"ACME": {"0019xx02": private}} if private else None,
            "Modality": chance.choice(("CT", "MR", "PT")),
            "StudyDate": f"200{study % 5}-01-0{1 + study % 9}",
            "derived": {
                "patient": f"p{study // 3}",
                "study": f"st{study}",
                # Some series are in two studies, and some studies have two dates.
                "series": f"se{study}.{chance.randrange(4)}" if chance.random() < 0.9 else "se-shared",
                "date": f"200{study % 5}-01-0{1 + chance.randrange(2)}",
            },
        }
        if age:
            found["derived"]["age_years"] = age
        return {name: value for name, value in found.items() if value is not None} | {"_id": f"i{number}"}

    return [document(number) for number in range(count)]


def value_at(document: dict[str, Any], steps: tuple[str, ...]) -> list[Any]:
    found: Any = document
    for step in steps:
        found = (found or {}).get(step)
    return found if isinstance(found, list) else [] if found is None else [found]


@dataclass
class Filled:
    """An archive with random documents."""

    archive: Archive
    documents: list[dict[str, Any]]
    step: int
