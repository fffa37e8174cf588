"""The files that have to be there before Elasticsearch, Kibana and nginx start.

    DIR/authority/{ca.crt,ca.key}                          signs the certificates; nobody else needs it
    DIR/trust/ca.crt                                       what clients check servers by (DICOMSEARCH_ELASTICSEARCH_CA)
    DIR/elasticsearch/{users,users_roles,roles.yml,service_tokens}     belong into Elasticsearch's folder `config`
    DIR/{elasticsearch,kibana,nginx}/{tls.crt,tls.key,ca.crt}

Made again they stay as they are, but for what has changed. Each file is replaced at once, so that a service that reads
them meanwhile never sees half of one.
"""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from indexer.settings import Settings
from indexer.setup.certificates import (
    Pair,
    authority_trouble,
    certificate_trouble,
    new_authority,
    new_certificate,
    valid_until,
)
from indexer.setup.hashes import fits, hashed
from indexer.setup.roles import roles_file
from indexer.setup.secrets import Secrets

SERVICES = ("elasticsearch", "kibana", "nginx")
_HERE = ("localhost", "127.0.0.1", "::1")
_CERTIFICATE, _KEY, _AUTHORITY = "tls.crt", "tls.key", "ca.crt"


@dataclass(frozen=True, slots=True)
class SetupFiles:
    """Where the files are.

    Attributes
    ----------
    folder
        Of all of them.
    shared
        Whether the group of the files may read private keys and hashes, too: services that run as other users of it.
    """

    folder: Path
    shared: bool = False

    @property
    def ca(self) -> Path:
        """The certificate that clients check servers by."""
        return self.folder / "trust" / _AUTHORITY

    def of(self, service: str) -> Path:
        """The folder of one service."""
        return self.folder / service

    def write(self, path: Path, content: bytes, *, private: bool) -> bool:
        """Give a file its content and its rights; tell whether the content is new."""
        mode = (0o640 if self.shared else 0o600) if private else 0o644
        if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
            path.chmod(mode)
            return False
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), mode)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return True

    def make_folder(self, name: str, *, private: bool = True) -> Path:
        """Make the folder of a service, which only its group reads where it is shared."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod((0o750 if self.shared else 0o700) if private else 0o755)
        return folder


def make_files(
    files: SetupFiles,
    settings: Settings,
    secrets: Secrets,
    *,
    hosts: Sequence[str] = (),
    now: datetime | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Make all files, or bring them up to date.

    Parameters
    ----------
    hosts
        Further names and addresses under which all services are reached.
    now
        For tests: the time to make certificates for.
    say
        Told a line for each step.

    Raises
    ------
    CertificateError
        A host name cannot stand in a certificate.
    OSError
        A file cannot be written.
    """
    files.folder.mkdir(parents=True, exist_ok=True)
    _make_certificates(files, settings, hosts, now or datetime.now(UTC), say)
    _make_users(files, settings, secrets, say)


def _make_certificates(
    files: SetupFiles, settings: Settings, hosts: Sequence[str], now: datetime, say: Callable[[str], None]
) -> None:
    # Whoever may read the folders of the services may not read this one.
    own = SetupFiles(files.folder)
    folder = own.make_folder("authority")
    authority = _read(folder, _AUTHORITY, "ca.key")
    trouble = authority_trouble(authority, now) if authority else "there is none"
    if authority is None or trouble:
        authority = new_authority(now)
        own.write(folder / "ca.key", authority.key, private=True)
        own.write(folder / _AUTHORITY, authority.certificate, private=False)
        say(f"authority: made ({trouble}), valid until {valid_until(authority):%Y-%m-%d}")
    else:
        say(f"authority: kept, valid until {valid_until(authority):%Y-%m-%d}")
    files.write(files.make_folder("trust", private=False) / _AUTHORITY, authority.certificate, private=False)
    for service in SERVICES:
        folder = files.make_folder(service)
        public = settings.hosts.split() if service == "nginx" else ()
        names = tuple(dict.fromkeys((service, *_HERE, *hosts, *public)))
        pair = _read(folder, _CERTIFICATE, _KEY)
        trouble = certificate_trouble(pair, authority, names, now) if pair else "there is none"
        if pair is None or trouble:
            # Nodes of a cluster show it to one another; whoever has another's does not get in among them.
            pair = new_certificate(authority, names, now, also_client=service == "elasticsearch")
            what = f"made ({trouble})"
        else:
            what = "kept"
        # The key first: a service that meets a new key beside an old certificate tries again.
        files.write(folder / _KEY, pair.key, private=True)
        files.write(folder / _CERTIFICATE, pair.certificate, private=False)
        files.write(folder / _AUTHORITY, authority.certificate, private=False)
        say(f"certificate of {service}: {what}, valid until {valid_until(pair):%Y-%m-%d}, for {', '.join(names)}")


def _read(folder: Path, certificate: str, key: str) -> Pair | None:
    try:
        return Pair((folder / certificate).read_bytes(), (folder / key).read_bytes())
    except FileNotFoundError:
        return None


def _make_users(files: SetupFiles, settings: Settings, secrets: Secrets, say: Callable[[str], None]) -> None:
    folder = files.make_folder("elasticsearch")
    members: dict[str, list[str]] = {}
    for user in secrets.users:
        members.setdefault(user.role, []).append(user.name)
    passwords = {user.name: user.password for user in secrets.users}
    tokens = {token.name: token.secret for token in secrets.tokens}
    contents = {
        "users": (_hashes_file(folder / "users", passwords), ", ".join(passwords)),
        "users_roles": ("".join(f"{role}:{','.join(names)}\n" for role, names in members.items()), ""),
        "roles.yml": (roles_file(settings), ", ".join(members)),
        "service_tokens": (_hashes_file(folder / "service_tokens", tokens), ", ".join(tokens) or "none"),
    }
    for name, (content, what) in contents.items():
        changed = files.write(folder / name, content.encode(), private=True)
        say(f"elasticsearch/{name}: {'written' if changed else 'kept'}{f' ({what})' if what else ''}")


def _hashes_file(path: Path, passwords: Mapping[str, str]) -> str:
    """Write names and hashes; one that fits already stays, so that the file changes only when a password does."""
    found: dict[str, str] = {}
    if path.is_file():
        found = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
    lines = []
    for name, password in passwords.items():
        kept = found.get(name, "")
        lines.append(f"{name}:{kept if fits(password, kept) else hashed(password)}\n")
    return "".join(lines)
