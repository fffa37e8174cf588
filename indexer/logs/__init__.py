"""Logging: structured lines, the same for watcher, workers, web and commands.

Headers are patient data: what is logged is named by batch, chunk and path, never by a value of a header. Exceptions and
libraries may quote values, so that of both only what cannot is said: `lines` has the rules, `hooks` brings what Python
would print by itself under them.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from indexer.logs.hooks import log_what_python_prints
from indexer.logs.lines import place_instead_of_message, words_of_library
from indexer.settings import Settings

__all__ = ["configure_logging", "errors_only"]


def configure_logging(settings: Settings, service: str) -> None:
    """Send all logs of this process to standard error, one line each.

    Parameters
    ----------
    settings
        How much is logged, and whether as JSON or, for a terminal, as text.
    service
        Who logs: `web`, `worker`, `watcher`; stands in every line.
    """

    def named(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        named,
        place_instead_of_message,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[words_of_library, *shared],
            pass_foreign_args=True,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(settings.log_format)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # One line for each request to Elasticsearch says nothing that the counts do not.
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)
    log_what_python_prints()


def _renderer(form: str) -> structlog.typing.Processor:
    if form == "text" or (form == "auto" and sys.stderr.isatty()):
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.processors.JSONRenderer(ensure_ascii=False)


@contextmanager
def errors_only() -> Iterator[None]:
    """Let a command that a person runs log nothing but errors, to standard error: its answer says the rest."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.configure(**before)
