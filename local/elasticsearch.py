"""The embedded Elasticsearch: one real node on loopback, its data in the home, its program shared in the cache.

A node has a folder of its own (config, data, logs, temporary files) in the home. Where root starts the stack in a home
that the unprivileged account cannot reach, the folder is in `/var/lib/dicomsearch`, and the home has a link to it.
"""

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from indexer.settings import Settings
from indexer.setup.certificates import CertificateError
from indexer.setup.files import SetupFiles, make_files
from indexer.setup.secrets import SecretError, new_password, secrets_of
from local.accounts import Account, account_for_elasticsearch
from local.cache import installed_elasticsearch, installed_java
from local.errors import LocalError
from local.readiness import elasticsearch_answers
from local.service import ServiceSpec, last_words

NAME = "elasticsearch"
STATE_FOLDER = Path("/var/lib/dicomsearch")
# Elasticsearch makes indices read-only on a disk that is 95 % full, which on a large disk leaves tens of gigabytes
# unused and surprises a developer. Here it stops only before the disk is really full; other programs still need some.
WATERMARKS = {"low": "2gb", "high": "1gb", "flood_stage": "500mb"}
NEEDED_BYTES = 1_000_000_000
# Users are those of the files alone; a container with the official image has the same lines.
SECURED = {
    "xpack.security.http.ssl.enabled": True,
    "xpack.security.http.ssl.certificate": "tls.crt",
    "xpack.security.http.ssl.key": "tls.key",
    # Whoever speaks the protocol of nodes is believed to be one: here only who has a key of the same authority may.
    "xpack.security.transport.ssl.enabled": True,
    "xpack.security.transport.ssl.certificate": "tls.crt",
    "xpack.security.transport.ssl.key": "tls.key",
    "xpack.security.transport.ssl.certificate_authorities": ["ca.crt"],
    "xpack.security.transport.ssl.verification_mode": "certificate",
    "xpack.security.authc.realms.file.files.order": 0,
    "xpack.security.authc.realms.native.native.enabled": False,
    # Its users, of whom `elastic` may do everything, would need the index that native users need.
    "xpack.security.authc.reserved_realm.enabled": False,
    "xpack.security.enrollment.enabled": False,
}


def elasticsearch_service(home: Path, settings: Settings, *, port: int, transport_port: int) -> ServiceSpec:
    """Install Elasticsearch where needed, prepare the node of a home, and say how it is run.

    Parameters
    ----------
    home
        Folder of the stack, absolute.
    settings
        Where they say `secured`, with the passwords of its users (`with_passwords`).
    port, transport_port
        Free loopback ports for HTTP and for the node's own protocol.

    Raises
    ------
    LocalError
        It cannot be installed, or there is no disk space to run it.
    """
    account = account_for_elasticsearch(settings.service_user)
    program = installed_elasticsearch(settings, account)
    java = installed_java(settings, account)
    node = node_folder(home, account)
    _require_space(node)
    _configure(node, program, settings, port, transport_port)
    if settings.secured:
        _secure(home, node, settings)
    if settings.snapshots:
        _make_snapshots_folder(settings.snapshots, account)
    if account:
        account.own(node)
    return ServiceSpec(
        name=NAME,
        command=(str(program / "bin" / "elasticsearch"),),
        folder=node,
        # Nothing of the caller's environment: it may hold secrets, and the account is another one.
        environment={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "ES_JAVA_HOME": str(java),
            "ES_PATH_CONF": str(node / "config"),
            "ES_TMPDIR": str(node / "tmp"),
            # The launcher leaves folders in the temporary folder, where nobody would clear them away.
            "JDK_JAVA_OPTIONS": f'"-Djava.io.tmpdir={node / "tmp"}"',
        },
        ready=lambda _since: elasticsearch_answers(port, **_credentials(home, settings)),
        port=port,
        account=account,
        start_seconds=settings.start_seconds,
        stop_seconds=60.0,
        explain=explain,
    )


def with_passwords(settings: Settings) -> Settings:
    """Give the users of a secured node new passwords, where the settings give none."""
    names = ("elasticsearch_password", "elasticsearch_query_password") if settings.secured else ()
    made = {name: SecretStr(new_password()) for name in names if getattr(settings, name) is None}
    return settings.model_copy(update=made)


def addresses(home: Path, settings: Settings, port: int) -> dict[str, str | int]:
    """Say what other processes need to know to use the node, as values of settings."""
    if not settings.secured:
        return {"elasticsearch_url": f"http://127.0.0.1:{port}"}
    found = {
        "elasticsearch_username": settings.elasticsearch_username,
        "elasticsearch_password": _value(settings.elasticsearch_password),
        "elasticsearch_query_username": settings.elasticsearch_query_username,
        "elasticsearch_query_password": _value(settings.elasticsearch_query_password),
    }
    return {"elasticsearch_url": f"https://127.0.0.1:{port}", "elasticsearch_ca": str(setup_files(home).ca), **found}


def setup_files(home: Path) -> SetupFiles:
    """Say where the files of a secured node are made."""
    return SetupFiles(home / "data" / "secured")


def node_folder(home: Path, account: Account | None) -> Path:
    """Give the folder of a home's node, which the account that runs it can reach; make it where it is missing."""
    link = home / "data" / NAME
    link.parent.mkdir(parents=True, exist_ok=True)
    if account is None or account.can(("-x", link.parent)):
        folder = link.resolve()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    if link.is_dir() and not link.is_symlink():
        raise LocalError(
            f"the user {account.name!r}, who runs Elasticsearch, cannot reach its data in {link}: "
            f"make {home} reachable for this user, or choose another home with --home"
        )
    folder = STATE_FOLDER / f"{home.name}-{hashlib.sha256(bytes(home)).hexdigest()[:12]}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    STATE_FOLDER.chmod(0o755)
    if not link.is_symlink():
        link.symlink_to(folder)
    return folder


_REASONS = (
    (r"(?i)address already in use", "its port is taken by another program: run it again for another port"),
    (r"(?i)no space left on device", "no disk space is left"),
    (
        r"(?i)OutOfMemoryError|insufficient memory for the Java|Could not reserve enough space|Cannot allocate memory",
        "there is not enough memory: free some, or lower DICOMSEARCH_ELASTICSEARCH_HEAP_MB",
    ),
    (r"(?i)failed to obtain node lock", "another Elasticsearch is using the same data folder"),
    (r"(?i)AccessDeniedException: (\S+)", "it may not use a file: {0}"),
    (r"(?m)^.*(?:Exception|Error): (.+)$", "{0}"),
)


def explain(log: str) -> str:
    """Find the reason of a failed start in the log of the node; the first pattern that occurs is the cause."""
    for pattern, reason in _REASONS:
        if match := re.search(pattern, log):
            return reason.format(*match.groups())
    return last_words(log)


def _credentials(home: Path, settings: Settings) -> dict[str, Any]:
    if not settings.secured:
        return {}
    return {
        "ca": setup_files(home).ca,
        "user": settings.elasticsearch_username,
        "password": _value(settings.elasticsearch_password),
    }


def _value(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _secure(home: Path, node: Path, settings: Settings) -> None:
    """Give the node its users, roles and certificate.

    They are made in a folder that the account of the node does not reach: the authority's key is there.
    """
    files = setup_files(home)
    files.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        make_files(files, settings, secrets_of(settings))
    except (SecretError, CertificateError) as error:
        raise LocalError(str(error)) from error
    for file in files.of(NAME).iterdir():
        shutil.copy(file, node / "config" / file.name)


def _make_snapshots_folder(folder: Path, account: Account | None) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True)
        if account:
            account.own(folder)
    if account and not account.can(("-w", folder), ("-x", folder)):
        raise LocalError(
            f"the user {account.name!r}, who runs Elasticsearch, cannot write to {folder}: make it this user's own, or "
            "choose another folder with DICOMSEARCH_SNAPSHOTS"
        )


def _require_space(node: Path) -> None:
    free = shutil.disk_usage(node).free
    if free < NEEDED_BYTES:
        raise LocalError(
            f"no disk space for Elasticsearch: {free / 1e6:,.0f} MB are free in {node}, "
            f"{NEEDED_BYTES / 1e6:,.0f} MB are needed; free some, or choose another home with --home"
        )


def _configure(node: Path, program: Path, settings: Settings, port: int, transport_port: int) -> None:
    """Write the configuration anew at each start: program, ports and settings may have changed.

    The old one is removed first: root must not write through links that the unprivileged account could have put there.
    """
    config = node / "config"
    for folder in (config, node / "tmp"):
        if folder.is_dir():
            shutil.rmtree(folder)
    for folder in (config / "jvm.options.d", node / "data", node / "logs", node / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    for file in (program / "config").iterdir():
        if file.is_file() and file.name != "elasticsearch.yml":
            shutil.copyfile(file, config / file.name)
    values = {
        "cluster.name": "dicomsearch",
        "node.name": "embedded",
        "discovery.type": "single-node",
        "xpack.security.enabled": settings.secured,
        "network.host": "127.0.0.1",
        "http.port": port,
        "transport.port": transport_port,
        "path.data": str(node / "data"),
        "path.logs": str(node / "logs"),
        "action.auto_create_index": False,
    } | {f"cluster.routing.allocation.disk.watermark.{name}": value for name, value in WATERMARKS.items()}
    if settings.secured:
        values |= SECURED
    if settings.snapshots:
        values["path.repo"] = [str(settings.snapshots.absolute())]
    # JSON values are YAML values, whatever a path holds.
    (config / "elasticsearch.yml").write_text(
        "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())
    )
    heap = settings.elasticsearch_heap_mb
    (config / "jvm.options.d" / "dicomsearch.options").write_text(
        # A dump of the heap would be a copy of patient data, as large as the heap.
        f"-Xms{heap}m\n-Xmx{heap}m\n-XX:-HeapDumpOnOutOfMemoryError\n"
        # It would try again and again to list its own roles in an index that this distribution cannot make.
        "-Des.queryable_built_in_roles_enabled=false\n"
    )
