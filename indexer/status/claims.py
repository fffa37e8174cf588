"""Which images are being written right now, so that two files of one SOPInstanceUID know of each other.

A task claims its images before it looks for them in the index. It is told the version to write under and, where other
tasks are about to write the same image, from where: whoever claims later has the higher version, wins in the index
whichever write arrives first, and names the other files. Versions are times of Redis's clock, so that the clocks of
workers do not matter; a claim never has a lower version than one before it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.status.connection import RedisClient, load_script


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file of an image is.

    Attributes
    ----------
    batch
        Its batch.
    path
        Absolute.
    digest
        Of its header.
    """

    batch: str
    path: str
    digest: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim was answered: the version to write under, and where else the image is being written from."""

    id: str
    version: int
    rivals: tuple[Place, ...]


class Claims:
    """The claims of all tasks.

    Parameters
    ----------
    client
        From `indexer.status.connect`.
    seconds
        How long a claim lasts whose task has died.
    """

    def __init__(self, client: RedisClient, seconds: int) -> None:
        self._seconds = seconds
        self._claim = load_script(client, "claim")
        self._release = load_script(client, "unclaim")

    def claim(self, wanted: Sequence[tuple[str, Place, int]]) -> list[Claim]:
        """Claim images.

        Parameters
        ----------
        wanted
            Of each image: its document's id, its file, and the least version that it may get.
        """
        if not wanted:
            return []
        arguments: list[str | int] = [self._seconds]
        for _, place, least in wanted:
            arguments += (json.dumps([place.batch, place.path, place.digest]), least)
        flat = self._claim(keys=[_key(id_) for id_, _, _ in wanted], args=arguments)
        return [
            Claim(id_, int(version), tuple(Place(*json.loads(line)) for line in before.splitlines()))
            for (id_, _, _), version, before in zip(wanted, flat[::2], flat[1::2], strict=True)
        ]

    def release(self, claims: Sequence[Claim]) -> None:
        """Give claims up: the images are in the index, or will not be written by this task."""
        if claims:
            self._release(keys=[_key(claim.id) for claim in claims], args=[str(claim.version) for claim in claims])


def _key(image: str) -> str:
    return f"claim:{image}"
