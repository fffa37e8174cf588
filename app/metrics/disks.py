"""How much room is left on the disks. A network file system that hangs holds up its own thread, and no scrape."""

import threading
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from app.web.disks import Disk, disks_of
from indexer.metrics.catalogue import PREFIX
from indexer.settings import Settings

_PATIENCE_SECONDS = 1.0


class Disks:
    """The disks of the data and of the watched folders.

    Parameters
    ----------
    settings
        Where these are.
    """

    def __init__(self, settings: Settings) -> None:
        watched = settings.incoming_folders
        names = ["incoming", *(f"incoming-{at}" for at in range(2, len(watched) + 1))]
        self._folders = {"data": settings.home.absolute()} | dict(zip(names, watched, strict=True))
        self._looking: threading.Thread | None = None
        self._found: list[Disk] = []

    def families(self) -> Iterator[Metric]:
        """Give free and whole bytes of each disk; none where one does not answer."""
        free = GaugeMetricFamily(f"{PREFIX}disk_free_bytes", "Bytes that can still be written.", labels=["holds"])
        size = GaugeMetricFamily(f"{PREFIX}disk_size_bytes", "Bytes of the disk in all.", labels=["holds"])
        for disk in self._looked():
            free.add_metric([disk.holds], disk.free)
            size.add_metric([disk.holds], disk.size)
        yield free
        yield size

    def _looked(self) -> list[Disk]:
        if self._looking is None or not self._looking.is_alive():
            self._found = []
            self._looking = threading.Thread(target=self._look, name="disks", daemon=True)
            self._looking.start()
        self._looking.join(_PATIENCE_SECONDS)
        return self._found

    def _look(self) -> None:
        self._found = disks_of(self._folders)
