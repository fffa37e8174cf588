"""The embedded Elasticsearch where something is in its way, and as another user."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.settings import Settings
from local import elasticsearch as node
from local.accounts import account_for_elasticsearch
from local.elasticsearch import elasticsearch_service, node_folder
from local.errors import LocalError, StartError
from local.ports import free_port
from local.service import Service

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts services as another user")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_the_reason_of_a_failed_start(services_home: Path, taken: int) -> None:
    home = services_home / "taken"
    settings = Settings(elasticsearch_heap_mb=256)
    service = Service(
        elasticsearch_service(home, settings, port=taken, transport_port=free_port()),
        home / "logs" / "elasticsearch.log",
    )
    service.start()
    with pytest.raises(StartError, match=r"elasticsearch did not start: .*its port is taken by another program"):
        service.wait_ready()
    assert service.identity is not None
    assert not service.identity.alive


def test_its_settings_keep_it_on_this_machine_and_away_from_its_neighbours(services_home: Path) -> None:
    home = services_home / "configured ☃"
    spec = elasticsearch_service(home, Settings(elasticsearch_heap_mb=256), port=20001, transport_port=20002)
    config = (home / "data" / "elasticsearch" / "config" / "elasticsearch.yml").read_text()
    for line in (
        'network.host: "127.0.0.1"',
        "http.port: 20001",
        "transport.port: 20002",
        'discovery.type: "single-node"',
        "xpack.security.enabled: false",
        f'path.data: "{home}/data/elasticsearch/data"',
        'cluster.routing.allocation.disk.watermark.flood_stage: "500mb"',
    ):
        assert line in config.splitlines()
    assert not any(name.startswith("DICOMSEARCH_") for name in spec.environment)
    assert stat.S_IMODE((home / "data" / "elasticsearch").stat().st_mode) == 0o700


def test_too_little_disk_space_is_reported_before_anything_starts(
    services_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "NEEDED_BYTES", 10**18)
    with pytest.raises(LocalError, match=r"no disk space for Elasticsearch: .* MB are free in .*--home"):
        elasticsearch_service(services_home / "full", Settings(), port=20001, transport_port=20002)


@as_root
def test_a_home_that_the_account_cannot_reach_gets_a_link_to_its_data(
    services_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "STATE_FOLDER", services_home / "state")
    account = account_for_elasticsearch("nobody")
    assert account is not None
    tmp_path.chmod(0o700)
    homes = [tmp_path / "one" / "var", tmp_path / "two" / "var"]
    folders = [node_folder(home, account) for home in homes]
    assert folders[0] != folders[1]
    for home, folder in zip(homes, folders, strict=True):
        link = home / "data" / "elasticsearch"
        assert link.is_symlink()
        assert link.resolve() == folder
        assert folder.parent == services_home / "state"
        assert node_folder(home, account) == folder
        account.own(folder)
        assert account.can(("-w", folder))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@as_root
def test_data_that_the_account_can_no_longer_reach_are_not_left_behind_silently(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "data" / "elasticsearch").mkdir(parents=True)
    with pytest.raises(LocalError, match=r"'nobody'.* cannot reach its data in"):
        node_folder(tmp_path, account_for_elasticsearch("nobody"))


@as_root
def test_a_file_that_is_linked_from_elsewhere_is_not_given_away(services_home: Path) -> None:
    folder = services_home / "owned"
    folder.mkdir()
    outside = services_home / "outside"
    outside.touch()
    (folder / "hard").hardlink_to(outside)
    (folder / "soft").symlink_to(outside)
    (folder / "own").touch()
    account = account_for_elasticsearch("nobody")
    assert account is not None
    account.own(folder)
    assert outside.stat().st_uid == 0
    assert (folder / "own").stat().st_uid == account.user
