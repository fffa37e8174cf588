"""A secured Elasticsearch for the tests: real users, roles and certificates, made as `dicomsearch setup files` does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from pydantic import SecretStr

from indexer.settings import Settings
from indexer.setup.files import SetupFiles
from indexer.setup.hashes import hashed
from indexer.setup.secrets import new_password, new_token
from local.elasticsearch import addresses, elasticsearch_service, setup_files, with_passwords
from local.ports import free_port
from local.service import Service

ROOT = "tests"  # may do everything; not one of the files that are shipped
ANALYST = "dicomsearch_analyst"
QUERY = "dicomsearch_query"
OURS = "dicomsearch"


@dataclass(frozen=True)
class Secured:
    """A running secured node.

    Attributes
    ----------
    url, ca
        Its address (https), and the certificate that it is checked by.
    passwords
        User → password: `dicomsearch`, `dicomsearch_query`, `dicomsearch_analyst`; and `tests`, who may do everything.
    kibana_token
        With which Kibana signs in (`Authorization: Bearer …`).
    known
        Settings with all of it.
    files
        What `dicomsearch setup files` has made.
    """

    url: str
    ca: Path
    passwords: dict[str, str] = field(repr=False)
    kibana_token: str = field(repr=False)
    known: Settings = field(repr=False)
    files: SetupFiles

    def client(self, user: str = OURS, **options: Any) -> Elasticsearch:
        """Open a client as one of its users; close it."""
        options = {"basic_auth": (user, self.passwords[user]), "request_timeout": 30, "max_retries": 0} | options
        return Elasticsearch(self.url, ca_certs=str(self.ca), **options)

    def settings(self, **changes: Any) -> Settings:
        """Settings of web and workers for this node, with changes."""
        return self.known.model_copy(update=changes)

    def environment(self) -> dict[str, str]:
        """The same as variables, for processes."""
        return {
            "DICOMSEARCH_ELASTICSEARCH_URL": self.url,
            "DICOMSEARCH_ELASTICSEARCH_CA": str(self.ca),
            "DICOMSEARCH_ELASTICSEARCH_PASSWORD": self.passwords[OURS],
            "DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD": self.passwords[QUERY],
        }


@contextmanager
def secured_node(home: Path, **settings: Any) -> Iterator[Secured]:
    """Run a secured node of one's own in a folder that the account which runs Elasticsearch can reach."""
    analyst, token = new_password(), new_token()
    wanted = {
        "home": home,
        "secured": True,
        "elasticsearch_heap_mb": 512,
        "analyst_password": SecretStr(analyst),
        "kibana_token": SecretStr(token),
        "snapshots": home / "snapshots",
    }
    known = with_passwords(Settings(**wanted | settings))
    port = free_port()
    transport = free_port(taken=frozenset({port}))
    service = Service(
        elasticsearch_service(home, known, port=port, transport_port=transport), home / "logs" / "elasticsearch.log"
    )
    found = addresses(home, known, port)
    known = known.model_copy(
        update={
            "elasticsearch_url": found["elasticsearch_url"],
            "elasticsearch_ca": Path(str(found["elasticsearch_ca"])),
        }
    )
    passwords = {
        OURS: str(found["elasticsearch_password"]),
        QUERY: str(found["elasticsearch_query_password"]),
        ANALYST: analyst,
    }
    _add_root(home, passwords)
    service.start()
    try:
        service.wait_ready()
        yield Secured(str(found["elasticsearch_url"]), setup_files(home).ca, passwords, token, known, setup_files(home))
    finally:
        service.stop()


def _add_root(home: Path, passwords: dict[str, str]) -> None:
    config = home / "data" / "elasticsearch" / "config"
    passwords[ROOT] = new_password()
    with (config / "users").open("a") as users, (config / "users_roles").open("a") as roles:
        users.write(f"{ROOT}:{hashed(passwords[ROOT])}\n")
        roles.write(f"superuser:{ROOT}\n")


@pytest.fixture
def secured_settings(secured_elasticsearch: Secured, redis_url: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings of web and workers for the secured node and a real Redis; all indices are deleted afterwards."""
    yield secured_elasticsearch.settings(redis_url=redis_url, home=tmp_path)
    with secured_elasticsearch.client(ROOT) as client:
        for name in client.indices.get(index="dicom-*", expand_wildcards="all"):
            client.indices.delete(index=name)


@pytest.fixture(scope="session")
def secured_elasticsearch(services_home: Path) -> Iterator[Secured]:
    """A secured Elasticsearch, shared by the session: whoever makes `dicom-images…` or `dicom-audit…` deletes it.

    Its users may use nothing else.
    """
    with secured_node(services_home / "secured") as node:
        yield node
