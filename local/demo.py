"""`dicomsearch demo`: the stack with real images in it, from the DICOM files that pip packages carry.

pydicom and pydicom-data bring some three hundred public test files: several vendors, character sets, transfer syntaxes,
and files that are broken on purpose. They are put into the watched folder the way a PACS export should be: copied into
a folder whose name says that it is not complete, which is then renamed.
"""

import fnmatch
import importlib.util
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from indexer.batches import batch_id
from indexer.cli import home_option
from indexer.settings import Settings, load_settings
from indexer.status import Batch, BatchStatus, StatusStore, connect
from local.cli import port_option, settings_of_stack, start, user_errors
from local.control import stop
from local.errors import LocalError
from local.state import HomeLock

BROKEN = "BROKEN-FILES"

# Each file goes into the first batch that has a pattern for it. Patterns stand for paths below the packages' folders.
BATCHES: dict[str, tuple[str, ...]] = {
    "PACS-EXPORT": ("dicomdirtests/[79]*", "dicomdirtests/DICOMDIR", "dicomdirtests/TINY_ALPHA/[DP]*"),
    "CHARACTER-SETS": ("charset_files/*.dcm",),
    BROKEN: ("README.txt", "no_meta.dcm", "*_truncated.dcm", "*.dump", "*.icc", "*/test1.json", "bad_sequence.dcm"),
    "RADIOTHERAPY": ("rt*",),
    "REPORTS-AND-WAVEFORMS": ("report*", "test-SR*", "waveform*"),
    "SECONDARY-CAPTURE": ("SC_*", "OBXXXX*", "*PAL-8-face*"),
    "ULTRASOUND-AND-RADIOGRAPHY": ("US*", "*-US-*", "RG*", "color*"),
    "CT-AND-MR": ("CT*", "*MR*", "*emri*", "*liver*", "eCT*", "693*"),
    "ODD-ENCODINGS": ("*.dcm",),
}

QUERIES = ("Modality:CT", "CompressedSamples", "SliceThickness:<=2")
_WAIT_SECONDS = 300.0


@click.command()
@home_option
@port_option
@click.option("--detach", is_flag=True, help="Return when all batches are done, and leave everything running.")
def demo(home: Path | None, port: int | None, detach: bool) -> None:
    """Start the whole stack and import real images, then say where to look."""
    settings = settings_of_stack(home, port)
    with user_errors():
        names = place_batches(settings.incoming_folder)
        start(settings, detach=True)
        running = load_settings(home=settings.home)
        batches = wait_done(StatusStore(connect(running.redis_url, patient=True)), settings, names)
        show(f"http://{running.host}:{running.port}", batches)
        if not detach:
            stay(settings)


def source_files() -> Iterator[tuple[str, Path]]:
    """Find the DICOM files of the installed packages: the path below the package's folder of files, and the file.

    Raises
    ------
    LocalError
        A package is not installed.
    """
    for package, folder in (("pydicom", "data"), ("data_store", "data")):
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise LocalError("the demo needs the extra `local`: pip install 'dicomsearch[local]'")
        root = Path(spec.submodule_search_locations[0]) / folder
        for path in sorted(root.rglob("*")):
            relative = path.relative_to(root).as_posix()
            if path.is_file() and (package == "data_store" or relative.startswith(("test_files/", "charset_files/"))):
                yield relative.removeprefix("test_files/"), path


def batch_of(relative: str) -> str | None:
    """Name the batch that a file belongs to, or None for files that are no part of the demo."""
    for name, patterns in BATCHES.items():
        if any(fnmatch.fnmatchcase(relative, pattern) for pattern in patterns):
            return name
    return None


def place_batches(incoming: Path) -> list[str]:
    """Put the batches into the watched folder; those that are there already stay as they are.

    Parameters
    ----------
    incoming
        The watched folder; made where it is missing.

    Returns
    -------
    list of str
        The names of all batches of the demo.
    """
    contents: dict[str, list[tuple[str, Path]]] = {name: [] for name in BATCHES}
    for relative, path in source_files():
        name = batch_of(relative)
        if name is not None:
            contents[name].append((relative, path))
    for name, files in contents.items():
        final = incoming / name
        if not final.exists():
            growing = incoming / f"{name}.tmp-demo"
            shutil.rmtree(growing, ignore_errors=True)
            for relative, path in files:
                target = growing / relative.removeprefix("dicomdirtests/").removeprefix("charset_files/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            if name == BROKEN:
                (growing / "empty.dcm").touch()
                (growing / "random.dcm").write_bytes(os.urandom(4_096))
            growing.rename(final)
    return list(contents)


def wait_done(status: StatusStore, settings: Settings, names: list[str]) -> list[Batch]:
    """Show the progress until every batch is DONE.

    Raises
    ------
    LocalError
        That takes longer than a demo should.
    """
    columns = (TextColumn("Indexing"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
    deadline = time.monotonic() + _WAIT_SECONDS
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=None, note="")
        while True:
            batches = [batch for name in names if (batch := status.batch(batch_id(name))) is not None]
            done = len(batches) == len(names) and all(batch.status is BatchStatus.DONE for batch in batches)
            total = sum(batch.counts.total for batch in batches)
            final = total - sum(batch.counts.open for batch in batches)
            waiting = status.waiting()
            progress.update(bar, completed=final, total=total or None, note=waiting.reason if waiting else "")
            if done:
                return batches
            if time.monotonic() > deadline:
                raise LocalError(
                    f"the images are not indexed after {_WAIT_SECONDS:.0f} s: see `dicomsearch status` and the logs in "
                    f"{settings.home / 'logs'}"
                )
            time.sleep(0.2)


def show(url: str, batches: list[Batch]) -> None:
    """Print what was imported, where to look and what to ask."""
    for batch in batches:
        counts = batch.counts
        notes = (
            (counts.error, "errors, on purpose"),
            (counts.ignored, "ignored"),
            (counts.duplicates, "the same image again"),
        )
        noted = ", ".join(f"{number} {what}" for number, what in notes if number)
        click.echo(f"  {batch.id:<28}{counts.done:>5} images{f'  ({noted})' if noted else ''}")
    click.echo(f"\n{sum(batch.counts.done for batch in batches):,} images in {len(batches)} batches. Look at")
    click.echo(f"\n  {url}/         the batches and the services")
    for query in QUERIES:
        click.echo(f"  {url}/search?q={query.replace('<', '%3C').replace('=', '%3D')}")
    click.echo("\nStop everything with `./run down`; the data stay.")


def stay(settings: Settings) -> None:
    """Wait until Ctrl-C, then stop the stack: the demo in front of a terminal ends with it."""
    click.echo("Ctrl-C stops it now.")
    try:
        while HomeLock(settings.home).held():
            time.sleep(1.0)
    except KeyboardInterrupt:
        stop(settings.home)
        click.echo("dicomsearch has been stopped")
