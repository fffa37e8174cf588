"""A wrong password, a missing right, a certificate that is refused: everywhere a line that says what to put right."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from elasticsearch import ApiError, TransportError
from pydantic import SecretStr
from redis import Redis

from app import create_app
from indexer.batches import delivery_of, offer
from indexer.connecting import connect_elasticsearch, connect_query_user, explain, refusal
from indexer.registering import register_batch
from indexer.services import build_services
from indexer.settings import Settings, SettingsError
from indexer.setup.certificates import Pair, new_authority, new_certificate
from tests.integration.setup.conftest import Run
from tests.operating import Operating
from tests.secured import QUERY, Secured

WRONG = SecretStr("certainly not the password")
NOT_OURS = "DICOMSEARCH_ELASTICSEARCH_PASSWORD is not the password of the user 'dicomsearch' of Elasticsearch"


def index_once(operating: Operating, folder: Path) -> str:
    """Try to index a folder once, where a worker tries for as long as it takes; tell what the status says."""
    operating.services.sink.patience = 0.0
    offered = offer(operating.services.ledger, folder, "watcher", delivery_of(folder))
    register_batch(operating.services, offered.id)
    operating.queued.pop(0)[1]()
    waiting = operating.services.status.waiting()
    assert waiting is not None
    return waiting.reason


def why(settings: Settings) -> str:
    """Ask Elasticsearch, and tell why it does not answer."""
    with connect_elasticsearch(settings, max_retries=0) as client, pytest.raises((ApiError, TransportError)) as failed:
        client.search(index=settings.index)
    assert refusal(failed.value) == explain(failed.value)
    return explain(failed.value)


def test_a_wrong_password_names_its_variable(secured_elasticsearch: Secured) -> None:
    settings = secured_elasticsearch.settings
    assert why(settings(elasticsearch_password=WRONG)) == NOT_OURS
    assert why(settings(elasticsearch_username="somebody")) == NOT_OURS.replace("dicomsearch'", "somebody'")
    assert why(settings(elasticsearch_password=None)) == (
        "Elasticsearch asks for a password: set DICOMSEARCH_ELASTICSEARCH_PASSWORD"
    )


def test_the_password_of_the_query_interface_has_a_variable_of_its_own(secured_elasticsearch: Secured) -> None:
    settings = secured_elasticsearch.settings(elasticsearch_query_password=WRONG)
    with connect_query_user(settings, max_retries=0) as client, pytest.raises(ApiError) as failed:
        client.search(index=settings.index)
    assert explain(failed.value, "DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD") == (
        "DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD is not the password of the user 'dicomsearch_query' of Elasticsearch"
    )


def test_where_elasticsearch_gives_no_reason_the_variables_are_named(secured_elasticsearch: Secured) -> None:
    with (
        connect_elasticsearch(secured_elasticsearch.settings(elasticsearch_password=WRONG), max_retries=0) as client,
        pytest.raises(ApiError) as failed,
    ):
        client.indices.exists_alias(name="dicom-images")
    assert explain(failed.value) == (
        "Elasticsearch refuses us: DICOMSEARCH_ELASTICSEARCH_PASSWORD is not the password of "
        "DICOMSEARCH_ELASTICSEARCH_USERNAME, or is not set"
    )


def test_a_missing_right_names_user_and_action(secured_elasticsearch: Secured) -> None:
    with secured_elasticsearch.client() as client, pytest.raises(ApiError) as failed:
        client.indices.create(index="something-else")
    assert explain(failed.value) == (
        "the user 'dicomsearch' of Elasticsearch may not do 'indices:admin/create': "
        "`dicomsearch setup files` makes its roles"
    )


def test_an_image_is_not_in_error_because_of_a_wrong_password(operating: Operating, redis_client: Redis) -> None:
    batch = operating.imported("BEFORE", "1.2.3")
    assert (batch.status, batch.counts.done) == ("DONE", 1)
    settings = operating.services.settings.model_copy(update={"elasticsearch_password": WRONG})
    refused = Operating(build_services(settings), operating.folder)
    with refused.services.elasticsearch:
        reason = index_once(refused, refused.make("CASE", "1.2.4"))
    assert "DICOMSEARCH_ELASTICSEARCH_PASSWORD is not the password of" in reason
    assert (operating.batch("CASE").counts.error, operating.batch("CASE").counts.open) == (0, 1)


def test_an_image_is_not_in_error_because_of_a_missing_right(
    operating: Operating, secured_elasticsearch: Secured, redis_client: Redis
) -> None:
    """Of documents that a user may not write, Elasticsearch tells one by one, in an answer that is no error."""
    operating.imported("BEFORE", "1.2.3")
    with secured_elasticsearch.client(QUERY) as client:
        operating.services.sink.client = client
        operating.services.sink.migrating_alias = "dicom-images-000009"  # a name that it may ask for
        reason = index_once(operating, operating.make("CASE", "1.2.4"))
    assert "indices:data/write/bulk" in reason
    assert (operating.batch("CASE").counts.error, operating.batch("CASE").counts.open) == (0, 1)


def test_pages_and_health_say_it(secured_settings: Settings, redis_client: Redis) -> None:
    web = create_app(secured_settings.model_copy(update={"elasticsearch_password": WRONG})).test_client()
    said = NOT_OURS.replace("'", "&#39;")
    assert said in web.get("/").text
    assert said in web.get("/search?q=CT").text
    ready = web.get("/readyz")
    assert (ready.status_code, ready.json["checks"]["elasticsearch"]) == (503, NOT_OURS)
    answer = web.get("/api/search?q=CT")
    assert (answer.status_code, answer.json["detail"]) == (503, NOT_OURS)
    assert WRONG.get_secret_value() not in web.get("/").text + ready.text + answer.text


@pytest.mark.parametrize(
    "command", [("search", "CT"), ("setup", "index"), ("migrate",), ("backup",), ("restore",)], ids=" ".join
)
def test_commands_say_it(run: Run, redis_client: Redis, command: tuple[str, ...]) -> None:
    result = run(*command, elasticsearch_password=WRONG)
    assert result.exit_code == 2
    assert "DICOMSEARCH_ELASTICSEARCH_PASSWORD is not the password of" in result.output
    assert WRONG.get_secret_value() not in result.output


Serve = Callable[[Pair | None], str]


class _Empty(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def serving(pair: Pair | None, folder: Path) -> Iterator[str]:
    """Serve https with a certificate (http without one); the address has no slash at its end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
    server.handle_error = lambda *_: None  # what clients refuse
    if pair:
        (folder / "tls.crt").write_bytes(pair.certificate)
        (folder / "tls.key").write_bytes(pair.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


NOW = datetime.now(UTC)
AUTHORITY = new_authority(NOW - timedelta(days=500))
HERE = ("localhost", "127.0.0.1")


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        pytest.param(
            new_certificate(AUTHORITY, HERE, NOW - timedelta(days=400)),
            "the certificate of Elasticsearch has expired: `dicomsearch setup files` renews those that it has made",
            id="expired",
        ),
        pytest.param(
            new_certificate(AUTHORITY, HERE, NOW + timedelta(days=2)),
            "the certificate of Elasticsearch is not valid yet: is the clock of this machine right?",
            id="not yet valid",
        ),
        pytest.param(
            new_certificate(AUTHORITY, ("elsewhere", "10.0.0.1"), NOW),
            "the certificate of Elasticsearch is for other names than that of DICOMSEARCH_ELASTICSEARCH_URL",
            id="another host",
        ),
        pytest.param(
            new_certificate(new_authority(NOW), HERE, NOW),
            "the certificate of Elasticsearch is not signed by the authority of DICOMSEARCH_ELASTICSEARCH_CA",
            id="another authority",
        ),
        pytest.param(
            None,
            "Elasticsearch does not speak https: DICOMSEARCH_ELASTICSEARCH_URL has to begin with http://",
            id="no https",
        ),
    ],
)
def test_a_certificate_that_is_refused_is_told_with_its_reason(pair: Pair | None, said: str, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(AUTHORITY.certificate)
    with serving(pair, tmp_path) as url:
        assert why(Settings(elasticsearch_url=url, elasticsearch_ca=tmp_path / "ca.crt")) == said


def test_without_the_authority_the_certificate_of_the_real_node_is_refused(secured_elasticsearch: Secured) -> None:
    assert why(secured_elasticsearch.settings(elasticsearch_ca=None)) == (
        "the certificate of Elasticsearch is not signed by the authority of DICOMSEARCH_ELASTICSEARCH_CA"
    )


@pytest.mark.parametrize(("content", "said"), [(None, "No such file"), ("no certificate", "is no certificate")])
def test_a_file_that_is_no_certificate_is_named(run: Run, tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "wrong.crt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match=f"^DICOMSEARCH_ELASTICSEARCH_CA: {file}: {said}"):
        connect_elasticsearch(Settings(elasticsearch_url="https://127.0.0.1:1", elasticsearch_ca=file))
