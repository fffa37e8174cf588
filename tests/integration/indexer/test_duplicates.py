"""One image in several files, through the real index: the newest wins and names the others, whoever comes when."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pydicom
import pytest
from elasticsearch import Elasticsearch
from pydicom.data import get_testdata_file
from redis import Redis

from indexer import indexing
from indexer.batches import offer
from indexer.duplicates import Earlier
from indexer.migration import Migration
from indexer.queue import new_lease
from indexer.registering import register_batch
from indexer.services import Services, build_services
from indexer.settings import Settings
from indexer.sink import Change, Written
from indexer.status import Batch, Claims, Place
from mappings.index import create_next


@pytest.fixture
def services(settings: Settings, redis_client: Redis, elasticsearch: Elasticsearch) -> Iterator[Services]:
    services = build_services(settings)
    services.queue.index = lambda *_, **__: None  # type: ignore[method-assign]
    yield services
    services.elasticsearch.close()


def imported(services: Services, folder: Path) -> Batch:
    """Import a folder in one chunk."""
    offered = offer(services.ledger, folder, "import", str(folder.stat().st_ctime_ns))
    register_batch(services, offered.id)
    indexing.index_chunk(services, new_lease(offered.id, list(services.status.open_paths(offered.id))), "here")
    batch = services.status.batch(offered.id)
    assert batch is not None
    return batch


def folder_of(parent: Path, name: str, file: str = "CT_small.dcm", **changes: object) -> Path:
    folder = parent / name
    folder.mkdir()
    dataset = pydicom.dcmread(get_testdata_file(file))
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    dataset.save_as(folder / file)
    return folder


def the_document(client: Elasticsearch, settings: Settings) -> dict[str, object]:
    client.indices.refresh(index=settings.index)
    [hit] = client.search(index=settings.index, source_excludes=["header", "text"])["hits"]["hits"]
    source: dict[str, object] = hit["_source"]
    return source


def others(document: dict[str, object]) -> list[tuple[str, bool]]:
    return [(Path(one["path"]).parent.name, one["conflict"]) for one in document.get("duplicates", [])]  # type: ignore[attr-defined]


def test_the_newest_file_is_the_document_and_names_the_others(
    services: Services, elasticsearch: Elasticsearch, settings: Settings, tmp_path: Path
) -> None:
    assert imported(services, folder_of(tmp_path, "FIRST")).counts.duplicates == 0
    assert imported(services, folder_of(tmp_path, "SECOND")).counts.duplicates == 1
    assert imported(services, folder_of(tmp_path, "THIRD")).counts.duplicates == 1
    document = the_document(elasticsearch, settings)
    assert document["batch"] == "THIRD"
    assert others(document) == [("SECOND", False), ("FIRST", False)]


def test_another_header_under_the_same_uid_is_a_conflict_that_can_be_searched(
    services: Services, elasticsearch: Elasticsearch, settings: Settings, tmp_path: Path
) -> None:
    imported(services, folder_of(tmp_path, "FIRST"))
    imported(services, folder_of(tmp_path, "SECOND", PatientID="CHANGED"))
    assert others(the_document(elasticsearch, settings)) == [("FIRST", True)]
    for term in ({"duplicates.conflict": "true"}, {"duplicates.batch": "FIRST"}):
        assert elasticsearch.count(index=settings.index, query={"term": term})["count"] == 1
    # A third file that agrees with the first is in conflict with the second alone.
    imported(services, folder_of(tmp_path, "THIRD"))
    assert others(the_document(elasticsearch, settings)) == [("SECOND", True), ("FIRST", False)]


def test_two_files_in_one_chunk_are_one_document_that_names_the_other(
    services: Services, elasticsearch: Elasticsearch, settings: Settings, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, "CASE-1")
    shutil.copy(folder / "CT_small.dcm", folder / "copy.dcm")
    batch = imported(services, folder)
    assert (batch.counts.done, batch.counts.duplicates) == (2, 1)
    document = the_document(elasticsearch, settings)
    assert {Path(document["file"]["path"]).name, *(Path(o["path"]).name for o in document["duplicates"])} == {  # type: ignore[index,attr-defined]
        "CT_small.dcm",
        "copy.dcm",
    }


def test_of_many_files_in_one_chunk_none_is_forgotten(
    services: Services, elasticsearch: Elasticsearch, settings: Settings, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, "CASE-1")
    for name in ("b.dcm", "c.dcm", "d.dcm"):
        shutil.copy(folder / "CT_small.dcm", folder / name)
    assert imported(services, folder).counts.duplicates == 3
    document = the_document(elasticsearch, settings)
    paths = [document["file"]["path"], *(one["path"] for one in document["duplicates"])]  # type: ignore[index,attr-defined]
    assert {Path(path).name for path in paths} == {"CT_small.dcm", "b.dcm", "c.dcm", "d.dcm"}


def test_a_file_that_is_imported_again_is_no_duplicate_of_itself(
    services: Services, elasticsearch: Elasticsearch, settings: Settings, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, "CASE-1")
    imported(services, folder)
    dataset = pydicom.dcmread(folder / "CT_small.dcm")
    dataset.PatientID = "CHANGED"
    dataset.save_as(folder / "new.dcm")
    (folder / "new.dcm").replace(folder / "CT_small.dcm")
    assert imported(services, folder).counts.duplicates == 0
    document = the_document(elasticsearch, settings)
    assert (document["PatientID"], "duplicates" in document) == ("CHANGED", False)


def test_of_two_tasks_that_write_an_image_at_once_the_later_wins_whichever_write_arrives_first(
    services: Services, elasticsearch: Elasticsearch, settings: Settings, tmp_path: Path
) -> None:
    first, second = folder_of(tmp_path, "FIRST"), folder_of(tmp_path, "SECOND")
    write = services.sink.write

    def write_after_the_other(documents: list[Change]) -> list[Written]:
        # Between its claim and its write, the whole other batch is imported.
        services.sink.write = write  # type: ignore[method-assign]
        imported(services, second)
        return write(documents)

    services.sink.write = write_after_the_other  # type: ignore[method-assign]
    assert imported(services, first).counts.done == 1
    document = the_document(elasticsearch, settings)
    assert document["batch"] == "SECOND"
    assert others(document) == [("FIRST", False)]


def test_a_task_that_looks_while_another_writes_knows_of_its_file(
    services: Services, elasticsearch: Elasticsearch, settings: Settings, tmp_path: Path
) -> None:
    first, second = folder_of(tmp_path, "FIRST"), folder_of(tmp_path, "SECOND")
    existing = services.sink.existing

    def look_and_be_slow(ids: Iterable[str]) -> dict[str, Earlier]:
        # Between its look at the index and its write, the whole other batch is imported.
        services.sink.existing = existing  # type: ignore[method-assign]
        found = existing(ids)
        imported(services, second)
        return found

    services.sink.existing = look_and_be_slow  # type: ignore[method-assign]
    imported(services, first)
    document = the_document(elasticsearch, settings)
    assert document["batch"] == "SECOND"
    assert others(document) == [("FIRST", False)]


def test_a_file_whose_claim_redis_has_lost_is_named_all_the_same(
    services: Services, elasticsearch: Elasticsearch, settings: Settings, redis_client: Redis, tmp_path: Path
) -> None:
    first, second = folder_of(tmp_path, "FIRST"), folder_of(tmp_path, "SECOND")
    write = services.sink.write

    def write_after_the_other(documents: list[Change]) -> list[Written]:
        services.sink.write = write  # type: ignore[method-assign]
        for claim in redis_client.keys("claim:*"):
            redis_client.delete(claim)
        imported(services, second)
        return write(documents)

    services.sink.write = write_after_the_other  # type: ignore[method-assign]
    imported(services, first)
    document = the_document(elasticsearch, settings)
    assert {document["batch"], *(batch for batch, _ in others(document))} == {"FIRST", "SECOND"}


def test_an_image_is_replaced_although_the_clock_was_turned_back(
    services: Services, elasticsearch: Elasticsearch, settings: Settings, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, "FIRST")
    imported(services, folder)
    [hit] = elasticsearch.search(index=settings.index, version=True)["hits"]["hits"]
    # As if it had been written in ten years.
    elasticsearch.index(
        index=f"{settings.index}-write",
        id=hit["_id"],
        document=hit["_source"],
        version=hit["_version"] + 315_360_000_000_000,
        version_type="external",
        refresh=True,
    )
    imported(services, folder_of(tmp_path, "SECOND"))
    assert the_document(elasticsearch, settings)["batch"] == "SECOND"


def test_a_claim_gives_way_to_a_later_one_and_is_released_by_its_owner_alone(redis_client: Redis) -> None:
    claims = Claims(redis_client, 60)
    a, b = Place("A", "/in/A/1.dcm", "d1"), Place("B", "/in/B/\udcff.dcm", "d2")
    [first] = claims.claim([("1.2", a, 0)])
    [second] = claims.claim([("1.2", b, 0)])
    assert (first.rivals, second.rivals) == ((), (a,))
    assert second.version > first.version
    assert claims.release([first]) == []
    [third] = claims.claim([("1.2", a, second.version + 10**9)])
    assert (third.rivals, third.version) == ((b, a), second.version + 10**9)
    assert claims.release([third]) == []
    assert redis_client.keys("claim*") == []
    assert claims.release([second]) == [second]
    assert claims.claim([]) == []


def test_a_migration_keeps_where_else_an_image_is(
    services: Services, elasticsearch: Elasticsearch, settings: Settings, tmp_path: Path
) -> None:
    imported(services, folder_of(tmp_path, "FIRST"))
    imported(services, folder_of(tmp_path, "SECOND"))
    before = the_document(elasticsearch, settings)
    create_next(elasticsearch, settings.index, shards=1, replicas=0)
    Migration(services).run()
    assert the_document(elasticsearch, settings) == before
