"""The facets of the search page: each value a link that sets or takes back a filter, spans of time a small chart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.archive import CountedFacet
from app.search.facets import FacetValue
from app.search.fields import Field
from app.search.filters import Filter
from app.web.formats import shown
from app.web.search_state import SearchState

_SHOWN = 6  # values of a list that are open to the eye
_MOST_BARS = 80
_RANGE = re.compile(r"[\[{](\S+) TO (\S+)[\]}]")
_BAR, _HEIGHT = 10, 40
_TITLES = {
    "derived.sop_class": "SOP class",
    "derived.transfer_syntax": "Transfer syntax",
    "derived.age_years": "Age",
    "PatientAge": "Age",
    "PatientSex": "Sex",
    "batch": "Batch",
    "StudyDate": "Study date",
    "InstitutionName": "Institution",
    "ManufacturerModelName": "Model",
    "BodyPartExamined": "Body part",
    "derived.study": "Study",
    "derived.series": "Series",
    "derived.patient": "Patient",
    "derived.date": "Study date",
    "creators": "Private creators",
    "sequences": "Sequences",
    "empty": "Empty elements",
    "indexed_at": "Indexed",
    "file.path": "File",
    "file.name": "File name",
    "file.size": "File size",
}
_SEXES = {"F": "Female", "M": "Male", "O": "Other"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet.

    Attributes
    ----------
    label, count
        To be shown; the count is None where it is not known.
    toggle, exclude
        Links that set or take back the filter on it, and that leave it out.
    state
        "", "chosen" or "excluded".
    x, height
        Of its bar, where the facet is a chart.
    """

    label: str
    count: int | None
    toggle: str
    exclude: str
    state: str
    x: int = 0
    height: float = 0


@dataclass(frozen=True, slots=True)
class Panel:
    """A facet as it is shown.

    Attributes
    ----------
    choices, more_choices
        Those that are open to the eye, and further ones.
    has_more
        Whether there are more values than these.
    bars, width
        Of a chart; no bars where it is a list.
    remove
        Link that takes an added facet away.
    """

    name: str
    title: str
    choices: list[Choice]
    more_choices: list[Choice]
    has_more: bool
    bars: list[Choice]
    width: int
    chosen: int
    remove: str | None


def panels(facets: Sequence[CountedFacet], filters: Sequence[Filter], state: SearchState) -> list[Panel]:
    """Make the panels; usual facets without any value are left out."""
    made = []
    for facet in facets:
        own = [one for one in filters if one.field.name == facet.facet.field.name]
        added = facet.facet.name in state.facets
        if own or added or any(value.value is not None for value in facet.values):
            made.append(_panel(facet, own, state, added))
    return made


def title_of(field: Field) -> str:
    """What people call a field."""
    return _TITLES.get(field.name) or (field.attribute.name if field.attribute else field.name)


def label_of(field: Field, value: object) -> str:
    """A value, a span or a range as people write it."""
    if value is None:
        return "No value"
    text = str(value)
    if found := _RANGE.fullmatch(text):
        low, high = found.groups()
        if field.name == "derived.age_years" and high.isdigit():
            return f"{low}–{int(high) - 1}"
        return f"{low}–{high}"
    if re.fullmatch(r"\d{4}-\d{2}", text):
        return f"{date(int(text[:4]), int(text[5:]), 1):%b %Y}" if "01" <= text[5:] <= "12" else text
    if field.name == "PatientSex":
        return _SEXES.get(text, text)
    return shown(value, field) or "(empty)"


def _panel(facet: CountedFacet, own: Sequence[Filter], state: SearchState, added: bool) -> Panel:
    field = facet.facet.field
    chosen = {one.value for one in own if not one.excluded}
    excluded = {one.value for one in own if one.excluded}

    def choice(value: FacetValue) -> Choice:
        text = None if value.value is None else str(value.value)
        status = "chosen" if text in chosen else "excluded" if text in excluded else ""
        set_, unset = facet.filter_of(value), facet.filter_of(value, excluded=True)
        without = tuple(o for o in state.filters if o not in (set_, unset))
        return Choice(
            label=label_of(field, value.value),
            count=value.count,
            toggle=state.link(filters=without if status else (*without, set_)),
            exclude=state.link(filters=(*without, unset)),
            state=status,
        )

    spans = [value for value in facet.values if value.is_range]
    bars, width = _chart([choice(value) for value in spans], [str(value.value) for value in spans])
    choices = [choice(value) for value in facet.values if not value.is_range]
    listed = {None if value.value is None else str(value.value) for value in facet.values}
    # What has been chosen can be taken back, even where nothing has it any more.
    choices += [
        Choice(
            label_of(field, one.value),
            facet.chosen.get(one.value),
            state.with_filter(one.text).link(),
            state.link(filters=(*(text for text in state.filters if text != one.text), _left_out(one))),
            _state(one),
        )
        for one in own
        if one.value not in listed
    ]
    choices.sort(key=lambda one: one.state == "")
    open_ = max(_SHOWN, sum(one.state != "" for one in choices))
    open_ = len(choices) if len(choices) <= open_ + 2 else open_
    return Panel(
        name=facet.facet.name,
        title=title_of(field),
        choices=choices[:open_],
        more_choices=choices[open_:],
        has_more=facet.more,
        bars=bars,
        width=width,
        chosen=len(own),
        remove=state.link(facets=tuple(n for n in state.facets if n != facet.facet.name)) if added else None,
    )


def _left_out(one: Filter) -> str:
    """The filter that leaves out what a filter asks for."""
    return one.unsigned if one.value is None else f"-{one.unsigned}"


def _state(one: Filter) -> str:
    return "excluded" if one.excluded else "chosen"


def _chart(choices: Sequence[Choice], values: Sequence[str]) -> tuple[list[Choice], int]:
    """Bars in their places: equal spans lie apart as far as they are apart."""
    if not choices:
        return [], 0
    places = [_place(value) for value in values]
    first = min(places)
    slots = [round(place - first) for place in places]
    if max(slots) >= _MOST_BARS:
        slots = list(range(len(choices)))
    most = max(one.count or 0 for one in choices) or 1
    bars = [
        Choice(
            one.label, one.count, one.toggle, one.exclude, one.state, slot * _BAR,
            max(round(_HEIGHT * ((one.count or 0) / most) ** 0.5, 1), 2),
        )
        for one, slot in zip(choices, slots, strict=True)
    ]  # fmt: skip
    return bars, (max(slots) + 1) * _BAR


def _place(value: str) -> float:
    """Where a span lies, in lengths of such a span."""
    if found := _RANGE.fullmatch(value):
        low, high = float(found[1]), float(found[2])
        return low / ((high - low) if value.endswith("}") else (high - low + 1))
    parts = [int(part) for part in value.split("-")]
    if len(parts) == 3:
        return date(*parts).toordinal()
    return parts[0] if len(parts) == 1 else 12 * parts[0] + parts[1]
