"""What there is to do in all, in bounded time however many batches there are."""

from dataclasses import dataclass

from indexer.status.connection import RedisClient, load_script
from indexer.status.keys import ACTIVE, BATCHES

# Open batches that are looked at: Redis does nothing else meanwhile, for some milliseconds.
_MOST = 2_000


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all batches; estimates where more than some thousand are open.

    Attributes
    ----------
    new, processing, done
        Batches.
    images_new, images_processing
        Images that are not final yet.
    oldest
        When the first of the open batches was added (seconds since 1970); None where none is open.
    stillest
        When the open batch that has stood still longest was changed last.
    """

    new: int
    processing: int
    done: int
    images_new: int
    images_processing: int
    oldest: float | None
    stillest: float | None


def read_totals(client: RedisClient, most: int = _MOST) -> Totals:
    """Sum up, in one request; connection errors of Redis pass through."""
    *counts, oldest, stillest = load_script(client, "open_batches")(keys=[BATCHES, ACTIVE], args=[most])
    batches, active, seen, new, processing, _done, images_new, images_processing = map(int, counts)
    share = active / seen if seen else 1.0

    def all_of(part: int) -> int:
        return round(part * share)

    return Totals(
        all_of(new),
        all_of(processing),
        batches - all_of(new) - all_of(processing),
        all_of(images_new),
        all_of(images_processing),
        float(oldest) if oldest else None,
        float(stillest) if stillest else None,
    )
