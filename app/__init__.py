"""What people and programs talk to: search, web pages and the REST API."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from indexer.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Build the web application; gunicorn serves `app:create_app()`.

    Parameters
    ----------
    settings
        None reads them from the environment.
    """
    # Imported late: the query language, a part of this package, must not load a web framework.
    from app.factory import build_app
    from indexer.settings import SettingsError, load_settings

    try:
        return build_app(settings or load_settings())
    except SettingsError as error:
        # gunicorn gives up at this exit code, where it would show a traceback and begin anew.
        print(f"Error: {error}", file=sys.stderr, flush=True)  # noqa: T201
        raise SystemExit(4) from error
