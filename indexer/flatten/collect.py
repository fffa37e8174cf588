"""The fields of one document while it is built: every value put where search looks for it."""

from collections.abc import Iterable
from typing import Any

from indexer.flatten.convert import number_text, to_double
from indexer.flatten.forms import name_form, search_form, sortable

Values = dict[str, dict[Any, None]]  # by key, distinct, in order


def unwrap(values: Iterable[Any]) -> Any:
    """Write one value as itself, several as a list."""
    listed = list(values)
    return listed[0] if len(listed) == 1 else listed


def add(place: Values, key: str, value: Any) -> None:
    """Add a value to the distinct ones of a key."""
    place.setdefault(key, {})[value] = None


def add_all(place: Values, key: str, values: Iterable[Any]) -> None:
    """Add values to the distinct ones of a key."""
    place.setdefault(key, {}).update(dict.fromkeys(values))


class Fields:
    """What the elements of one header add up to."""

    def __init__(self) -> None:
        self.top: dict[str, list[Any]] = {}
        self.nested: Values = {}
        self.path: Values = {}
        self.path_numbers: Values = {}
        self.private: dict[str, Values] = {}
        self.private_numbers: dict[str, Values] = {}
        self.other: Values = {}
        self.malformed: Values = {}
        self.folded: Values = {}
        self.nested_folded: Values = {}
        self.empty: dict[str, None] = {}
        self.sequences: dict[str, None] = {}
        self.creators: dict[str, None] = {}
        self.text: dict[str, None] = {}

    def add_private(self, creator: str, key: str, value: str) -> None:
        """Add a value of a private element; numbers also in the form that sorts."""
        add(self.private.setdefault(creator, {}), key, value)
        number = to_double(value, "")
        if number is not None:
            add(self.private_numbers.setdefault(creator, {}), key, sortable(number))
            self.text[number_text(number)] = None

    def add_text(self, value: str) -> str | None:
        """Add a text and its search form; the form is returned where it differs."""
        self.text[value] = None
        form = search_form(value)
        if form == value:
            return None
        self.text[form] = None
        return form

    def add_name(self, group: str, *, is_alphabetic: bool) -> str | None:
        """Add a group of a person name and its search form; the form is returned where its words differ."""
        self.text[group] = None
        form = name_form(group, is_alphabetic=is_alphabetic)
        plain = group.replace("^", " ").strip() if is_alphabetic else group
        if form == plain:
            return None
        self.text[form] = None
        return form

    def document(self) -> dict[str, Any]:
        """Write the fields as a document has them; those without a value are left out."""
        folded: dict[str, Any] = _plain(self.folded)
        if self.nested_folded:
            folded["nested"] = _plain(self.nested_folded)
        fields: dict[str, Any] = {
            "nested": _plain(self.nested),
            "path": _plain(self.path),
            "path_num": _plain(self.path_numbers),
            "private": {creator: _plain(keys) for creator, keys in self.private.items()},
            "private_num": {creator: _plain(keys) for creator, keys in self.private_numbers.items()},
            "other": _plain(self.other),
            "malformed": _plain(self.malformed),
            "folded": folded,
            "empty": list(self.empty),
            "sequences": list(self.sequences),
            "creators": list(self.creators),
            "text": list(self.text),
        }
        top = {keyword: unwrap(values) for keyword, values in self.top.items()}
        return {**top, **{name: value for name, value in fields.items() if value}}


def _plain(values: Values) -> dict[str, Any]:
    return {key: unwrap(distinct) for key, distinct in values.items()}
