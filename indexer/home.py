"""What a home tells about the embedded services that were started in it.

The services of a home listen on free ports, so their addresses are known only from the state file that their supervisor
keeps. Commands that work on a started home read them here: from the file alone, without asking any process.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

STATE_FILE = "state.json"
# What each is in the file, and as the value of a setting.
_ADDRESSES: dict[str, tuple[type, Callable[[Any], Any]]] = {
    "elasticsearch_url": (str, str),
    "elasticsearch_ca": (str, Path),
    "elasticsearch_username": (str, str),
    "elasticsearch_password": (str, SecretStr),
    "elasticsearch_query_username": (str, str),
    "elasticsearch_query_password": (str, SecretStr),
    "redis_url": (str, str),
    "host": (str, str),
    "port": (int, int),
}


def running_services(home: Path) -> dict[str, Any]:
    """Read the addresses of the services that run in a home.

    Parameters
    ----------
    home
        The folder that was given as `--home`.

    Returns
    -------
    dict
        Values of the settings `elasticsearch_url` (with what it takes to use it), `redis_url`, `host` and `port`, as
        far as the home has them; empty where nothing was started, it was stopped, or the state file cannot be read.
    """
    try:
        state = json.loads((home / STATE_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(state, dict) or state.get("phase") not in ("starting", "running"):
        return {}
    addresses = state.get("addresses")
    if not isinstance(addresses, dict):
        return {}
    return {
        name: make(addresses[name]) for name, (kind, make) in _ADDRESSES.items() if type(addresses.get(name)) is kind
    }
