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
    place: Place
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
            arguments += (_line(place), least)
        flat = self._claim(keys=[_key(id_) for id_, _, _ in wanted], args=arguments)
        return [
            Claim(id_, place, int(version), tuple(Place(*json.loads(line)) for line in before.splitlines()))
            for (id_, place, _), version, before in zip(wanted, flat[::2], flat[1::2], strict=True)
        ]

    def release(self, claims: Sequence[Claim]) -> list[Claim]:
        """Give claims up: the images are in the index, or will not be written by this task.

        Returns
        -------
        list of Claim
            Those that were not there any more. A later claim that knew of it may have been given up before it; or Redis
            has lost it, and whoever came later did not know of it.
        """
        if not claims:
            return []
        arguments = [text for claim in claims for text in (str(claim.version), _line(claim.place))]
        gone = self._release(keys=[_key(claim.id) for claim in claims], args=arguments)
        return [claims[at - 1] for at in gone]


def _line(place: Place) -> str:
    return json.dumps([place.batch, place.path, place.digest])


def _key(image: str) -> str:
    return f"claim:{image}"
