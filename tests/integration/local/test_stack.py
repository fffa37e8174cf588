"""The whole stack by its commands, as a user types them: Elasticsearch, Redis, watcher, worker and web server."""

import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from redis import Redis

from indexer.settings import Settings
from local.accounts import Account
from local.cache import cache_folder
from tests.home import COMMAND, Home
from tests.processes import wait_for

SERVICES = ["elasticsearch", "redis", "watcher", "worker", "web"]


@pytest.fixture
def home(services_home: Path) -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="whole stack ", dir=services_home))
    folder.chmod(0o755)
    home = Home(folder)
    yield home
    home.destroy()


def test_the_life_of_a_stack(home: Home) -> None:
    began = home.run("up", "--detach")
    assert (began.returncode, began.stdout) == (0, f"dicomsearch is running at http://127.0.0.1:{home.port}/\n"), began
    first = home.state
    assert list(first.services) == SERVICES
    assert home.run("status").returncode == 0
    assert home.get("/healthz") == 200

    again = home.run("up", "--detach")
    assert (again.returncode, again.stdout.startswith("dicomsearch is running already at")) == (0, True)
    elsewhere = home.run("up", "--detach", "--port", "1")
    assert (elsewhere.returncode, elsewhere.stdout) == (2, "")
    assert f"running already on port {home.port}" in elsewhere.stderr

    with Elasticsearch(str(first.addresses["elasticsearch_url"])) as client:
        client.indices.create(index="kept")
        client.index(index="kept", id="1", document={"Modality": "CT"})
    with Redis.from_url(str(first.addresses["redis_url"])) as redis:
        redis.set("kept", "CASE-17")

    killed = ("elasticsearch", "worker", "web")
    for name in killed:
        pid = first.services[name].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: [home.state.services[name].restarts for name in killed] == [1, 1, 1])
    wait_for(lambda: all(service.condition == "running" for service in home.state.services.values()))
    shown = home.run("status")
    assert (shown.returncode, shown.stdout.count("killed by SIGKILL")) == (0, 3)
    assert home.get("/healthz") == 200

    ended = home.run("down")
    assert (ended.returncode, ended.stdout) == (0, "dicomsearch has been stopped\n")
    assert home.processes() == []
    assert home.run("status").returncode == 3

    assert home.run("up", "--detach").returncode == 0
    second = home.state
    assert [s.port for s in second.services.values()] == [s.port for s in first.services.values()]
    with Elasticsearch(str(second.addresses["elasticsearch_url"])) as client:
        assert client.get(index="kept", id="1")["_source"] == {"Modality": "CT"}
    with Redis.from_url(str(second.addresses["redis_url"])) as redis:
        assert redis.get("kept") == b"CASE-17"

    assert second.pid is not None
    os.kill(second.pid, signal.SIGKILL)
    # Its services end with it: 1 as long as one is left, 3 afterwards.
    assert home.run("status").returncode in (1, 3)
    assert home.run("down").returncode == 0
    assert home.processes() == []


def test_a_taken_web_port_is_one_clear_line(home: Home) -> None:
    with socket.create_server(("127.0.0.1", home.port)):
        ran = home.run("up", "--detach")
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert f"Error: port {home.port} on 127.0.0.1 is taken by another program" in ran.stderr


def environment_of(account: Account, folder: Path) -> Path:
    """Make a virtual environment that an account can use, of what is installed here; give its `bin`."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    for python in (Path(sys.executable).resolve(), Path("/usr/bin/python3")):
        if not account.can(("-x", python), ("-r", Path(packages)), ("-r", Path(__file__))):
            continue
        shown = subprocess.run(
            [python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, check=True
        )
        if shown.stdout.decode().strip() == str(sys.version_info[:2]):
            break
    else:
        pytest.skip(f"the user {account.name} cannot reach this checkout and a Python {sys.version_info[:2]}")
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "packages.pth").write_text(f"import site; site.addsitedir({packages!r})\n")
    # What is installed was chosen for a Python of the same version, but perhaps for a later patch level than this one:
    # before 3.11.3, the client of Redis imports this for its asynchronous half.
    (own / "async_timeout.py").write_text("from asyncio import timeout\n")
    for name in ("dicomsearch", "celery", "gunicorn"):
        script = folder / "bin" / name
        script.write_text(f"#!{folder}/bin/python\n" + COMMAND.with_name(name).read_text().partition("\n")[2])
        script.chmod(0o755)
    return folder / "bin"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the commands as another user")
def test_an_ordinary_user_runs_everything_as_himself(services_home: Path) -> None:
    entry = pwd.getpwnam("nobody")
    account = Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    folder = services_home / "ordinary-user"
    folder.mkdir()
    commands = environment_of(account, folder / "environment")
    account.own(folder)
    # What root has downloaded is there for others, who need not be able to write to it.
    command = commands / "dicomsearch"
    home = Home(folder, command=command, account=account, DICOMSEARCH_CACHE=str(cache_folder(Settings())))
    try:
        began = home.run("up", "--detach")
        assert began.returncode == 0, began
        users = {process.username() for identity in home.processes() if (process := identity.process())}
        assert users == {"nobody"}
        assert home.run("status").returncode == 0
        assert home.run("down").returncode == 0
        assert home.processes() == []
    finally:
        home.destroy()
