"""One image in several files: the newest is the document, and it names the others.

Two files with the same SOPInstanceUID ought to be copies of one image. Where their headers differ, they are in
conflict: somebody has given a UID twice, or has changed an image without giving it a new one (against PS3.3 §C.12.1).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from indexer.status.claims import Place

FIELD = "duplicates"
# A UID that thousands of files share is a fault of its maker, and no reason for an endless document.
MOST_NAMED = 1_000


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the index has of an image.

    Attributes
    ----------
    place
        Where its document was made from.
    others
        Where else it was seen.
    version
        Of the document.
    """

    place: Place
    others: tuple[Place, ...]
    version: int

    @property
    def places(self) -> tuple[Place, ...]:
        """All files that are known of the image, that of its document first."""
        return (self.place, *self.others)


def header_digest(header: str) -> str:
    """Tell one header from another: the first half of the SHA-256 of its DICOM JSON."""
    return hashlib.sha256(header.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def earlier_of(source: Mapping[str, Any], version: int) -> Earlier:
    """Read what the index has.

    Parameters
    ----------
    source
        `batch`, `file` and `duplicates` of a document.
    version
        Of the document.
    """
    file = source.get("file", {})
    place = Place(source.get("batch", ""), file.get("path", ""), file.get("header_sha256", ""))
    others = tuple(Place(one["batch"], one["path"], one.get("header_sha256", "")) for one in source.get(FIELD, []))
    return Earlier(place, others, version)


def other_places(place: Place, earlier: Earlier | None, rivals: Iterable[Place] = ()) -> list[Place]:
    """Where else an image is, apart from the file that its document is made from now.

    Parameters
    ----------
    place
        Of that file.
    earlier
        What the index has.
    rivals
        Other files that are being written at the same time.
    """
    known = [*rivals]
    if earlier:
        known += earlier.places
    found = {one.path: one for one in reversed(known) if one.path != place.path}
    return list(reversed(found.values()))[:MOST_NAMED]


def in_document(place: Place, others: Iterable[Place]) -> list[dict[str, Any]]:
    """Write the other files as the document has them; `conflict` where the header is another."""
    return [
        {
            "batch": one.batch,
            "path": one.path,
            "header_sha256": one.digest,
            "conflict": bool(one.digest and place.digest and one.digest != place.digest),
        }
        for one in others
    ]


def without(source: Mapping[str, Any], paths: Sequence[str]) -> list[dict[str, Any]]:
    """Take files out of a document's list of other files."""
    gone = set(paths)
    return [one for one in source.get(FIELD, []) if one["path"] not in gone]
