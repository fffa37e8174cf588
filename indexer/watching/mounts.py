"""Which file system a folder is on, since network file systems do not tell what other machines do.

https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
"""

import re
from dataclasses import dataclass
from pathlib import Path

_TABLE = Path("/proc/self/mountinfo")
# Other machines change these, and inotify(7) hears of nothing but what this machine does.
_NETWORK = {
    *("9p", "afs", "beegfs", "ceph", "cifs", "fuse", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"),
    *("prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"),
}


@dataclass(frozen=True, slots=True)
class Mount:
    """A file system: where it is mounted, and its type."""

    point: str
    kind: str

    @property
    def is_network(self) -> bool:
        """Whether other machines may change it unheard."""
        return self.kind in _NETWORK or self.kind.startswith("fuse.")


def parse_mounts(table: str) -> list[Mount]:
    """Read the text of `/proc/self/mountinfo`; lines that are not understood are left out."""
    mounts = []
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")[0]
        if len(fields) > 4 and kind:
            mounts.append(Mount(_unescaped(fields[4]), kind))
    return mounts


def mount_of(path: str, mounts: list[Mount]) -> Mount | None:
    """The file system that a path is on: the longest mount point above it, and of several the last."""
    above = [mount for mount in mounts if f"{path}/".startswith(f"{mount.point.rstrip('/')}/")]
    longest = max((len(mount.point) for mount in above), default=0)
    return next((mount for mount in reversed(above) if len(mount.point) == longest), None)


def mount_now(folder: Path) -> Mount | None:
    """The file system that a folder is on now, links resolved; None where the system does not tell."""
    try:
        table = _TABLE.read_text("utf-8", errors="surrogateescape")
        return mount_of(str(folder.resolve()), parse_mounts(table))
    except OSError:
        return None


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
