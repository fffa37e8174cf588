"""The watcher with a real disk, real events and a real Redis; no worker is needed to see what it finds."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from indexer.batches import delivery_of
from indexer.registering import register_batch
from indexer.services import build_services
from indexer.settings import Settings
from indexer.status import StatusStore
from indexer.watching import Incoming, Watcher, WatchError
from indexer.watching.mounts import Mount
from tests.processes import environment_of, wait_for

Watching = Callable[..., "Watched"]


class Watched:
    """A watcher that runs in this process, in a thread."""

    def __init__(self, settings: Settings, redis_client: Redis) -> None:
        self._watcher = Watcher(build_services(settings))
        self._thread = threading.Thread(target=self._watcher.run)
        self.store = StatusStore(redis_client)
        self._redis = redis_client

    def __enter__(self) -> "Watched":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watcher.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()
        assert not self.store.watcher().alive

    def batches(self) -> dict[str, str]:
        """Paths of all batches by their ids."""
        return {batch.id: batch.path for batch in self.store.batches(0, 1_000).results}

    def finds(self, *ids: str) -> None:
        """Wait until exactly these are batches, each queued once."""
        wait_for(lambda: set(self.batches()) == set(ids))
        wait_for(lambda: self._redis.llen("dicomsearch") == len(ids))

    def says(self, words: str) -> str:
        """Wait until the notice on the status page has these words."""
        wait_for(lambda: words in (self.store.watcher().notice or ""))
        return self.store.watcher().notice or ""


@pytest.fixture
def quick(tmp_path: Path, redis_url: str) -> Settings:
    (tmp_path / "incoming").mkdir()
    return Settings(home=tmp_path, redis_url=redis_url, heartbeat_seconds=1, settle_seconds=0.3, look_seconds=0.3)


@pytest.fixture
def slow(quick: Settings) -> Settings:
    """Only events find anything in time."""
    return quick.model_copy(update={"look_seconds": 3_000.0})


@pytest.fixture
def watching(redis_client: Redis) -> Watching:
    @contextmanager
    def watching(settings: Settings, **changed: object) -> Iterator[Watched]:
        with Watched(settings.model_copy(update=changed), redis_client) as watched:
            wait_for(lambda: watched.store.watcher().alive)
            yield watched

    return watching


def fill(folder: Path, *names: str | bytes) -> None:
    for name in names or ("a.dcm",):
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + os.fsencode(name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


@pytest.mark.parametrize("mode", ["events", "polling"])
def test_folders_that_are_made_renamed_and_moved_in_are_found_once_each(
    mode: str, quick: Settings, tmp_path: Path, watching: Watching
) -> None:
    root = tmp_path / "incoming"
    fill(root / "STOOD")
    fill(root / "UNFINISHED.tmp")
    with watching(quick, watch_mode=mode) as watched:
        watched.finds("STOOD")
        fill(root / "MADE")
        fill(root / "RENAMED.tmp-1")
        fill(tmp_path / "MOVED")
        (root / "RENAMED.tmp-1").rename(root / "RENAMED")
        (tmp_path / "MOVED").rename(root / "MOVED")
        watched.finds("STOOD", "MADE", "RENAMED", "MOVED")
        (root / "MADE").rename(tmp_path / "AWAY")
        (root / "STOOD").rename(root / "STOOD.tmp")
        (root / "UNFINISHED.tmp").rename(root / "FINISHED")
        watched.finds("STOOD", "MADE", "RENAMED", "MOVED", "FINISHED")
        (root / "STOOD.tmp").rename(root / "STOOD")
        wait_for(lambda: [event.what for event in watched.store.events("STOOD")] == ["delivered", "created"])
        assert watched.store.watcher().notice is None


def test_events_tell_what_comes_without_a_look_at_all(slow: Settings, tmp_path: Path, watching: Watching) -> None:
    root = tmp_path / "incoming"
    fill(root / "STOOD")
    with watching(slow, watch_mode="events", settle_seconds=0.2) as watched:
        watched.finds("STOOD")
        fill(root / "NEW.tmp")
        (root / "NEW.tmp").rename(root / "NEW")
        fill(root / "MADE")
        watched.finds("STOOD", "NEW", "MADE")


def test_a_folder_is_not_taken_while_it_grows(quick: Settings, tmp_path: Path, watching: Watching) -> None:
    deep = tmp_path / "incoming" / "GROWS" / "a" / "b"
    with watching(quick, settle_seconds=0.5) as watched:
        for at in range(12):
            fill(deep, f"{at}.dcm")
            threading.Event().wait(0.1)
            assert not watched.batches()
        watched.finds("GROWS")


@pytest.mark.parametrize("mode", ["events", "polling"])
def test_names_of_any_bytes_become_batches(mode: str, quick: Settings, tmp_path: Path, watching: Watching) -> None:
    names = [b"a b", b"caf\xe9", b"line\nbreak", b"\x1b[2Jx", "ü中".encode(), b"q'\"<b>&%s{}", b"-rf", b"x" * 251]
    root = tmp_path / "incoming"
    with watching(quick, watch_mode=mode) as watched:
        for name in names:
            fill(root, name + b".tmp/a.dcm")
            os.rename(os.fsencode(root) + b"/" + name + b".tmp", os.fsencode(root) + b"/" + name)  # noqa: PTH104
        wait_for(lambda: len(watched.batches()) == len(names))
        assert {os.fsencode(path) for path in watched.batches().values()} == {
            os.fsencode(root) + b"/" + name for name in names
        }
    # After a restart they are known.
    with watching(quick, watch_mode=mode) as watched:
        fill(root / "LAST")
        wait_for(lambda: "LAST" in watched.batches())
        assert len(watched.batches()) == len(names) + 1
        assert all(len(watched.store.events(id_)) == 1 for id_ in watched.batches())


def test_links_are_no_batches_and_lead_nowhere(quick: Settings, tmp_path: Path, watching: Watching) -> None:
    root = tmp_path / "incoming"
    fill(tmp_path / "outside")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root)
    (root / "broken").symlink_to(root / "nowhere")
    fill(root / "REAL")
    with watching(quick) as watched:
        watched.finds("REAL")
        assert "3 files or links lie outside of any folder" in watched.says("outside of any folder")
        (root / "broken").unlink()
        assert "2 files or links" in watched.says("2 files or links")


def test_two_watched_folders_keep_batches_of_one_name_apart(
    quick: Settings, tmp_path: Path, watching: Watching
) -> None:
    first, second = tmp_path / "pacs", tmp_path / "scanner"
    with watching(quick, incoming=f"{first}:{second}") as watched:
        wait_for(lambda: second.is_dir())
        for root in (first, second):
            fill(root / "CASE.tmp")
            (root / "CASE.tmp").rename(root / "CASE")
        wait_for(lambda: len(watched.batches()) == 2)
        assert set(watched.batches().values()) == {str(first / "CASE"), str(second / "CASE")}
        assert watched.store.watcher().folder == f"{first}, {second}"
        fill(second, "loose.dcm")
        assert watched.says("1 files or links").startswith(f"{second}: ")


def test_a_watched_folder_that_goes_is_said_and_comes_back_by_itself(
    quick: Settings, tmp_path: Path, watching: Watching
) -> None:
    first, second = tmp_path / "pacs", tmp_path / "scanner"
    fill(first / "OLD")
    with watching(quick, incoming=f"{first}:{second}") as watched:
        watched.finds("OLD")
        first.rename(tmp_path / "elsewhere")
        watched.says("pacs: it cannot be looked at: no such file or directory")
        fill(second / "OTHER")
        watched.finds("OLD", "OTHER")
        fill(tmp_path / "elsewhere/MEANWHILE")
        (tmp_path / "elsewhere").rename(first)
        watched.finds("OLD", "OTHER", "MEANWHILE")
        wait_for(lambda: watched.store.watcher().notice is None)
        assert len(watched.store.events("OLD")) == 1


def test_a_file_system_that_is_not_mounted_any_more_is_not_taken_for_an_empty_folder(
    quick: Settings, tmp_path: Path, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "incoming"
    point = str(tmp_path)
    # To mount takes root, so what the system says of mounts is played: the folders are real.
    monkeypatch.setattr("indexer.watching.root.mount_now", lambda _: Mount(point, "nfs4"))
    fill(root / "OLD")
    with watching(quick, network_settle_seconds=0.1) as watched:
        watched.finds("OLD")
        point = "/"
        root.rename(tmp_path / "mounted")
        root.mkdir()
        watched.says(f"what was mounted at {tmp_path} is not there any more")
        point = str(tmp_path)
        root.rmdir()
        (tmp_path / "mounted").rename(root)
        wait_for(lambda: watched.store.watcher().notice is None)
        fill(root / "NEW")
        watched.finds("OLD", "NEW")


def test_a_network_file_system_is_looked_at_and_given_time_to_show_what_others_write(
    quick: Settings, tmp_path: Path, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "incoming"
    monkeypatch.setattr("indexer.watching.root.mount_now", lambda _: Mount("/mnt", "cifs"))
    monkeypatch.setattr("indexer.watching.events.FolderEvents.open", lambda _: pytest.fail("events are not to be used"))
    with watching(quick, settle_seconds=0.0, network_settle_seconds=3_000.0) as watched:
        fill(root / "MADE")
        fill(root / "RENAMED.tmp")
        threading.Event().wait(0.8)  # long enough for a look at the unfinished one
        (root / "RENAMED.tmp").rename(root / "RENAMED")
        watched.finds("RENAMED")
        threading.Event().wait(0.5)
        watched.finds("RENAMED")
        assert watched.store.watcher().notice is None


def test_a_file_system_that_hangs_holds_up_no_other_folder_and_is_said(
    quick: Settings, tmp_path: Path, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    real = Incoming.finished

    def finished(self: Incoming, only: Collection[str] | None = None) -> list[tuple[Path, str]]:
        if self.folder.name == "hangs":
            goes_on.wait(30)
        return real(self, only)

    monkeypatch.setattr(Incoming, "finished", finished)
    monkeypatch.setattr("indexer.watching.root._SLOW_SECONDS", 0.3)
    with watching(quick, incoming=f"{tmp_path}/hangs:{tmp_path}/answers") as watched:
        fill(tmp_path / "hangs" / "LATE")
        fill(tmp_path / "answers" / "CASE")
        watched.finds("CASE")
        assert watched.says("does its file system answer?").startswith(f"{tmp_path}/hangs: a look at it has been")
        goes_on.set()
        watched.finds("CASE", "LATE")


def test_a_failure_that_nobody_thought_of_ends_the_watcher_so_that_it_is_started_again(
    quick: Settings, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Incoming, "finished", lambda self, only: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Watcher(build_services(quick)).run()
    assert not StatusStore(redis_client).watcher().alive


def test_lost_events_are_made_up_for_and_said(
    slow: Settings, tmp_path: Path, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "incoming"
    fill(root / "STOOD")
    with watching(slow, watch_mode="events") as watched:
        watched.finds("STOOD")
        [watched_root] = watched._watcher._roots.values()
        events = watched_root._events
        # The queue of the real system is filled in a test of its own.
        monkeypatch.setattr(events, "on_event", lambda _: None)
        fill(root / "UNHEARD")
        events.on_queue_overflow()
        watched.finds("STOOD", "UNHEARD")
        watched.says("the system lost events at ")


def test_what_redis_has_lost_is_found_again(
    quick: Settings, tmp_path: Path, watching: Watching, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "incoming" / "CASE")
    with watching(quick) as watched:
        watched.finds("CASE")
        redis_client.flushdb()
        monkeypatch.setattr("indexer.status.StatusStore.server", lambda _: "started again")
        watched.finds("CASE")


def test_many_known_folders_are_known_at_the_start_without_looking_into_them(
    quick: Settings, tmp_path: Path, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "incoming"
    services = build_services(quick)
    for at in range(300):
        folder = root / f"CASE-{at}"
        folder.mkdir()
        services.ledger.add(folder.name, folder.name, str(folder), "watcher", delivery_of(folder))
    looked_into: list[str] = []
    monkeypatch.setattr(
        "indexer.watching.growth.entries", lambda folder, folders: iter(looked_into.append(folder.name) or ())
    )
    fill(root / "NEW")
    with watching(quick) as watched:
        wait_for(lambda: watched.store.batch("NEW"), 20)
    assert set(looked_into) == {"NEW"}


def test_a_batch_that_is_being_deleted_is_offered_again_when_it_is(
    quick: Settings, tmp_path: Path, watching: Watching, redis_client: Redis
) -> None:
    folder = tmp_path / "incoming" / "CASE"
    fill(folder)
    ledger = build_services(quick).ledger
    with watching(quick) as watched:
        watched.finds("CASE")
        ledger.mark_deleting("CASE", files=False)
        fill(folder, "b.dcm")  # delivered again
        threading.Event().wait(0.8)
        assert watched.store.batch("CASE").deleting
        ledger.delete("CASE")
        redis_client.delete("dicomsearch")
        watched.finds("CASE")
        assert not watched.store.batch("CASE").deleting


@contextmanager
def as_nobody(*folders: Path) -> Iterator[None]:
    """Be a user who may not do everything, where the tests are run by root."""
    if os.geteuid() != 0:
        yield
        return
    for folder in folders:
        folder.chmod(0o755)
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_may_not_be_read_is_an_error_of_its_batch_and_stops_no_other(
    quick: Settings, tmp_path: Path, watching: Watching
) -> None:
    root = tmp_path / "incoming"
    services = build_services(quick)
    with watching(quick, settle_seconds=0.5) as watched:
        fill(root / "FIRST")
        watched.finds("FIRST")
        for name, mode in (("OPEN", 0o755), ("SECRET", 0o0)):
            fill(root / name)
            (root / name).chmod(mode)
        above = [folder for folder in tmp_path.parents if Path(tempfile.gettempdir()) in folder.parents]
        with as_nobody(root, tmp_path, *above):
            watched.finds("FIRST", "OPEN", "SECRET")
            register_batch(services, "SECRET")
        [error] = watched.store.errors("SECRET").results
        assert (error.path, error.code) == ("./", "no_permission")
        assert "permission denied" in error.reason
    (root / "SECRET").chmod(0o700)


def test_without_events_the_folder_is_looked_at_and_that_is_said(
    quick: Settings, tmp_path: Path, redis_client: Redis
) -> None:
    limit = ["unshare", "--user", "--map-root-user", "sh", "-c"]
    shell = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$0" watch'
    possible = subprocess.run(
        [*limit, "echo 0 > /proc/sys/user/max_inotify_instances"], capture_output=True, check=False
    )
    if possible.returncode != 0:
        pytest.skip("this system lets no limit of inotify be set for a test alone")
    store = StatusStore(redis_client)
    program = str(Path(sys.executable).parent / "dicomsearch")
    process = subprocess.Popen([*limit, shell, program], env=environment_of(quick), stderr=subprocess.DEVNULL)
    try:
        fill(tmp_path / "incoming" / "CASE")
        wait_for(lambda: store.batch("CASE"), 30)
        wait_for(lambda: "fs.inotify.max_user_instances is reached" in (store.watcher().notice or ""))
    finally:
        process.terminate()
        process.wait(20)
    assert process.returncode == 0


def test_a_watched_folder_that_cannot_be_made_is_an_error(quick: Settings, tmp_path: Path, redis_client: Redis) -> None:
    (tmp_path / "file").touch()
    settings = quick.model_copy(update={"incoming": str(tmp_path / "file" / "incoming")})
    with pytest.raises(WatchError, match="file/incoming cannot be watched: not a directory"):
        Watcher(build_services(settings)).run()
