"""Free ports on loopback for the embedded services, and a clear word where a port that was asked for is taken."""

import random
import socket

from local.errors import PortTakenError

# Below the range from which systems give ports to outgoing connections: a restarted service finds its port still free.
_RANGE = range(20_000, 32_000)
_TRIES = 200


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(address)
            candidate.listen(1)
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None, *, taken: frozenset[int] = frozenset()) -> int:
    """Choose a free loopback port.

    Parameters
    ----------
    preferred
        Used when it is free, so that addresses stay as they were after a restart.
    taken
        Ports that are given away already, though nothing listens there yet.

    Raises
    ------
    PortTakenError
        There is none to be found.
    """
    candidates = [preferred] if preferred else []
    candidates += random.sample(_RANGE, _TRIES)
    for port in candidates:
        if port not in taken and is_free("127.0.0.1", port):
            return port
    raise PortTakenError(f"no free port between {_RANGE.start} and {_RANGE.stop} on this machine")


def require_free(host: str, port: int, setting: str = "PORT") -> None:
    """Make sure that a port of the web server can be used, which a setting names.

    Raises
    ------
    PortTakenError
        Something listens there, or the address is not one of this machine.
    """
    try:
        free = is_free(host, port)
    except OSError as error:
        raise PortTakenError(f"{host} is not an address of this machine ({error.strerror or error})") from error
    if not free:
        how = "--port (or DICOMSEARCH_PORT)" if setting == "PORT" else f"DICOMSEARCH_{setting}"
        raise PortTakenError(f"port {port} on {host} is taken by another program: choose another with {how}")
