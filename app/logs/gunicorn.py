"""gunicorn's own lines: in the form of all others, and without the addresses that it quotes.

`gunicorn --logger-class app.logs.gunicorn.Logger`
"""

import logging
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger as GunicornLogger

from indexer.logs import configure_logging
from indexer.settings import load_settings

_INVALID = "Invalid request from ip="


class Logger(GunicornLogger):  # type: ignore[misc]
    """Hands gunicorn's lines to the log of the process; each request's line is written by `app.logs.requests`."""

    def setup(self, cfg: Config) -> None:
        """Configure logging for this process and those that it forks; called again when gunicorn is told to reload."""
        self.cfg = cfg
        self._access_log_enabled = False
        self.loglevel = self.LOG_LEVELS.get(cfg.loglevel.lower(), logging.INFO)
        configure_logging(load_settings(), "web")
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(self.loglevel)

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Log a warning; of a request that gunicorn cannot read, no more than that."""
        if isinstance(msg, str) and msg.startswith(_INVALID):
            # It has the first line of the request in it, with the query.
            msg, args = "Invalid request", ()
        super().warning(msg, *args, **kwargs)

    def access(self, *_: Any, **__: Any) -> None:
        """Log nothing."""
