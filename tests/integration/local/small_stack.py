"""A stack of small real processes, run by the real supervisor: quick to start, and as hard to kill as the large one.

Run as `python small_stack.py HOME SERVICE…`. A service is `redis`, or `NAME=COMMAND` for a shell command that is ready
when it has written `ready` to its log; it starts after Redis where that is there.
"""

import sys
from pathlib import Path

from local.errors import StartError
from local.ports import free_port
from local.redis import redis_service, redis_url
from local.service import ServiceSpec
from local.state import HomeLock
from local.supervisor import RestartPolicy, Supervisor

POLICY = RestartPolicy(attempts=2, window_seconds=60.0, first_pause=0.1, longest_pause=0.2)


def shell_service(home: Path, name: str, command: str, after: tuple[str, ...]) -> ServiceSpec:
    log = home / "logs" / f"{name}.log"
    return ServiceSpec(
        name=name,
        command=("/bin/sh", "-c", command),
        folder=home,
        environment={"PATH": "/usr/bin:/bin"},
        ready=lambda _since: "ready" in log.read_text(),
        after=after,
        start_seconds=2.0,
        stop_seconds=1.0,
    )


def main(home: Path, services: list[str]) -> int:
    lock = HomeLock(home)
    if not lock.acquire():
        return 9
    specs: list[ServiceSpec] = []
    addresses: dict[str, str | int] = {"host": "127.0.0.1", "port": 1}
    for service in services:
        name, _, command = service.partition("=")
        if command:
            specs.append(shell_service(home, name, command, tuple(s.name for s in specs if s.name == "redis")))
        else:
            port = free_port()
            specs.append(redis_service(home, port=port, password="secret"))
            addresses["redis_url"] = redis_url(port, "secret")
    try:
        Supervisor(home, specs, addresses, policy=POLICY).run()
    except StartError:
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
