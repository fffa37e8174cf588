"""What each user of Elasticsearch may do and may not, on a real secured node with the files that are shipped."""

import re
import socket
import ssl
from collections.abc import Callable, Iterator

import pytest
from elasticsearch import ApiError, AuthenticationException, AuthorizationException, Elasticsearch

from indexer.settings import Settings
from mappings.audit import ensure_month
from mappings.index import create_next, ensure_index, put_template, write_alias
from tests.secured import ANALYST, OURS, QUERY, ROOT, Secured

IMAGES, AUDIT = "dicom-images", "dicom-audit"
FIRST, NEXT, MONTH = "dicom-images-000001", "dicom-images-000002", "dicom-audit-2026-11"

Deed = Callable[[Elasticsearch], object]

READS: dict[str, Deed] = {
    "search": lambda c: c.search(index=IMAGES),
    "count": lambda c: c.count(index=IMAGES),
    "fields": lambda c: c.field_caps(index=IMAGES, fields="*", include_empty_fields=False),
    "terms": lambda c: c.terms_enum(index=IMAGES, field="Modality"),
    "document": lambda c: c.get(index=IMAGES, id="1"),
    "mapping": lambda c: c.indices.get_mapping(index=IMAGES, filter_path="*.mappings._meta"),
    "point in time": lambda c: _read_point_in_time(c),
}
WRITES: dict[str, Deed] = {
    "write": lambda c: c.index(index=write_alias(IMAGES), id="2", document={}, require_alias=True),
    "bulk": lambda c: _bulk(c, write_alias(IMAGES), "index"),
    "delete": lambda c: c.delete(index=FIRST, id="2"),
    "refresh": lambda c: c.indices.refresh(index=FIRST),
    "next index": lambda c: create_next(c, IMAGES),
    "drop index": lambda c: c.indices.delete(index=NEXT),
    "settings of the index": lambda c: c.indices.put_settings(index=FIRST, settings={"refresh_interval": "1s"}),
    "template": lambda c: put_template(c, IMAGES, shards=1, replicas=0),
}
MONITORS: dict[str, Deed] = {
    "health": lambda c: c.cluster.health(),
    "statistics": lambda c: c.nodes.stats(metric="fs"),
}
AUDITS: dict[str, Deed] = {
    "audit: month": lambda c: ensure_month(c, AUDIT, "2026-12"),
    "audit: event": lambda c: _bulk(c, MONTH, "create"),
    "audit: search": lambda c: c.search(index=AUDIT),
}
SNAPSHOTS: dict[str, Deed] = {
    "backup: list": lambda c: c.snapshot.get(repository="dicomsearch", snapshot="_all"),
    "backup: make": lambda c: c.snapshot.create(
        repository="dicomsearch", snapshot="one", indices=FIRST, wait_for_completion=True
    ),
    "backup: delete": lambda c: c.snapshot.delete(repository="dicomsearch", snapshot="one"),
}
# What web and workers have no need for: nobody may.
FORBIDDEN: dict[str, Deed] = {
    "audit: overwrite": lambda c: c.index(index=MONTH, id="1", document={}),
    "audit: change": lambda c: c.update(index=MONTH, id="1", doc={}),
    "audit: delete": lambda c: c.delete(index=MONTH, id="1"),
    "audit: drop": lambda c: c.indices.delete(index=MONTH),
    "another index": lambda c: c.indices.create(index="something-else"),
    "an index that begins alike": lambda c: c.indices.create(index="dicom-images-of-others"),
    "settings of the cluster": lambda c: c.cluster.put_settings(persistent={"action.auto_create_index": "true"}),
    "rerouting": lambda c: c.cluster.reroute(),
    "users": lambda c: c.security.get_user(),
    "roles": lambda c: c.security.get_role(),
    "API keys": lambda c: c.security.create_api_key(name="mine"),
    "another repository": lambda c: c.snapshot.delete_repository(name="dicomsearch"),
}
ALL = READS | WRITES | MONITORS | AUDITS | SNAPSHOTS | FORBIDDEN
ALLOWED = {
    OURS: {**READS, **WRITES, **MONITORS, **AUDITS, **SNAPSHOTS},
    QUERY: READS,
    ANALYST: READS,
}


def _read_point_in_time(client: Elasticsearch) -> None:
    point = client.open_point_in_time(index=IMAGES, keep_alive="1m")["id"]
    client.search(pit={"id": point})
    client.close_point_in_time(id=point)


def _bulk(client: Elasticsearch, index: str, action: str) -> None:
    """Write by bulk, whose answer is no error where a document is refused."""
    answer = client.bulk(operations=[{action: {"_index": index, "_id": "3"}}, {}])
    item = answer["items"][0][action]
    if item["status"] == 403:
        raise AuthorizationException(item["error"]["reason"], answer.meta, item)


@pytest.fixture
def archive(secured_settings: Settings, secured_elasticsearch: Secured) -> Iterator[None]:
    """An index with an image, a month of the audit log with an event, and a place for backups."""
    with secured_elasticsearch.client(ROOT) as client:
        ensure_index(client, IMAGES)
        client.index(index=write_alias(IMAGES), id="1", document={"Modality": "CT"}, refresh=True)
        client.index(index=write_alias(IMAGES), id="2", document={"Modality": "CT"}, refresh=True)
        ensure_month(client, AUDIT, "2026-11")
        client.create(index=MONTH, id="1", document={})
        client.snapshot.create_repository(
            name="dicomsearch",
            repository={"type": "fs", "settings": {"location": str(secured_settings.snapshots)}},
        )
        yield


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("user", [OURS, QUERY, ANALYST])
def test_each_user_may_do_what_it_is_there_for_and_nothing_else(secured_elasticsearch: Secured, user: str) -> None:
    outcomes = {}
    with secured_elasticsearch.client(user) as client:
        for name, deed in ALL.items():
            try:
                deed(client)
            except AuthorizationException:
                outcomes[name] = "refused"
            except ApiError as error:
                outcomes[name] = f"failed with {error.status_code}"
            else:
                outcomes[name] = "done"
    assert outcomes == {name: "done" if name in ALLOWED[user] else "refused" for name in ALL}


@pytest.mark.usefixtures("archive")
def test_who_searches_images_cannot_search_anything_else(secured_elasticsearch: Secured) -> None:
    for user in (QUERY, ANALYST):
        with secured_elasticsearch.client(user) as client:
            for index in (AUDIT, MONTH, write_alias(IMAGES), ".security", "dicom-images-of-others"):
                with pytest.raises(AuthorizationException):
                    client.search(index=index)
            for index in ("*", "_all", "dicom-*", f"{IMAGES},dicom-a*"):
                assert {hit["_index"] for hit in client.search(index=index)["hits"]["hits"]} == {FIRST}


@pytest.mark.parametrize("user", [OURS, QUERY, ANALYST])
def test_each_user_signs_in_and_has_its_one_role(secured_elasticsearch: Secured, user: str) -> None:
    with secured_elasticsearch.client(user) as client:
        found = client.security.authenticate()
    assert (found["username"], found["roles"]) == (user, [user])


def test_people_have_all_of_kibana_and_the_others_nothing_of_it(secured_elasticsearch: Secured) -> None:
    asked = {"application": [{"application": "kibana-.kibana", "privileges": ["all"], "resources": ["*"]}]}
    for user, allowed in ((ANALYST, True), (QUERY, False), (OURS, False)):
        with secured_elasticsearch.client(user) as client:
            answer = client.security.has_privileges(**asked)
        assert answer["application"]["kibana-.kibana"]["*"] == {"all": allowed}


def test_kibana_signs_in_by_its_token(secured_elasticsearch: Secured) -> None:
    with secured_elasticsearch.client(basic_auth=None, bearer_auth=secured_elasticsearch.kibana_token) as client:
        found = client.security.authenticate()
    assert (found["username"], found["token"]["type"]) == ("elastic/kibana", "_service_account_file")


@pytest.mark.parametrize("user", ["elastic", "kibana_system", "somebody"])
def test_there_is_nobody_else(secured_elasticsearch: Secured, user: str) -> None:
    for password in ("changeme", secured_elasticsearch.passwords[OURS]):
        with (
            secured_elasticsearch.client(basic_auth=(user, password)) as client,
            pytest.raises(AuthenticationException),
        ):
            client.security.authenticate()


def test_without_a_password_nothing_is_answered(secured_elasticsearch: Secured) -> None:
    with secured_elasticsearch.client(basic_auth=None) as client:
        for deed in (client.cluster.health, client.search, client.indices.get_alias):
            with pytest.raises(AuthenticationException):
                deed()


def test_nobody_passes_for_a_node(secured_elasticsearch: Secured) -> None:
    """Who speaks the protocol of nodes needs a certificate of the authority, and clients have none."""
    with secured_elasticsearch.client(ROOT) as client:
        [node] = client.nodes.info(metric="transport")["nodes"].values()
    host, port = re.fullmatch(r"(.+):(\d+)", node["transport"]["bound_address"][0]).groups()

    def greet(service: str | None) -> bytes:
        context = ssl.create_default_context(cafile=secured_elasticsearch.ca)
        if service is not None:
            folder = secured_elasticsearch.files.of(service)
            context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        with (
            socket.create_connection((host, int(port)), timeout=10) as raw,
            context.wrap_socket(raw, server_hostname=host) as connection,
        ):
            connection.sendall(b"no words of a node")
            return connection.recv(1)  # in TLS 1.3 a client learns only here that its certificate is refused

    for service in (None, "nginx", "kibana"):
        with pytest.raises(ssl.SSLError, match=r"CERTIFICATE"):
            greet(service)
    assert greet("elasticsearch") == b""  # it was let in, and understood nothing
    with socket.create_connection((host, int(port)), timeout=10) as plain:
        plain.sendall(b"ES\x00\x00\x00\x06")
        assert plain.recv(1) == b""
