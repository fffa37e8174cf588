"""Which file system a folder is on."""

import pytest

from indexer.watching.mounts import Mount, mount_of, parse_mounts

TABLE = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:40 / /mnt/pacs rw,relatime shared:7 - nfs4 nas:/pacs rw,vers=4.2
41 40 0:41 / /mnt/pacs/local rw - ext4 /dev/vdb rw
42 27 0:42 / /mnt/a\040b\134c rw - cifs //nas/share rw
43 27 0:43 / /mnt/auto rw - autofs systemd-1 rw
44 43 0:44 / /mnt/auto rw - fuse.sshfs nas:/ rw
not a line
"""


@pytest.mark.parametrize(
    ("path", "point", "kind", "network"),
    [
        ("/srv/incoming", "/", "ext4", False),
        ("/", "/", "ext4", False),
        ("/mnt/pacs", "/mnt/pacs", "nfs4", True),
        ("/mnt/pacs/incoming", "/mnt/pacs", "nfs4", True),
        ("/mnt/pacs-2", "/", "ext4", False),
        ("/mnt/pacs/local/x", "/mnt/pacs/local", "ext4", False),
        ("/mnt/a b\\c/incoming", "/mnt/a b\\c", "cifs", True),
        ("/mnt/auto/incoming", "/mnt/auto", "fuse.sshfs", True),
    ],
)
def test_a_path_is_on_the_innermost_and_last_mounted_file_system(
    path: str, point: str, kind: str, network: bool
) -> None:
    mount = mount_of(path, parse_mounts(TABLE))
    assert mount == Mount(point, kind)
    assert mount.is_network is network


def test_no_table_tells_nothing() -> None:
    assert mount_of("/srv", parse_mounts("")) is None


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse", "fuse.sshfs", "fuse.glusterfs"])
def test_network_file_systems_are_known_by_their_type(kind: str) -> None:
    assert Mount("/", kind).is_network


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "overlay", "tmpfs", "fuseblk", "zfs"])
def test_other_file_systems_tell_their_events(kind: str) -> None:
    assert not Mount("/", kind).is_network
