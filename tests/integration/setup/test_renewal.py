"""What `setup files` changes while Elasticsearch runs: it takes new certificates and passwords without a restart."""

import shutil
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from elasticsearch import AuthenticationException
from pydantic import SecretStr

from indexer.setup.files import SetupFiles, make_files
from indexer.setup.secrets import new_password, secrets_of
from tests.processes import wait_for
from tests.secured import QUERY, Secured


def _certificate(url: str) -> str:
    parts = urlsplit(url)
    return ssl.get_server_certificate((str(parts.hostname), int(parts.port or 0)))


def _signs_in(node: Secured, password: str) -> bool:
    with node.client(basic_auth=(QUERY, password)) as client:
        try:
            client.security.authenticate()
        except AuthenticationException:
            return False
    return True


def test_renewed_certificates_and_changed_passwords_are_taken_while_it_runs(
    secured_elasticsearch: Secured, tmp_path: Path
) -> None:
    node = secured_elasticsearch
    config = node.files.folder.parent / "elasticsearch" / "config"
    files = SetupFiles(tmp_path / "made")
    shutil.copytree(node.files.folder, files.folder)
    before, old = _certificate(node.url), node.passwords[QUERY]
    changed = node.settings(elasticsearch_query_password=SecretStr(new_password()))
    assert changed.elasticsearch_query_password is not None
    new = changed.elasticsearch_query_password.get_secret_value()
    assert (_signs_in(node, old), _signs_in(node, new)) == (True, False)

    make_files(files, changed, secrets_of(changed), hosts=("archive.example.org",))
    kept = {name: (config / name).read_bytes() for name in ("tls.key", "tls.crt", "users")}
    for name in kept:
        (config / name).write_bytes((files.of("elasticsearch") / name).read_bytes())
    try:
        wait_for(lambda: _certificate(node.url) != before and _signs_in(node, new))
        assert not _signs_in(node, old)
        # The authority is the same: clients that trust it need to know nothing.
        with node.client(QUERY, basic_auth=(QUERY, new)) as client:
            assert client.security.authenticate()["username"] == QUERY
    finally:
        for name, content in kept.items():
            (config / name).write_bytes(content)
        wait_for(lambda: _certificate(node.url) == before and _signs_in(node, old))
