"""A document of the index without the values that identify: what is masked says so, under the name that it has."""

from collections.abc import Mapping
from typing import Any

from app.deidentified.attributes import MASK, Profile
from app.deidentified.fields import SEALED, MaskedView
from app.deidentified.sealing import Sealer
from app.search.fields import UnknownFieldError, resolve
from mappings.dictionary import attributes
from mappings.template import RECEIPT_COUNTS

# Objects in which names are masked together with values: creators' names are written by whoever made the file.
_WHOLE = ("nested", "private", "other", "malformed", "creators", "@timestamp", "batch", "duplicates")
_LISTS = ("empty", "sequences")
_SHOWN_OF_RECEIPT = (*RECEIPT_COUNTS, "forgiven", "unread")


def masked_document(document: Mapping[str, Any], profile: Profile, view: MaskedView, sealer: Sealer) -> dict[str, Any]:
    """Mask a document.

    Parameters
    ----------
    document
        As Elasticsearch has it, whole or in part.
    profile, view
        What is masked, by attributes and by fields.
    sealer
        Seals the keys of its levels.
    """
    masked: dict[str, Any] = {}
    for name, value in document.items():
        if name == "file":
            masked[name] = dict.fromkeys(value, MASK)
        elif name == "derived":
            masked[name] = {key: _derived(f"derived.{key}", one, view, sealer) for key, one in value.items()}
        elif name == "receipt":
            masked[name] = {key: value[key] for key in _SHOWN_OF_RECEIPT if key in value}
        elif name == "path":
            masked[name] = {
                path: one if view.shows_path(path) else MASK for path, one in value.items() if _is_public(path)
            }
        elif name in _LISTS:
            masked[name] = _names(value, view)
        elif name == "indexed_at":
            masked[name] = value
        elif name in _WHOLE or name in attributes():
            masked[name] = value if profile.keeps(name) else MASK
    return masked


def _derived(name: str, value: Any, view: MaskedView, sealer: Sealer) -> Any:
    if name in SEALED:
        return sealer.seal(name, str(value))
    return value if view.shows(resolve(name)) else MASK


def _names(value: Any, view: MaskedView) -> list[str]:
    """Names of elements that are shown, and, once, the mark of those that are not."""
    names = value if isinstance(value, list) else [value]
    shown = [name for name in names if _is_shown(name, view)]
    return [*shown, MASK] if len(shown) < len(names) else shown


def _is_shown(name: str, view: MaskedView) -> bool:
    try:
        return view.shows(resolve(name))
    except UnknownFieldError:
        return False


def _is_public(path: str) -> bool:
    """Whether a path is made of attributes of the dictionary, and of nothing that a file has brought."""
    return all(step in attributes() for step in path.split("."))
