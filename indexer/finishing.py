"""The end of a batch: first everything is visible to search, then the batch is DONE, once."""

import structlog

from indexer.audit.log import INBOX
from indexer.notifying import outbox_keys
from indexer.services import Services
from indexer.sink import ElasticsearchUnavailableError

log = structlog.get_logger(__name__)


def finish(services: Services, batch: str) -> None:
    """Make a batch DONE of which no image is open.

    While Elasticsearch is away the batch stays as it is; the periodic check offers it again.
    """
    try:
        services.sink.refresh()
    except ElasticsearchUnavailableError as error:
        log.warning("batch cannot be finished yet", batch=batch, reason=str(error))
        return
    cleans = services.settings.cleanup != "keep"
    if cleans:
        # Noted before, so that a crash right after the batch is DONE does not lose it.
        services.ledger.clean_later(batch)
    inbox = [INBOX] if services.audit.records else []
    if services.ledger.finish(batch, [*outbox_keys(services.settings), *inbox]):
        log.info("batch done", batch=batch)
        if cleans:
            services.queue.clean(batch)
