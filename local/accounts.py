"""Who runs Elasticsearch, which refuses to run as root.

An ordinary user runs everything as himself. Started by root (a container, CI), Elasticsearch gets an unprivileged
account, and what that account may reach is found out by trying as that account: mode bits, ACLs and mounts decide
together, and nobody knows them all.
"""

import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError


@dataclass(frozen=True)
class Account:
    """An unprivileged account of this machine."""

    name: str
    user: int
    group: int

    def can(self, *tests: tuple[str, Path]) -> bool:
        """Tell whether the account passes tests of `test(1)`, such as ``("-r", path)``; all of them."""
        return all(
            subprocess.run(  # noqa: S603
                ["/usr/bin/env", "test", flag, path],
                user=self.user,
                group=self.group,
                extra_groups=[],
                cwd="/",
                check=False,
            ).returncode
            == 0
            for flag, path in tests
        )

    def own(self, folder: Path) -> None:
        """Give a folder and all that is in it to the account, readable by nobody else."""
        for path in _walk(folder):
            status = path.lstat()
            # A file with a second name elsewhere may be another's, linked here to be given away.
            linked = stat.S_ISREG(status.st_mode) and status.st_nlink > 1
            if (status.st_uid, status.st_gid) != (self.user, self.group) and not linked:
                os.chown(path, self.user, self.group, follow_symlinks=False)
        folder.chmod(0o700)


def _walk(folder: Path) -> Iterator[Path]:
    yield folder
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(root, name)


def account_for_elasticsearch(name: str) -> Account | None:
    """Name the account that has to run Elasticsearch: None for the ordinary user who asks.

    Parameters
    ----------
    name
        The account to use when root asks.

    Raises
    ------
    LocalError
        Root asks, and there is no such account or it is root itself.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise LocalError(
            f"Elasticsearch does not run as root, and there is no user {name!r} on this machine to run it: "
            "set DICOMSEARCH_SERVICE_USER to an unprivileged user"
        ) from None
    if entry.pw_uid == 0:
        raise LocalError("Elasticsearch does not run as root: set DICOMSEARCH_SERVICE_USER to an unprivileged user")
    return Account(name, entry.pw_uid, entry.pw_gid)
