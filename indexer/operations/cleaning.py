"""What becomes of the files of a batch that is done: they stay, are deleted, or go to the archive.

A file goes only when the index has the document of this very file, and the file on disk is the one that was indexed.
For the archive, the document names the new place before the old one goes, so that pictures and downloads work at every
moment; interrupted anywhere, it goes on when it is called again.
"""

import os
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from indexer.audit import Event, Kind, Operation, Participant, Thing
from indexer.batches import delivery_of
from indexer.duplicates import FIELD, in_document
from indexer.files import Unlistable, mtime_text, printable, strerror, walk
from indexer.operations import archiving
from indexer.operations.disk import Folder, delete_empty, open_folder, overlap, why_files_must_stay
from indexer.operations.documents import PAGE, Hit, Rewrite, asking, hits_of, rewrite, time_text
from indexer.operations.model import Cleaned, Progress, no_progress
from indexer.operations.redelivery import known
from indexer.operations.underway import COMMAND, at_rest, found, underway
from indexer.operations.withdrawing import document_path
from indexer.queue import chunks
from indexer.services import Services
from indexer.status import Batch, Image, ImageStatus
from indexer.status.ledger import FoundFile

log = structlog.get_logger(__name__)

OPERATION = "clean"


@dataclass
class _Account:
    files: int = 0
    kept: Counter[str] = field(default_factory=Counter)


def clean(services: Services, batch: str, who: str = COMMAND, progress: Progress = no_progress) -> Cleaned:
    """Delete or archive the files of a batch as the setting `cleanup` says, each only when it is safe in the index.

    Images that were ignored stay, and whatever is not certain; the answer and the batch's history say why.

    Raises
    ------
    UnknownBatchError
        There is no such batch.
    BatchBusyError
        It is being indexed or deleted, or another operation is under way.
    ElasticsearchUnavailableError
        Elasticsearch does not answer: calling it again goes on.
    """
    one = found(services, batch)
    at_rest(one)
    how = services.settings.cleanup
    if how == "keep":
        services.ledger.clean_later(batch, wanted=False)
        return Cleaned(how, refused="files are kept (DICOMSEARCH_CLEANUP)")
    with underway(services, batch, OPERATION, who):
        if why := _why_not(services, one):
            cleaned = Cleaned(how, refused=why)
            services.ledger.note(batch, "not cleaned", reason=why)
        else:
            # From now on a missing file is no reason to take its image for gone.
            services.ledger.cleaned(batch, how)
            cleaned = _clean(services, one, how, progress)
            services.ledger.note(
                batch, "cleaned", how=how, files=cleaned.files, kept=sum(cleaned.kept.values()), **_reasons(cleaned)
            )
            _record(services, one, cleaned, who)
        services.ledger.clean_later(batch, wanted=False)
    log.info("batch cleaned", batch=batch, how=how, files=cleaned.files, refused=cleaned.refused)
    return cleaned


def _record(services: Services, batch: Batch, cleaned: Cleaned, who: str) -> None:
    details: dict[str, str | int] = {
        "how": cleaned.how,
        "files": cleaned.files,
        "files kept": sum(cleaned.kept.values()),
    }
    things = (Thing(Kind.BATCH, batch.id, details=details), Thing(Kind.FOLDER, batch.path))
    services.audit.append(Event(Operation.BATCH_CLEANED, Participant(who, "worker", "service"), "worker", things))


def _reasons(cleaned: Cleaned) -> dict[str, str]:
    if not cleaned.kept:
        return {}
    return {"because": "; ".join(f"{times:,}: {reason}" for reason, times in cleaned.kept.items())}


def _why_not(services: Services, batch: Batch) -> str | None:
    if batch.has_error:
        return "it has errors"
    if batch.cancelled:
        return "it was cancelled"
    if batch.shrunk:
        return "only its counts are kept"
    settings = services.settings
    if settings.cleanup == "archive":
        if settings.archive_folder is None:
            return "there is no archive folder (DICOMSEARCH_ARCHIVE_FOLDER)"
        archive = settings.archive_folder.resolve()
        if any(overlap(archive, incoming.resolve()) for incoming in settings.incoming_folders):
            return "the archive folder and a watched folder are in one another (DICOMSEARCH_ARCHIVE_FOLDER)"
    return why_files_must_stay(services, batch, Path(batch.path))


def _clean(services: Services, batch: Batch, how: str, progress: Progress) -> Cleaned:
    account = _Account()
    looked = 0
    path = Path(batch.path)
    folders = 0
    try:
        with open_folder(path) as folder:
            for paths in chunks(services.status.paths(batch.id, [ImageStatus.DONE]), PAGE):
                at_rest(found(services, batch.id))
                _clean_page(services, batch, folder, paths, how, account)
                looked += len(paths)
                progress(min(looked, batch.counts.done), batch.counts.done)
            folders = folder.delete_empty_folders()
    except FileNotFoundError:
        return Cleaned(how)  # it was cleaned up to its last file before
    except OSError as error:
        return Cleaned(how, account.files, {f"the folder cannot be opened: {strerror(error)}": 1})
    folders += delete_empty(path)
    _is_known_to_watcher(services, batch, path)
    return Cleaned(how, account.files, dict(account.kept), folders)


def _clean_page(
    services: Services, batch: Batch, folder: Folder, paths: Sequence[str], how: str, account: _Account
) -> None:
    images = services.status.image_records(batch.id, paths)
    documents = hits_of(services, sorted({image.uid for image in images.values() if image.uid}))
    archiver = _Archiver(services, batch, folder, account)
    for image in images.values():
        hit = documents.get(image.uid or "")
        try:
            facts = folder.facts(image.path)
            if archiver.has(image, hit):
                archiver.sources[image.path] = None
            elif why := _why_kept(batch, image, facts, hit):
                account.kept[why] += 1
            elif how == "delete":
                account.files += folder.delete(image.path)
            elif hit is not None:
                archiver.wanted[image.path] = hit
        except FileNotFoundError:
            continue  # it went the last time
        except OSError as error:
            account.kept[strerror(error)] += 1
    if how == "archive":
        archiver.run()


def _why_kept(batch: Batch, image: Image, facts: os.stat_result, hit: Hit | None) -> str | None:
    if hit is None:
        return "the index does not have the image"
    if (hit.earlier.place.batch, hit.earlier.place.path) != (batch.id, document_path(batch, image.path)):
        return "the image was found again in another file, which is the one in the index"
    if not stat.S_ISREG(facts.st_mode):
        return "it is a link"
    if (facts.st_size, mtime_text(facts)) != (image.size, image.mtime):
        return "it has changed on disk"
    if (hit.file.get("size"), hit.file.get("mtime")) != (facts.st_size, time_text(facts)):
        return "the index has another state of the file"
    return None


class _Archiver:
    """Archives the files of one page.

    Attributes
    ----------
    wanted
        Path → document of the files to be archived.
    sources
        Files that are in the archive and named in their documents, and go from the batch's folder.
    """

    def __init__(self, services: Services, batch: Batch, folder: Folder, account: _Account) -> None:
        self.wanted: dict[str, Hit] = {}
        self.sources: dict[str, None] = {}
        self._services = services
        self._batch = batch
        self._folder = folder
        self._account = account

    def has(self, image: Image, hit: Hit | None) -> bool:
        """Whether a file is in the archive byte for byte, because archiving was interrupted before the file went."""
        archive = self._services.settings.archive_folder
        if hit is None or archive is None or hit.earlier.place.batch != self._batch.id:
            return False
        there = Path(hit.earlier.place.path)
        if not there.is_relative_to(archive.absolute()):
            return False
        return archiving.is_same(self._folder, image.path, there)

    def run(self) -> None:
        """Place the files, let their documents name the new places, and only then delete them where they were."""
        placed = self._place()
        rewrite(self._services, {self.wanted[path].id: self._moved(path, one) for path, one in placed.items()})
        now = hits_of(self._services, [self.wanted[path].id for path in placed])
        for path, one in placed.items():
            hit = now.get(self.wanted[path].id)
            if hit is not None and hit.earlier.place.path == printable(str(one.path)):
                self.sources[path] = None
            else:
                self._account.kept["it was indexed again meanwhile"] += 1
                if one.is_new:
                    one.path.unlink(missing_ok=True)
        for path in self.sources:
            try:
                self._account.files += self._folder.delete(path)
            except OSError as error:
                self._account.kept[strerror(error)] += 1

    def _place(self) -> dict[str, archiving.Placed]:
        archive = self._services.settings.archive_folder
        if archive is None or not self.wanted:
            return {}
        keys = self._keys([hit.id for hit in self.wanted.values()])
        placed = {}
        for path, hit in self.wanted.items():
            study, series = (archiving.safe_name(key) for key in keys.get(hit.id, ("", "")))
            try:
                target = archive.absolute() / study / series
                placed[path] = archiving.place(self._folder, path, target, archiving.safe_name(hit.id))
            except OSError as error:
                self._account.kept[f"the archive does not take it: {strerror(error)}"] += 1
        return placed

    def _keys(self, ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
        """Study and series of documents."""
        with asking():
            answer = self._services.elasticsearch.mget(
                index=self._services.settings.index, ids=ids, source_includes=["derived.study", "derived.series"]
            )
        derived = {one["_id"]: one["_source"].get("derived", {}) for one in answer["docs"] if one.get("found")}
        return {id_: (str(one.get("study", "")), str(one.get("series", ""))) for id_, one in derived.items()}

    def _moved(self, path: str, placed: archiving.Placed) -> Rewrite:
        hit = self.wanted[path]
        where = printable(str(placed.path))
        place = replace(hit.earlier.place, path=where)
        others = [one for one in hit.earlier.others if one.path != where]
        file = {**hit.file, "path": where, "name": placed.path.name}
        return Rewrite(hit.earlier.version, {"file": file, FIELD: in_document(place, others) or None})


def _is_listed(one: FoundFile | Unlistable, record: Image | None) -> bool:
    if isinstance(one, Unlistable) or record is None:
        return False
    return (record.size, record.mtime) == (one.size, one.mtime)


def _is_known_to_watcher(services: Services, batch: Batch, folder: Path) -> None:
    """Let the watcher take what changed in the folder for ours, unless something has come meanwhile."""
    try:
        delivery = delivery_of(folder)
        for some in chunks(walk(folder), PAGE):
            records = services.status.image_records(batch.id, [one.path for one in some])
            if not all(_is_listed(one, records.get(one.path)) for one in some):
                return
    except OSError:
        return  # there is no folder left
    known(services, batch.id, folder, delivery)
