"""Ports of the embedded services and of the web server."""

import socket
from collections.abc import Iterator

import pytest

from local.errors import PortTakenError
from local.ports import free_port, is_free, require_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_reported_with_what_to_do(taken: int) -> None:
    assert not is_free("127.0.0.1", taken)
    with pytest.raises(PortTakenError, match=rf"port {taken} on 127\.0\.0\.1 is taken .*--port"):
        require_free("127.0.0.1", taken)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_reported(host: str) -> None:
    with pytest.raises(PortTakenError, match=host):
        require_free(host, 8080)


def test_a_preferred_port_is_kept_while_it_is_free(taken: int) -> None:
    port = free_port()
    assert free_port(port) == port
    assert free_port(port, taken=frozenset({port})) != port
    assert free_port(taken) != taken
