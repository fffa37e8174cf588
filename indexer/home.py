"""What a home tells about the embedded services that were started in it.

The services of a home listen on free ports, so their addresses are known only from the state file that their supervisor
keeps. Commands that work on a started home read them here: from the file alone, without asking any process.
"""

import json
from pathlib import Path

STATE_FILE = "state.json"
_ADDRESSES = {"elasticsearch_url": str, "redis_url": str, "host": str, "port": int}


def running_services(home: Path) -> dict[str, str | int]:
    """Read the addresses of the services that run in a home.

    Parameters
    ----------
    home
        The folder that was given as `--home`.

    Returns
    -------
    dict
        Values of the settings `elasticsearch_url`, `redis_url`, `host` and `port`, as far as the home has them; empty
        where nothing was started, it was stopped, or the state file cannot be read.
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
    return {name: addresses[name] for name, kind in _ADDRESSES.items() if type(addresses.get(name)) is kind}
