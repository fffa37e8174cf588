"""What is seen of a Celery task from outside: lines in the log, errors in the metrics, its time in the traces."""

import json
import os
from collections.abc import Callable
from typing import Any

import redis
import structlog
from celery import Task
from celery.apps import worker as celery_worker

from indexer import traces
from indexer.metrics.catalogue import TASK_FAILURES
from indexer.queue import REQUEST_ID
from indexer.services import Services


def observed(services: Callable[[], Services]) -> type[Task[Any, Any]]:
    """Give the base of all tasks; the first argument of each is its batch."""

    class Observed(Task[Any, Any]):
        def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
            request_id = self.request.get(REQUEST_ID)
            structlog.contextvars.clear_contextvars()
            structlog.contextvars.bind_contextvars(
                task_id=task_id, batch=args[0], **({REQUEST_ID: request_id} if request_id else {})
            )
            traces.start_tracing(services().settings)  # here: its threads do not survive a fork
            traces.begin("task")

        def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            services().tally.count(TASK_FAILURES, self.name)
            traces.report(exc)

        def after_return(self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            traces.end(self.name, status, failed=status == "FAILURE")
            try:
                services().tally.flush(services().redis)
            except redis.RedisError:
                return  # it is kept, and told with what comes next
            finally:
                structlog.contextvars.clear_contextvars()

    return Observed


def quieten(worker: Any) -> None:
    """Let a Celery worker print nothing beside the log: no banner, and its last words as a line like all others."""
    worker.quiet = True
    celery_worker.safe_say = _say  # type: ignore[attr-defined]


def _say(message: str, file: Any = None) -> None:
    # Called by handlers of signals, where logging may be in the middle of a line.
    line = {"event": message.strip(), "level": "info", "logger": "celery.apps.worker", "service": "worker"}
    os.write(2, json.dumps(line).encode() + b"\n")
