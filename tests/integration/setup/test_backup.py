"""Backup and restore as documented, with the rights of web and workers, on the real secured node."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from elasticsearch import Elasticsearch
from redis import Redis

from app.archive import SearchRequest
from app.services import build_archive
from indexer.settings import Settings
from indexer.snapshots import REPOSITORY
from mappings.audit import ensure_month
from mappings.index import create_next
from tests.integration.setup.conftest import Run
from tests.operating import Operating
from tests.secured import ROOT, Secured


@pytest.fixture
def root(secured_elasticsearch: Secured) -> Iterator[Elasticsearch]:
    """Who can break everything; no backup of another test is there."""
    with secured_elasticsearch.client(ROOT) as client:
        if REPOSITORY in client.snapshot.get_repository():
            for found in client.snapshot.get(repository=REPOSITORY, snapshot="_all")["snapshots"]:
                client.snapshot.delete(repository=REPOSITORY, snapshot=found["snapshot"])
        yield client


@pytest.fixture
def archive(operating: Operating, root: Elasticsearch, run: Run, redis_client: Redis) -> Operating:
    """Two images in the index, an event in the audit log, and a place for backups."""
    assert run("setup", "index").exit_code == 0
    operating.imported("CASE-1", "1.2.3", "1.2.4")
    ensure_month(root, "dicom-audit", "2026-11")
    root.create(index="dicom-audit-2026-11", id="1", document={}, refresh=True)
    return operating


def found(settings: Settings) -> list[str]:
    """Images that a search finds, as web searches."""
    archive = build_archive(settings)
    return sorted(result.id for result in archive.search(SearchRequest("Modality:CT", 100)).results)


def aliases(client: Elasticsearch) -> dict[str, set[str]]:
    return {name: set(value["aliases"]) for name, value in client.indices.get_alias(index="dicom-*").items()}


BOTH = {"dicom-images", "dicom-images-write"}


def test_what_was_lost_is_brought_back(
    archive: Operating, root: Elasticsearch, run: Run, secured_settings: Settings
) -> None:
    made = run("backup")
    assert made.exit_code == 0, made.output
    assert re.fullmatch(
        r"dicom-images-\d{8}-\d{6}  [-\d]+ [:\d]+ UTC  whole: dicom-images-000001, 1 month of the audit log\n",
        made.output,
    )
    assert run("backup", "--list").output == made.output
    for name in aliases(root):
        root.indices.delete(index=name)
    result = run("restore")
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            f"bringing back {made.output.split()[0]} as dicom-images-000001",
            "2 images are in dicom-images-000001, behind the alias.",
            "dicom-audit-2026-11 is there again.",
            "Images that were imported later: `dicomsearch verify BATCH --repair` indexes them again.",
        ],
    )
    assert aliases(root) == {"dicom-images-000001": BOTH, "dicom-audit-2026-11": {"dicom-audit"}}
    assert found(secured_settings) == ["1.2.3", "1.2.4"]
    assert root.count(index="dicom-audit")["count"] == 1


def test_a_new_elasticsearch_gets_what_the_lost_one_had(
    archive: Operating, root: Elasticsearch, run: Run, secured_settings: Settings
) -> None:
    assert run("backup").exit_code == 0
    for name in aliases(root):
        root.indices.delete(index=name)
    root.snapshot.delete_repository(name=REPOSITORY)  # which leaves its files
    assert run("setup", "index").exit_code == 0
    result = run("restore")
    assert result.exit_code == 0, result.output
    assert aliases(root)["dicom-images-000002"] == BOTH
    assert found(secured_settings) == ["1.2.3", "1.2.4"]


def test_an_index_with_images_is_replaced_only_when_that_is_said(
    archive: Operating, root: Elasticsearch, run: Run, secured_settings: Settings
) -> None:
    assert run("backup").exit_code == 0
    archive.imported("CASE-2", "1.2.5")
    refused = run("restore")
    assert refused.exit_code == 2
    assert "there are 3 images in dicom-images-000001 already: with --replace" in refused.output
    assert found(secured_settings) == ["1.2.3", "1.2.4", "1.2.5"]

    result = run("restore", "--replace")
    assert result.exit_code == 0, result.output
    assert "dicom-images-000001 is kept; `dicomsearch migrate --drop-old` deletes it." in result.output
    assert "dicom-audit-2026-11 was there and was left as it is." in result.output
    assert aliases(root) == {
        "dicom-images-000001": set(),
        "dicom-images-000002": BOTH,
        "dicom-audit-2026-11": {"dicom-audit"},
    }
    assert found(secured_settings) == ["1.2.3", "1.2.4"]

    # What came after the backup is only in Redis: verifying the batch mends the index, and importing goes on.
    archive.imported("CASE-3", "1.2.6")
    assert found(secured_settings) == ["1.2.3", "1.2.4", "1.2.6"]
    repaired = run("verify", "CASE-2", "--repair")
    archive.run()
    assert "lost" in repaired.output
    dropped = run("migrate", "--drop-old")
    assert dropped.output == "Deleted dicom-images-000001.\n"


def test_a_restore_that_fails_leaves_everything_as_it_was(
    archive: Operating, root: Elasticsearch, run: Run, secured_elasticsearch: Secured, secured_settings: Settings
) -> None:
    assert run("backup").exit_code == 0
    kept = secured_elasticsearch.known.snapshots
    assert kept is not None
    for file in (kept / "indices").rglob("__*"):  # what a damaged disk has done to the files of the backup
        file.write_bytes(b"damaged")
    result = run("restore", "--replace")
    assert result.exit_code == 2
    assert "could not be brought back" in result.output or "Elasticsearch answered" in result.output
    assert aliases(root) == {"dicom-images-000001": BOTH, "dicom-audit-2026-11": {"dicom-audit"}}
    archive.imported("CASE-2", "1.2.5")  # writing is not blocked any more
    assert found(secured_settings) == ["1.2.3", "1.2.4", "1.2.5"]


def test_only_so_many_backups_are_kept(archive: Operating, run: Run) -> None:
    names = []
    for _ in range(3):
        result = run("backup", "--keep", "2")
        assert result.exit_code == 0, result.output
        names.append(result.output.split()[0])
        _wait_for_the_next_second(names[-1])
    assert result.output.splitlines()[1] == f"{names[0]}  deleted"
    assert [line.split()[0] for line in run("backup", "--list").output.splitlines()] == names[1:]


def _wait_for_the_next_second(name: str) -> None:
    """Backups are named by seconds."""
    while f"{datetime.now(UTC):%Y%m%d-%H%M%S}" == name.removeprefix("dicom-images-"):
        time.sleep(0.05)


def test_a_backup_is_not_brought_back_during_a_migration(archive: Operating, root: Elasticsearch, run: Run) -> None:
    assert run("backup").exit_code == 0
    create_next(root, "dicom-images")
    result = run("restore", "--replace")
    assert (result.exit_code, "a migration is under way" in result.output) == (2, True)


@pytest.mark.parametrize("command", [("backup",), ("backup", "--list"), ("restore",)], ids=" ".join)
def test_without_a_place_for_backups_it_is_said_what_to_do(
    root: Elasticsearch, run: Run, command: tuple[str, ...]
) -> None:
    if REPOSITORY in root.snapshot.get_repository():
        root.snapshot.delete_repository(name=REPOSITORY)
    result = run(*command)
    assert (result.exit_code, "set DICOMSEARCH_SNAPSHOTS and run `dicomsearch setup index`" in result.output) == (
        2,
        True,
    )


def test_what_is_not_there_is_named(run: Run, root: Elasticsearch, redis_client: Redis) -> None:
    assert run("setup", "index").exit_code == 0
    assert "there is no backup yet" in run("restore").output
    assert "there is no backup of-another-time" in run("restore", "of-another-time").output
