"""What the benchmark of searching asks, each question twice: as a request to the application, and as a linear scan.

A scan decodes every stored header and looks: what a server does that keeps an index of a few attributes only, when it
is asked for another. It looks no further than it has to, and knows where the value stands.
"""

import random
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from generated import Image, images_of, plan

Header = dict[str, Any]
Scan = Callable[[Iterable[Header]], int]
_SAMPLED_STUDIES, _SAMPLED_IMAGES = 240, 25  # images of a study
# As Elasticsearch's standard analyzer has them, about: O'Neil is one word.
_WORD = re.compile(r"\w+(?:['.:]\w+)*")
_MODALITY, _STUDY, _SERIES, _DATE, _NUMBER = "00080060", "0020000D", "0020000E", "00080020", "00200013"
_FACETS = (
    _MODALITY,
    _DATE,
    "00180015",
    "00080070",
    "00081090",
    "00080080",
    "00100040",
    "00101010",
    "00080016",
    "00020010",
)


@dataclass(frozen=True)
class Ask:
    """A question with its values: the address that is asked, and the same as a scan, which counts what it finds."""

    address: str
    scan: Scan | None = None


@dataclass(frozen=True)
class Question:
    """A kind of question: each ask has other values."""

    name: str
    asks: list[Ask]
    is_rollup: bool = False


def questions(images: int, seed: int, asks: int) -> Iterator[Question]:
    """Make the questions, with values that occur in the archive; those that turn pages are made by `pages`."""
    rng = random.Random(f"{seed}:questions")
    samples = list(_samples(images, seed))

    def having(tag: str) -> list[Any]:
        values = sorted({str(value) for header in samples if (value := _value(header, tag)) is not None})
        return [rng.choice(values) for _ in range(asks)] if values else []

    words = sorted({word for header in samples for word in _usual_words(header)})
    yield Question("a word anywhere", [_ask(word, _has_word(word)) for word in rng.choices(words, k=asks)])
    yield Question(
        "an exact rare attribute", [_ask(f'DetectorID:="{v}"', _is("0018700A", v)) for v in having("0018700A")]
    )
    steps = [_nested(header) for header in samples]
    chosen = [rng.choice(steps) for _ in range(asks)]
    yield Question("a nested attribute", [_ask(f"nested.ScheduledProcedureStepID:={v}", _is_nested(v)) for v in chosen])
    spans = [_span(rng, 400, 1_200, 60) for _ in range(asks)]
    yield Question(
        "a private element",
        [_ask(f"private.GEMS_ACQU_01.0019xx02:[{a} TO {b}]", _between("00191002", a, b)) for a, b in spans],
    )
    spans = [_span(rng, -900, 500, 40) for _ in range(asks)]
    yield Question(
        "a numeric range", [_ask(f"SliceLocation:[{a} TO {b}]", _between("00201041", a, b)) for a, b in spans]
    )
    days = [_days(rng) for _ in range(asks)]
    yield Question("a date range", [_ask(f"StudyDate:[{a} TO {b}]", _dated(a, b)) for a, b in days])
    names = sorted({name for header in samples if (name := _name_of(header))})
    chosen_names = [rng.choice(names) for _ in range(asks)]
    yield Question("a person's name", [_ask(f'PatientName:"{" ".join(n)}"', _named(n)) for n in chosen_names])
    yield Question(
        "a leading wildcard",
        [_ask(f"AccessionNumber:*{v[-3:]}", _ends("00080050", v[-3:])) for v in having("00080050")],
    )
    yield Question(
        "a leading wildcard, all values differ",
        [_ask(f"SOPInstanceUID:*{v[-5:]}", _ends("00080018", v[-5:])) for v in having("00080018")],
    )
    since = [_since(rng) for _ in range(asks)]
    yield Question(
        "all default facets", [_ask(f"StudyDate:>={d}", _facets(d), facets="default", size=0) for d in since]
    )
    yield Question(
        "study roll-up by date", [_ask(f"StudyDate:>={d}", _rollup(d), level="study", sort="-StudyDate") for d in since]
    )
    yield Question(
        "study roll-up, earliest first", [_ask(f"StudyDate:>={d}", level="study", sort="StudyDate") for d in since]
    )
    yield Question(
        "study roll-up by date, with facets",
        [_ask(f"StudyDate:>={d}", level="study", sort="-StudyDate", facets="default") for d in since],
        is_rollup=True,
    )
    yield Question(
        "series roll-up by a name, with facets",
        [_ask(f"StudyDate:>={d}", level="series", sort="PatientName", facets="default") for d in since],
        is_rollup=True,
    )
    yield Question("the page /search", [_page(q=f"StudyDate:>={d}") for d in since], is_rollup=True)
    yield Question(
        "the page /search, studies", [_page(q=f"StudyDate:>={d}", level="study") for d in since], is_rollup=True
    )


def sorted_scan(place: int, size: int) -> Scan:
    """A page of images, newest study first, as a scan: all of them have to be sorted."""

    def scan(headers: Iterable[Header]) -> int:
        keys = [
            (_value(h, _DATE) or "", _value(h, _STUDY), _value(h, _SERIES), int(_value(h, _NUMBER))) for h in headers
        ]
        keys.sort(reverse=True)
        assert keys[place : place + size]
        return len(keys)

    return scan


def _ask(query: str, scan: Scan | Callable[[Header], bool] | None = None, **more: Any) -> Ask:
    return Ask(f"/api/search?{urlencode({'q': query, **more})}", scan)  # type: ignore[arg-type]


def _page(**parameters: Any) -> Ask:
    return Ask(f"/search?{urlencode(parameters)}")


def _samples(images: int, seed: int) -> Iterator[Header]:
    """Headers of some studies, spread over the archive."""
    studies = list(plan(images, seed))
    step = max(len(studies) // _SAMPLED_STUDIES, 1)
    for study in studies[::step]:
        found: dict[str, Image] = {}
        for image in islice(images_of(study, seed), _SAMPLED_IMAGES):
            found.setdefault(str(_value(image.header.elements, _SERIES)), image)
        yield from (image.header.elements for image in found.values())


def _counting(fits: Callable[[Header], bool]) -> Scan:
    return lambda headers: sum(map(fits, headers))


def _value(header: Header, tag: str) -> Any:
    values = header.get(tag, {}).get("Value")
    return values[0] if values else None


def _fold(text: str) -> str:
    if text.isascii():
        return text.casefold()
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def _texts(header: Header) -> Iterator[str]:
    """All values of a header that are text, those of nested items and of the groups of a name too."""
    waiting = [header]
    while waiting:
        for entry in waiting.pop().values():
            if isinstance(entry, str):  # a group of a name
                yield entry
                continue
            for value in entry.get("Value", ()):
                if isinstance(value, str):
                    yield value
                elif isinstance(value, dict):
                    waiting.append(value)


def _usual_words(header: Header) -> Iterator[str]:
    for tag in ("00081030", "0008103E", "00100010", "00180010", "00081090"):
        for text in _texts({tag: header.get(tag, {})}):
            yield from (
                word for word in _WORD.findall(text.casefold()) if word.isascii() and word.isalpha() and len(word) > 3
            )


def _has_word(word: str) -> Scan:
    def fits(header: Header) -> bool:
        return any(word in (folded := _fold(text)) and word in _WORD.findall(folded) for text in _texts(header))

    return _counting(fits)


def _is(tag: str, wanted: str) -> Scan:
    return _counting(lambda header: _value(header, tag) == wanted)


def _ends(tag: str, wanted: str) -> Scan:
    return _counting(lambda header: str(_value(header, tag)).endswith(wanted))


def _between(tag: str, low: float, high: float) -> Scan:
    return _counting(lambda header: (value := _value(header, tag)) is not None and low <= float(value) <= high)


def _nested(header: Header) -> str:
    return str(_value(_value(header, "00400275"), "00400009"))


def _is_nested(wanted: str) -> Scan:
    return _counting(
        lambda header: any(_value(i, "00400009") == wanted for i in header.get("00400275", {}).get("Value", ()))
    )


def _dated(first: str, last: str) -> Scan:
    low, high = first.replace("-", ""), last.replace("-", "")
    return _counting(lambda header: low <= str(_value(header, _DATE)) <= high)


def _name_of(header: Header) -> tuple[str, str] | None:
    family, _, given = ((_value(header, "00100010") or {}).get("Alphabetic", "") + "^").partition("^")
    words = _WORD.findall(_fold(family))[:1] + _WORD.findall(_fold(given.partition("^")[0]))[:1]
    return (words[0], words[1]) if len(words) == 2 and all(word.isascii() for word in words) else None


def _named(words: tuple[str, str]) -> Scan:
    def fits(header: Header) -> bool:
        groups = (_value(header, "00100010") or {}).values()
        return any(set(words) <= set(_WORD.findall(_fold(group))) for group in groups)

    return _counting(fits)


def _facets(since: str) -> Scan:
    def scan(headers: Iterable[Header]) -> int:
        low, counts, found = since.replace("-", ""), defaultdict[str, Counter[str]](Counter), 0
        for header in headers:
            if str(_value(header, _DATE)) >= low:
                found += 1
                for tag in _FACETS:
                    counts[tag][str(_value(header, tag))] += 1
        return found

    return scan


def _rollup(since: str) -> Scan:
    def scan(headers: Iterable[Header]) -> int:
        low, studies = since.replace("-", ""), Counter[tuple[str, str]]()
        for header in headers:
            if (day := str(_value(header, _DATE))) >= low:
                studies[day, str(_value(header, _STUDY))] += 1
        return len(sorted(studies, reverse=True))

    return scan


def _span(rng: random.Random, low: int, high: int, most: int) -> tuple[float, float]:
    first = rng.randrange(low, high)
    return first, first + rng.randint(1, most) + rng.choice((0, 0.5))


def _days(rng: random.Random) -> tuple[str, str]:
    year, month = rng.randrange(2009, 2024), rng.randrange(1, 10)
    return f"{year}-{month:02d}-{rng.randrange(1, 29):02d}", f"{year}-{month + 3:02d}-{rng.randrange(1, 29):02d}"


def _since(rng: random.Random) -> str:
    """A day in the first two years: nearly the whole archive is after it."""
    return f"{rng.choice((2009, 2010))}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
