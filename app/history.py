"""What happened to a batch, in sentences: for the pages, and for programs that show them."""

from collections.abc import Callable, Mapping
from typing import Any

from indexer.status import Event

_OPERATIONS = {"sync": "The comparison with the folder", "verify": "The check against the index"}


def sentence(event: Event) -> str:
    """Put an event into words; one of a kind that is not known here as it was noted."""
    tell = _SENTENCES.get(event.what)
    if tell is not None:
        return tell(event.details)
    more = ", ".join(f"{name} {value}" for name, value in event.details.items() if value not in (None, ""))
    return f"{event.what.capitalize()}{': ' if more else ''}{more}."


def _came(details: Mapping[str, Any]) -> str:
    return {
        "watcher": "Found in the watched folder.",
        "import": "Imported by a command.",
        "upload": "Uploaded.",
    }.get(str(details.get("source")), f"Came by {details.get('source')}.")


def _delivered(details: Mapping[str, Any]) -> str:
    return {
        "retry": "Its folder is listed again, to retry what could not be listed.",
        "sync": "Its folder is listed again, because files there are new or have changed.",
    }.get(str(details.get("source")), "Delivered again.")


def _listed(details: Mapping[str, Any]) -> str:
    added, changed, unchanged = (_number(details, name) for name in ("added", "changed", "unchanged"))
    if not changed and not unchanged:
        return f"All files are listed: {_files(added)}."
    return f"All files are listed: {added:,} new, {changed:,} changed, {unchanged:,} as before."


def _done(details: Mapping[str, Any]) -> str:
    done, error, ignored = (_number(details, name) for name in ("done", "error", "ignored"))
    parts = [f"{done:,} {'image is' if done == 1 else 'images are'} found by search"]
    if error:
        parts.append(f"{error:,} could not be indexed")
    if ignored:
        parts.append(f"{ignored:,} ignored")
    return f"Done: {', '.join(parts)}."


def _retried(details: Mapping[str, Any]) -> str:
    what = [_files(_number(details, "images"))] if _number(details, "images") else []
    if folders := _number(details, "folders"):
        what.append(f"{folders:,} {'folder' if folders == 1 else 'folders'}")
    code = f" with the error {details['code']}" if details.get("code") else ""
    return f"Tried again: {' and '.join(what) or 'nothing'}{code}."


def _compared(details: Mapping[str, Any]) -> str:
    if not any(_number(details, name) for name in ("gone", "changed", "new")):
        return "Compared with its folder: they agree."
    return f"Compared with its folder: {_differences(details)}. Nothing was changed."


def _synchronised(details: Mapping[str, Any]) -> str:
    return f"Follows its folder: {_differences(details)}."


def _verified(details: Mapping[str, Any]) -> str:
    number = _number(details, "differences")
    if not number:
        return f"Checked against the index: {_number(details, 'images'):,} images, no difference."
    end = "repaired" if _number(details, "repaired") else "nothing was changed"
    return f"Checked against the index: {number:,} {'difference' if number == 1 else 'differences'}, {end}."


def _cleaned(details: Mapping[str, Any]) -> str:
    how = {"delete": "deleted", "archive": "archived"}.get(str(details.get("how")), "cleaned up")
    kept = f"; {_files(_number(details, 'kept'))} kept" if _number(details, "kept") else ""
    because = f" ({details['because']})" if details.get("because") else ""
    return f"Cleaned up: {_files(_number(details, 'files'))} {how}{kept}{because}."


def _failed(details: Mapping[str, Any]) -> str:
    operation = _OPERATIONS.get(str(details.get("operation")), f"The operation {details.get('operation')}")
    return f"{operation} was not done: {details.get('reason')}"


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "created": _came,
    "delivered": _delivered,
    "listed": _listed,
    "done": _done,
    "cancelled": lambda _: "Cancelled: what nobody had begun is left out, and can be tried again.",
    "retried": _retried,
    "compared": _compared,
    "synchronised": _synchronised,
    "verified": _verified,
    "cleaned": _cleaned,
    "not cleaned": lambda details: f"Not cleaned up: {details.get('reason')}.",
    "shrunk": lambda _: "Only its counts are kept from now on; its images are listed by search.",
    "failed": _failed,
}


def _differences(details: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{_number(details, name):,} {name}" for name in ("gone", "changed", "new") if _number(details, name)
    ) or "no difference"  # fmt: skip


def _number(details: Mapping[str, Any], name: str) -> int:
    value = details.get(name)
    return int(value) if isinstance(value, (int, float)) else 0


def _files(number: int) -> str:
    return f"{number:,} {'file' if number == 1 else 'files'}"
