"""Whether every file that was delivered is accounted for exactly once: status, counters, errors and index agree."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexer.status import BatchStatus
from tests.faults.deliveries import Delivered
from tests.faults.stack import FaultyStack


def all_done(stack: FaultyStack, delivered: Delivered) -> bool:
    """Whether every batch is there and DONE, and nobody works any more."""
    batches = {batch.id: batch for batch in stack.store.batches(0, 10_000).results}
    if stack.redis.llen("dicomsearch") or stack.redis.exists("leases"):
        return False
    return batches.keys() == delivered.ends.keys() and all(
        batch.status is BatchStatus.DONE for batch in batches.values()
    )


def faults_of(stack: FaultyStack, delivered: Delivered) -> list[str]:
    """Compare what was delivered with status and index; answer what does not agree, the first hundred."""
    found = [
        *(line for batch, ends in delivered.ends.items() for line in _of_batch(stack, batch, ends)),
        *_of_index(stack, delivered),
    ]
    found += [f"{key} is not empty" for key in ("leases", "batches:active") if stack.redis.exists(key)]
    if waiting := stack.redis.llen("dicomsearch"):
        found.append(f"{waiting} tasks are queued")
    return found[:100]


def _of_batch(stack: FaultyStack, batch: str, ends: dict[str, str]) -> Iterator[str]:
    key = f"batch:{batch}"
    records = {path: json.loads(text) for path, text in stack.redis.hgetall(f"{key}:images").items()}
    errors = {path: json.loads(text)["code"] for path, text in stack.redis.hgetall(f"{key}:errors").items()}
    for path in ends.keys() ^ records.keys():
        yield f"{batch}/{path}: {'not listed' if path in ends else 'listed but never delivered'}"
    for path in ends.keys() & records.keys():
        status = records[path]["status"]
        end = errors.get(path, "no reason") if status == "ERROR" else status
        if end != ends[path]:
            yield f"{batch}/{path}: {end} instead of {ends[path]}"
    if extra := errors.keys() - {path for path, record in records.items() if record["status"] == "ERROR"}:
        yield f"{batch}: errors of images that have none: {sorted(extra)[:3]}"
    counts = stack.redis.hgetall(key)
    recount = Counter(record["status"] for record in records.values())
    for status in ("NEW", "PROCESSING", "DONE", "ERROR", "IGNORED"):
        listed = stack.redis.zcard(f"{key}:paths:{status}")
        if not int(counts[status.lower()]) == recount[status] == listed:
            yield f"{batch}: counter {status} {counts[status.lower()]}, recount {recount[status]}, listed {listed}"
    if int(counts["total"]) != len(records):
        yield f"{batch}: total {counts['total']}, recount {len(records)}"
    duplicates = sum(bool(record.get("duplicate")) for record in records.values())
    if int(counts["duplicates"]) != duplicates:
        yield f"{batch}: counter of duplicates {counts['duplicates']}, recount {duplicates}"


def _of_index(stack: FaultyStack, delivered: Delivered) -> Iterator[str]:
    documents = {hit["_id"]: hit["_source"] for hit in _documents(stack)}
    for uid in delivered.uids.keys() ^ documents.keys():
        yield f"{uid}: {'not found by search' if uid in delivered.uids else 'found but never delivered'}"
    for uid in delivered.uids.keys() & documents.keys():
        document = documents[uid]
        named = [document["file"]["path"], *(one["path"] for one in document.get("duplicates", []))]
        if missing := sorted(delivered.uids[uid] - set(named)):
            yield f"{uid}: its document of {named[0]} names {named[1:]} and not {missing}"
        if len(set(named)) != len(named) or set(named) - delivered.uids[uid]:
            yield f"{uid}: its document names files twice or wrongly: {named}"
        if not Path(document["file"]["path"]).is_file():
            yield f"{uid}: its file is not there"


def _documents(stack: FaultyStack) -> Iterator[dict[str, Any]]:
    stack.client.indices.refresh(index=stack.settings.index)
    point = stack.client.open_point_in_time(index=stack.settings.index, keep_alive="5m")["id"]
    after = None
    try:
        while True:
            answer = stack.client.search(
                pit={"id": point, "keep_alive": "5m"},
                size=5_000,
                sort=["_shard_doc"],
                search_after=after,
                source=["file.path", "duplicates"],
                track_total_hits=False,
            )
            hits = answer["hits"]["hits"]
            if not hits:
                return
            yield from hits
            after = hits[-1]["sort"]
    finally:
        stack.client.close_point_in_time(id=point)
