"""Artifacts of a Maven repository: downloaded with a progress bar, their checksum verified.

The download itself is the library's. It knows neither progress nor time limits, so it runs in a thread while this one
watches the file grow: that gives the bar, ends a stalled download, and lets Ctrl-C through.
"""

import contextlib
import errno
import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from local.errors import InstallError

STALLED_SECONDS = 60.0
_WATCH_SECONDS = 0.1


@dataclass(frozen=True)
class Pinned:
    """An artifact whose every byte is known beforehand."""

    title: str
    coordinates: str
    sha256: str
    size: int


def download(
    artifact: Pinned, target: Path, *, repository: str | None, stalled_seconds: float = STALLED_SECONDS
) -> None:
    """Download an artifact to a file and verify it; on failure there is no file.

    Parameters
    ----------
    artifact
        What to download.
    target
        The file to write; its folder exists.
    repository
        Base URL of the Maven repository; None is the library's own default.
    stalled_seconds
        Without a new byte for so long, the download has failed.

    Raises
    ------
    InstallError
        The repository does not answer, has something else than what is pinned, or the disk is full.
    """
    try:
        _fetch(artifact, target, repository, stalled_seconds)
        _verify(artifact, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _fetch(artifact: Pinned, target: Path, repository: str | None, stalled_seconds: float) -> None:
    failure: list[Exception] = []

    def work() -> None:
        # The library brings an HTTP client and an XML parser: only a download needs them.
        from maven_artifact import Artifact, Downloader

        try:
            downloader = Downloader(repository) if repository else Downloader()
            downloader.download(Artifact.parse(artifact.coordinates), str(target))
        except Exception as error:
            failure.append(error)
            # The library leaves the connection of a refused request open.
            if (response := getattr(error.__context__, "response", None)) is not None:
                response.close()

    thread = threading.Thread(target=work, name="download", daemon=True)
    # The library reports with print(); ours is the only report, and standard output is for results.
    with contextlib.redirect_stdout(io.StringIO()), _progress(artifact) as show:
        thread.start()
        size, grown = 0, time.monotonic()
        while thread.is_alive():
            thread.join(_WATCH_SECONDS)
            now = target.stat().st_size if target.exists() else 0
            if now != size:
                size, grown = now, time.monotonic()
                show(size)
            elif time.monotonic() - grown > stalled_seconds:
                raise InstallError(
                    f"downloading {artifact.title} has stalled at {size:,} of {artifact.size:,} bytes: "
                    "check the network connection and run it again"
                )
    if failure:
        raise _explain(artifact, target, failure[0])


def _explain(artifact: Pinned, target: Path, error: Exception) -> InstallError:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InstallError(
            f"no disk space left in {target.parent.parent} for {artifact.title}: free about "
            f"{3 * artifact.size // 1_000_000} MB, or choose another folder with DICOMSEARCH_CACHE"
        )
    reason = " ".join(str(getattr(error, "msg", error)).split())
    return InstallError(
        f"could not download {artifact.title}: check the network connection, or name a mirror with "
        f"DICOMSEARCH_MAVEN_REPOSITORY ({reason})"
    )


def _verify(artifact: Pinned, target: Path) -> None:
    with target.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != artifact.sha256:
        raise InstallError(
            f"what was downloaded is not {artifact.title}: its SHA-256 is {found}, not {artifact.sha256}; it was "
            "deleted. Run it again, or check the Maven repository and any proxy in between"
        )


@contextlib.contextmanager
def _progress(artifact: Pinned) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, a line elsewhere (a log full of bars is no help)."""
    console = Console(stderr=True)
    title = f"Downloading {artifact.title}"
    if not console.is_terminal:
        console.print(f"{title} ({artifact.size // 1_000_000} MB) …", soft_wrap=True, highlight=False)
        yield lambda size: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=artifact.size)
        yield lambda size: progress.update(task, completed=size)
