"""A new index from stored headers, while images are imported and deleted."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from elasticsearch import Elasticsearch
from pydicom.data import get_testdata_file
from redis import Redis

from indexer.cli import group
from indexer.document import FileFacts, build_document
from indexer.flatten import flatten
from indexer.migration import Migration, MigrationError
from indexer.reader import read_header
from indexer.services import Services, build_services
from indexer.settings import Settings
from indexer.sink import Document, Removal
from indexer.status import Lease
from mappings.index import all_indices, create_next, current_version, migrating_to, old_indices
from tests.processes import environment_of

# Enough to be copied in several pages; the same test with many more is a soak test.
DOCUMENTS = int(os.environ.get("DICOMSEARCH_TEST_DOCUMENTS", "2000"))


@pytest.fixture
def services(settings: Settings, redis_client: Redis, elasticsearch: Elasticsearch) -> Iterator[Services]:
    services = build_services(settings)
    yield services
    services.elasticsearch.close()


@pytest.fixture(scope="module")
def template() -> bytes:
    """A document of a real file, with a marker in place of its SOPInstanceUID."""
    limits = Settings().limits
    path = Path(get_testdata_file("CT_small.dcm"))
    flattened = flatten(read_header(path, limits), limits)
    facts = FileFacts(f"/in/{flattened.id}.dcm", f"{flattened.id}.dcm", 39_206, datetime(2026, 1, 1, tzinfo=UTC))
    document = build_document(flattened, facts, "CASE-1", datetime(2026, 1, 2, tzinfo=UTC))
    return orjson.dumps(document).replace(flattened.id.encode(), b"@@UID@@")


@pytest.fixture
def made(template: bytes) -> Callable[[int], Document]:
    def made(number: int) -> Document:
        uid = f"1.2.3.{number}"
        indexed = f'"indexed_at":"2026-03-01T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z"'
        body = template.replace(b"@@UID@@", uid.encode())
        body = body.replace(b'"indexed_at":"2026-01-02T00:00:00.000Z"', indexed.encode())
        return Document(uid, body, time.time_ns() // 1_000)

    return made


def ids(client: Elasticsearch, settings: Settings) -> set[str]:
    client.indices.refresh(index=settings.index)
    return {hit["_id"] for hit in _all(client, settings.index)}


def _all(client: Elasticsearch, index: str) -> Iterator[dict[str, str]]:
    after = None
    while True:
        more = {"search_after": after} if after else {}
        hits = client.search(index=index, size=5_000, sort=["file.path"], source=False, **more)["hits"]["hits"]
        if not hits:
            return
        yield from hits
        after = hits[-1]["sort"]


def test_a_document_in_the_new_index_is_the_very_same(
    services: Services, settings: Settings, elasticsearch: Elasticsearch, made: Callable[[int], Document]
) -> None:
    services.sink.write([made(1)])
    services.sink.refresh()
    before = elasticsearch.get(index=settings.index, id="1.2.3.1")
    migrated = Migration(services).run()
    after = elasticsearch.get(index=settings.index, id="1.2.3.1")
    assert (before["_index"], after["_index"]) == (migrated.old, migrated.new)
    assert (migrated.old, migrated.new) == (f"{settings.index}-000001", f"{settings.index}-000002")
    assert after["_source"] == before["_source"]
    assert after["_version"] == before["_version"]


def test_the_old_index_stays_until_it_is_dropped(
    services: Services, settings: Settings, elasticsearch: Elasticsearch, made: Callable[[int], Document]
) -> None:
    services.sink.write([made(at) for at in range(10)])
    services.sink.refresh()
    migration = Migration(services)
    assert migration.drop_old() == []
    assert migration.is_due() is False
    assert migration.run().documents == 10
    assert old_indices(elasticsearch, settings.index) == [f"{settings.index}-000001"]
    assert migration.drop_old() == [f"{settings.index}-000001"]
    assert all_indices(elasticsearch, settings.index) == [f"{settings.index}-000002"]
    assert len(ids(elasticsearch, settings)) == 10
    services.sink.write([made(11)])
    assert "1.2.3.11" in ids(elasticsearch, settings)


def test_nothing_is_lost_or_brought_back_and_search_is_never_empty_while_images_come_and_go(
    services: Services, settings: Settings, elasticsearch: Elasticsearch, made: Callable[[int], Document]
) -> None:
    number = DOCUMENTS
    expected = {document.id for at in range(0, number, 500) for document in _write(services, made, range(at, at + 500))}
    services.sink.refresh()
    stop = threading.Event()
    chance = random.Random(5)
    problems: list[str] = []
    searched = [0]

    def come_and_go() -> None:
        own = build_services(settings)
        fresh = number
        while not stop.is_set():
            come = [made(fresh + at) for at in range(20)]
            again = [made(at) for at in chance.sample(range(number), 20)]
            go = [Removal(uid, time.time_ns() // 1_000) for uid in chance.sample(sorted(expected), 10)]
            fresh += 20
            time.sleep(0.05)
            written = own.sink.write([*come, *again, *go])
            problems.extend(each.rejected for each in written if each.rejected)
            expected.update(document.id for document in (*come, *again))
            expected.difference_update(removal.id for removal in go)
        own.elasticsearch.close()

    def search() -> None:
        with Elasticsearch(settings.elasticsearch_url) as client:
            while not stop.is_set():
                found = client.count(index=settings.index, query={"term": {"Modality": "CT"}})["count"]
                searched[0] += 1
                if found < number // 2:
                    problems.append(f"{found} found")
                time.sleep(0.02)

    threads = [threading.Thread(target=come_and_go), threading.Thread(target=search)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.3)
        migrated = Migration(services).run()
        time.sleep(0.3)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert problems == []
    assert searched[0] > 20
    assert current_version(elasticsearch, settings.index).name == migrated.new
    assert ids(elasticsearch, settings) == expected


def _write(services: Services, made: Callable[[int], Document], numbers: range) -> list[Document]:
    documents = [made(at) for at in numbers]
    services.sink.write(documents)
    return documents


def test_an_interrupted_migration_goes_on_where_it_was(
    services: Services, settings: Settings, elasticsearch: Elasticsearch, made: Callable[[int], Document]
) -> None:
    _write(services, made, range(1_000))
    services.sink.refresh()

    class Interrupted(BaseException):
        pass

    seen: list[int] = []

    def interrupt(done: int, total: int) -> None:
        seen.append(done)
        if done >= 500:
            raise Interrupted

    with pytest.raises(Interrupted):
        Migration(services).run(interrupt)
    new = migrating_to(elasticsearch, settings.index)
    assert new == f"{settings.index}-000002"
    assert len(ids(elasticsearch, settings)) == 1_000
    _write(services, made, range(1_000, 1_010))
    assert Migration(services).is_due()
    again: list[int] = []
    migrated = Migration(services).run(lambda done, total: again.append(done))
    assert migrated.new == new
    assert again[0] > 500
    assert len(ids(elasticsearch, settings)) == 1_010


def test_the_copy_waits_for_tasks_that_began_before_the_new_index(
    services: Services, made: Callable[[int], Document]
) -> None:
    _write(services, made, range(3))
    services.sink.refresh()
    lease = Lease("chunk", "CASE-1", ("a.dcm",))
    services.leases.start(lease, "worker")
    ended: list[float] = []

    def end() -> None:
        time.sleep(1.0)
        ended.append(time.monotonic())
        services.leases.end(lease)

    thread = threading.Thread(target=end)
    thread.start()
    copied: list[float] = []
    Migration(services).run(lambda done, total: copied.append(time.monotonic()))
    thread.join()
    assert copied[0] > ended[0]


def test_a_document_that_cannot_be_built_again_stops_the_migration_before_anything_changes(
    services: Services, settings: Settings, elasticsearch: Elasticsearch, made: Callable[[int], Document]
) -> None:
    _write(services, made, range(3))
    broken = orjson.loads(made(4).body) | {"header": "{", "indexed_at": "2026-03-01T00:00:00.000Z"}
    services.sink.write([Document("broken", orjson.dumps(broken), 1)])
    services.sink.refresh()
    with pytest.raises(MigrationError, match=r"document broken cannot be built again.*Nothing has changed"):
        Migration(services).run()
    assert current_version(elasticsearch, settings.index).name == f"{settings.index}-000001"
    services.sink.write([Removal("broken", 2)])
    assert Migration(services).run().documents == 3


def test_a_difference_that_stays_keeps_the_new_index_out_of_use(
    services: Services, settings: Settings, elasticsearch: Elasticsearch, made: Callable[[int], Document]
) -> None:
    _write(services, made, range(3))
    services.sink.refresh()
    new = create_next(elasticsearch, settings.index)
    elasticsearch.index(index=new, id="stray", document={"batch": "x"}, refresh=True)
    with pytest.raises(MigrationError, match=r"lacks 0 documents .* and has 1 that"):
        Migration(services).run()
    assert current_version(elasticsearch, settings.index).name == f"{settings.index}-000001"


def test_two_migrations_do_not_run_at_once(services: Services, redis_client: Redis) -> None:
    with redis_client.lock("migration:lock", timeout=60), pytest.raises(MigrationError, match="another migration"):
        Migration(services).run()


def test_the_command_says_what_it_did(
    settings: Settings, services: Services, made: Callable[[int], Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(settings).items():
        if name.startswith("DICOMSEARCH_"):
            monkeypatch.setenv(name, value)
    _write(services, made, range(3))
    services.sink.refresh()

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(group, ["migrate", *arguments])
        return result.exit_code, result.stdout or result.stderr

    assert run() == (0, "The index is up to date.\n")
    assert run("--drop-old") == (0, "There is no old index.\n")
    code, said = run("--force")
    assert (code, said.splitlines()[-1].split(" are in ")[0]) == (0, "3 documents")
    assert run("--drop-old") == (0, f"Deleted {settings.index}-000001.\n")
    monkeypatch.setenv("DICOMSEARCH_ELASTICSEARCH_URL", "http://127.0.0.1:1")
    code, said = run()
    assert code == 2
    assert said.startswith("Error: Elasticsearch failed")
