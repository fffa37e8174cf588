"""Nodes of Elasticsearch, started as docker-compose.yml starts them: its command, its settings, its files.

What the image adds is done here: its start script, its folder, the addresses.
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from indexer.settings import load_settings
from indexer.setup.hashes import hashed
from local.accounts import account_for_elasticsearch
from local.cache import installed_elasticsearch, installed_java
from local.ports import free_port
from local.readiness import http_status
from local.service import Service, ServiceSpec

ROOT, ROOT_PASSWORD = "tests", "of-the-tests-alone-0123456789"
# Settings of modules that the distribution for tests does not have.
_LACKING = ("xpack.ml.enabled", "ingest.geoip.downloader.enabled")
# What docker-entrypoint.sh of the image does: variables with a dot are settings.
_ENTRYPOINT = """#!/bin/bash
while IFS='=' read -r name value; do
    if [[ $name =~ ^[a-z0-9_]+\\.[a-z0-9_]+ && -n $value ]]; then options+=("-E$name=$value"); fi
done < <(env)
exec "$PROGRAM/bin/elasticsearch" "${options[@]}"
"""


class Nodes:
    """The nodes that the compose file names, on ports of this machine.

    Parameters
    ----------
    compose
        The whole project.
    files
        What `setup-files` has made.
    folder
        Where they keep everything; the account that runs Elasticsearch reaches it.
    """

    def __init__(self, compose: Mapping[str, Any], files: Path, folder: Path) -> None:
        self._services = compose["services"]
        self._files = files
        self._folder = folder
        self.snapshots = folder / "snapshots"
        self._running: dict[str, Service] = {}
        names = [name for name in self._services if name.startswith("elasticsearch")]
        taken: set[int] = set()
        for _ in range(2 * len(names)):
            taken.add(free_port(taken=frozenset(taken)))
        ports = sorted(taken)
        self._ports = dict(zip(names, ports[::2], strict=True))
        self._transport = dict(zip(names, ports[1::2], strict=True))

    def url(self, name: str = "elasticsearch") -> str:
        """Where a node is asked."""
        return f"https://127.0.0.1:{self._ports[name]}"

    def start(self, *names: str) -> None:
        """Start nodes at once, and wait until each answers as its health check wants it."""
        for name in names:
            self._running[name] = Service(self._spec(name), self._folder / f"{name}.log")
            self._running[name].start()
        for name in names:
            self._running[name].wait_ready()

    def stop(self, *names: str) -> None:
        """Stop nodes; without names all of them."""
        for name in names or tuple(self._running):
            self._running.pop(name).stop()

    def folder(self, name: str) -> Path:
        """What is /usr/share/elasticsearch in the container of a node."""
        return self._folder / name

    def log(self) -> str:
        """All that the nodes wrote."""
        return "\n".join(path.read_text() for path in self._folder.glob("*.log"))

    def check(self, name: str) -> int:
        """Run the health check of its container; the exit code."""
        kind, words = self._services[name]["healthcheck"]["test"]
        assert kind == "CMD-SHELL"
        words = words.replace("$$", "$").replace("https://localhost:9200", self.url(name))
        return subprocess.run(["/bin/sh", "-c", words], cwd=self._folder / name, timeout=30, check=False).returncode

    def _spec(self, name: str) -> ServiceSpec:
        settings = load_settings()
        account = account_for_elasticsearch(settings.service_user)
        program, java = installed_elasticsearch(settings, account), installed_java(settings, account)
        root = self._folder / name
        self._prepare(root, program)
        if account:
            account.own(self._folder)
        values: dict[str, str] = dict(self._services[name]["environment"])
        for lacking in _LACKING:
            del values[lacking]
        for other, port in self._transport.items():
            seeds = values["discovery.seed_hosts"].split(",")
            values["discovery.seed_hosts"] = ",".join(f"127.0.0.1:{port}" if seed == other else seed for seed in seeds)
        assert values["path.repo"] == "/usr/share/elasticsearch/snapshots"
        return ServiceSpec(
            name=name,
            command=("/bin/bash", *self._services[name]["command"][1:]),
            folder=root,
            environment=values
            | {
                "PATH": f"{root / 'bin'}:/usr/local/bin:/usr/bin:/bin",
                "PROGRAM": str(program),
                "ES_JAVA_HOME": str(java),
                "ES_PATH_CONF": str(root / "config"),
                "ES_TMPDIR": str(root / "tmp"),
                "JDK_JAVA_OPTIONS": f'"-Djava.io.tmpdir={root / "tmp"}"',
                "path.data": str(root / "data"),
                "path.logs": str(root / "logs"),
                "path.repo": str(self.snapshots),
                "network.host": "127.0.0.1",
                "http.port": str(self._ports[name]),
                "transport.port": str(self._transport[name]),
            },
            ready=lambda _since: http_status("127.0.0.1", self._ports[name], "/", ca=self._files / "ca.crt") == 401,
            account=account,
            start_seconds=2 * settings.start_seconds,  # three start at once
            stop_seconds=60.0,
        )

    def _prepare(self, root: Path, program: Path) -> None:
        """Lay out the folder of the image, with the volume of files in it, and a user who may do everything."""
        self.snapshots.mkdir(parents=True, exist_ok=True)
        for folder in ("bin", "data", "logs", "tmp"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        shutil.copytree(program / "config", root / "config", dirs_exist_ok=True)
        (root / "config" / "elasticsearch.yml").write_text("")
        mounted = shutil.copytree(self._files, root / "config" / "dicomsearch", dirs_exist_ok=True)
        with (mounted / "users").open("a") as users, (mounted / "users_roles").open("a") as roles:
            users.write(f"{ROOT}:{hashed(ROOT_PASSWORD)}\n")
            roles.write(f"superuser:{ROOT}\n")
        script = root / "bin" / "docker-entrypoint.sh"
        script.write_text(_ENTRYPOINT)
        script.chmod(0o755)
