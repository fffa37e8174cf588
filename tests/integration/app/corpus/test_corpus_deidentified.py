"""Nothing that identifies in real files reaches those for whom it is masked, by whatever route, whatever they ask."""

import json
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from threading import local
from urllib.parse import quote, quote_plus, unquote, urlencode

import pytest
from elasticsearch import Elasticsearch
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from app import create_app
from app.accounts.model import Role
from app.archive import Archive
from app.deidentified import MASK, Sealer
from app.search.fields import resolve
from app.search.levels import Level
from indexer.settings import Settings
from mappings.dictionary import Kind
from mappings.index import ensure_index
from tests.accounts import PASSWORD, accounts_of, log_in, with_accounts
from tests.corpus_archive import CorpusArchive
from tests.corpus_oracle import Seen, numbers
from tests.identifying import Secrets, secrets_of

_LINK = re.compile(r'(?:href|src)="(/[^"]*)"')
_OF_NO_ARCHIVE = ("/static/", "/bootstrap/", "/api/docs", "/logout", "/account", "/login")
_THREADS = 4
_FORMATS = ("csv", "json", "ndjson")
# Which elements images list: of these no values are listed.
_NOT_LISTED = ("empty", "sequences")
# On the pages of images: windows that are offered for computed tomography.
_ON_PAGES = ("Brain", "Soft tissue", "Lung", "Bone")


class Visitor:
    """One for whom identifying attributes are masked, who asks from several threads."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._own = local()
        self._pool = ThreadPoolExecutor(_THREADS)
        accounts_of(app).users.add("masked", Role.VIEWER, PASSWORD, deidentified=True)

    def get(self, address: str) -> TestResponse:
        """Ask, having signed in."""
        if not hasattr(self._own, "client"):
            self._own.client = self.app.test_client()
            assert log_in(self._own.client, "masked").status_code == 303
        answer: TestResponse = self._own.client.get(address, buffered=True)
        return answer

    def get_all(self, addresses: Iterable[str]) -> dict[str, TestResponse]:
        """Ask for several at once."""
        wanted = list(dict.fromkeys(addresses))
        return dict(zip(wanted, self._pool.map(self.get, wanted), strict=True))

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown()


def text_of(answer: TestResponse) -> str:
    """All of an answer: its headers with their cookies, and its body, unless that is a picture."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    return headers if answer.content_type.startswith("image/") else f"{headers}\n{answer.get_data(as_text=True)}"


def told(secrets: Secrets, answers: dict[str, TestResponse]) -> dict[str, list[str]]:
    """What answers tell that identifies, by their addresses."""
    found = {
        # What somebody asks with, an error may repeat.
        address: sorted(secrets.told_by(text_of(answer)) - secrets.told_by(unquote(address)))
        for address, answer in answers.items()
    }
    return {address: texts for address, texts in found.items() if texts}


def statuses(answers: dict[str, TestResponse]) -> set[int]:
    return {answer.status_code for answer in answers.values()}


def in_list(name: str) -> str:
    """A name as lists of names have it."""
    return f'"{name}"' if "," in name else name


def links_on(answers: dict[str, TestResponse]) -> list[str]:
    """Addresses of our own that pages lead to."""
    pages = [answer.text for answer in answers.values() if answer.content_type.startswith("text/html")]
    found = dict.fromkeys(unescape(link).partition("#")[0] for page in pages for link in _LINK.findall(page))
    return [link for link in found if not link.startswith(_OF_NO_ARCHIVE)]


@pytest.fixture(scope="module")
def masked_settings(corpus_settings: Settings) -> Settings:
    return with_accounts(corpus_settings)


@pytest.fixture(scope="module")
def visitor(masked_settings: Settings, imported: CorpusArchive, redis_url: str) -> Iterator[Visitor]:
    with Redis.from_url(redis_url) as redis:
        redis.flushdb()
        visitor = Visitor(create_app(masked_settings))
        yield visitor
        visitor.close()
        redis.flushdb()


@pytest.fixture(scope="module")
def secrets(visitor: Visitor, masked_settings: Settings, seen: list[Seen]) -> Secrets:
    """What identifies in the corpus, but for what stands on the pages of an archive without images, too."""
    index = f"no-{masked_settings.index}"
    with Elasticsearch(masked_settings.elasticsearch_url) as client:
        ensure_index(client, index)
        page = create_app(masked_settings.model_copy(update={"index": index})).test_client()
        assert log_in(page, "masked").status_code == 303
        addresses = (
            "/search",
            "/search?level=patient",
            "/search?q=Modality:CT",
            "/headers",
            "/images/none",
            "/api/search",
        )
        texts = [text_of(page.get(address)) for address in addresses]
        client.indices.delete(index=f"{index}-000001")
        client.indices.delete_index_template(name=index)
    found = secrets_of(seen, [*texts, *_ON_PAGES])
    assert len(found) > 4_000
    return found


@pytest.fixture(scope="module")
def sealer(masked_settings: Settings) -> Sealer:
    assert masked_settings.secret_key is not None
    return Sealer(masked_settings.secret_key.get_secret_value())


@pytest.fixture(scope="module")
def ids(imported: CorpusArchive, sealer: Sealer) -> list[str]:
    """Of all images, as those see them for whom they are masked."""
    return [sealer.seal("_id", image.id) for image in imported.images]


@pytest.fixture(scope="module")
def fields(archive: Archive) -> list[str]:
    """Fields that occur in the corpus, those that are masked too; of private elements, of which all are, some."""
    names = [header.field.name for header in archive.headers.all().fields]
    private = [name for name in names if name.startswith("private.")]
    return [name for name in names if name not in set(private)] + private[::20]


def test_documents_and_headers_tell_nothing(visitor: Visitor, secrets: Secrets, ids: list[str]) -> None:
    documents = visitor.get_all(f"/api/images/{id_}{what}" for id_ in ids for what in ("", "/header"))
    assert statuses(documents) == {200}
    assert not told(secrets, documents)


def test_pictures_tell_nothing(visitor: Visitor, secrets: Secrets, ids: list[str]) -> None:
    some = ids[::3]
    pictures = visitor.get_all(f"/api/images/{id_}/preview{what}" for id_ in some for what in ("?size=16", "/info"))
    assert statuses(pictures) <= {200, 403, 409, 410, 422, 503}
    assert sum(answer.content_type == "image/png" for answer in pictures.values()) > 50
    assert sum(answer.status_code == 403 for answer in pictures.values()) > 50
    assert not told(secrets, pictures)


def test_pages_of_images_tell_nothing(visitor: Visitor, secrets: Secrets, ids: list[str]) -> None:
    some = ids[::8]
    pages = visitor.get_all(f"/images/{id_}?q=Modality:CT+chest" for id_ in some)
    assert statuses(pages) == {200}
    assert all(MASK in page.text for page in pages.values())
    assert not told(secrets, pages)
    alike = visitor.get_all(f"/api/images/{id_}/alike" for id_ in some)
    assert statuses(alike) == {200}
    assert not told(secrets, alike)


def test_lists_at_all_levels_tell_nothing_to_their_end(visitor: Visitor, secrets: Secrets) -> None:
    for level in Level:
        answers = {}
        after, total = "", 0
        while True:
            address = f"/api/search?{urlencode({'level': level, 'size': 100, 'facets': 'default', 'after': after})}"
            answers[address] = answer = visitor.get(address)
            assert answer.status_code == 200
            total += len(answer.json["results"])
            after = answer.json["next"]
            if after is None:
                break
        assert total == answer.json["total"]
        back = f"/api/search?{urlencode({'level': level, 'size': 100, 'after': answer.json['previous'] or ''})}"
        answers[back] = visitor.get(back)
        for parameters in (
            {},
            {"sort": "Modality"},
            {"sort": "-Modality", "q": "NOT Modality:CT", "filter": "Modality:*"},
        ):
            address = f"/search?{urlencode({'level': level, 'size': 100, **parameters})}"
            answers[address] = visitor.get(address)
        assert statuses(answers) == {200}
        assert not told(secrets, answers)


def test_exports_tell_nothing(visitor: Visitor, secrets: Secrets, ids: list[str]) -> None:
    addresses = [f"/api/search/export?format={form}&level={level}" for form in _FORMATS for level in Level]
    chosen = "fields=id,Modality,Rows,AnatomicRegionSequence.CodeMeaning,derived.sop_class&sort=Modality"
    addresses += [f"/api/search/export?format={form}&{chosen}" for form in _FORMATS]
    # A few at a time are allowed.
    exports = {address: visitor.get(address) for address in addresses}
    assert statuses(exports) == {200}
    assert not told(secrets, exports)
    csv = exports[f"/api/search/export?format=csv&{chosen}"].text
    assert sorted(line.partition(",")[0] for line in csv.splitlines()[1:]) == sorted(ids)
    refused = visitor.get_all(("/api/search/export?format=paths", "/api/search/export?fields=PatientName"))
    assert statuses(refused) == {403}
    assert not told(secrets, refused)


def test_the_dictionary_lists_no_masked_field_and_no_value_of_one(
    visitor: Visitor, secrets: Secrets, fields: list[str]
) -> None:
    lists = visitor.get_all(
        ["/api/headers?size=1000", "/headers", "/api/headers?q=patient", "/api/headers?q=date&size=9"]
    )
    assert statuses(lists) == {200}
    shown = {one["keyword"] for one in lists["/api/headers?size=1000"].json["results"]}
    assert 200 < len(shown) < len(fields)
    values = visitor.get_all(f"/api/headers/{quote(name)}?size=1000" for name in fields)
    for name in fields:
        expected = {200, 400} if name in shown else {403}
        assert values[f"/api/headers/{quote(name)}?size=1000"].status_code in expected, name
    pages = visitor.get_all(f"/headers/{quote(name)}" for name in fields[::20])
    assert not told(secrets, lists | values | pages)


def test_every_field_is_refused_or_tells_nothing_as_facet_column_and_order(
    visitor: Visitor, secrets: Secrets, fields: list[str]
) -> None:
    shown = {one["keyword"] for one in visitor.get("/api/headers?size=1000").json["results"]}
    answers = {}
    for parameter in ("facets", "fields", "sort"):
        asked = {
            name: f"/api/search?size=5&{parameter}={quote(in_list(name))}" for name in fields[::3] if name not in shown
        }
        refused = visitor.get_all(asked.values())
        assert statuses(refused) <= {400, 403}
        assert 403 in statuses(refused)
        answers |= refused
    countable = [name for name in shown if resolve(name).kind is not Kind.SEQUENCE and name not in _NOT_LISTED]
    assert len(countable) > 200
    for parameter, step in (("facets", 40), ("fields", 100), ("sort", 1)):
        some = countable if step > 1 else sorted(countable)[::10]
        lists = [",".join(map(in_list, some[at : at + step])) for at in range(0, len(some), step)]
        found = visitor.get_all(f"/api/search?size=500&facet_size=500&{parameter}={quote(names)}" for names in lists)
        assert statuses(found) == {200}
        answers |= found
    assert not told(secrets, answers)


def test_links_of_pages_lead_to_what_tells_nothing(visitor: Visitor, secrets: Secrets, ids: list[str]) -> None:
    starts = visitor.get_all(
        ["/search", "/search?level=patient&q=chest", "/headers", *(f"/images/{i}" for i in ids[7::170])]
    )
    found = visitor.get_all(links_on(starts))
    assert len(found) > 300
    refused = {address: answer.status_code for address, answer in found.items() if answer.status_code != 200}
    # A picture that is not shown is said to be so where it would be.
    assert all("/preview" in address for address in refused), refused
    assert not told(secrets, starts | found)


def test_whatever_else_there_is_is_refused(visitor: Visitor, secrets: Secrets, imported: CorpusArchive) -> None:
    image = imported.images[0]
    arguments = {
        "image": image.id,
        "batch": image.batch,
        "keyword": "PatientName",
        "search": "x",
        "upload": "x",
        "path": "x",
    }
    answers = {}
    for rule in visitor.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not str(rule.endpoint).endswith("static"):
            address = rule.rule
            for name in rule.arguments:
                address = re.sub(rf"<(\w+:)?{name}>", quote(arguments.get(name, "x"), safe=""), address)
            answers[address] = visitor.get(address)
    # Its examples are the same whatever the archive holds.
    assert answers.pop("/api/openapi.json").status_code == 200
    assert not told(secrets, answers)
    for address in (f"/images/{image.id}", f"/api/images/{image.id}", f"/api/images/{image.id}/preview"):
        assert answers[address].status_code == 404, address
    for address in ("/", f"/batches/{image.batch}", "/api/batches", f"/api/images/{image.id}/file", "/saved-searches"):
        assert answers[address].status_code == 403, address


def another(text: str) -> str:
    """A text of the same form that no file has."""
    return "".join(
        chr((ord(c) - ord(first) + 7) % size + ord(first)) if c.isascii() and c.isalnum() else c
        for c in text
        for first, size in [("0", 10) if c.isdigit() else ("a", 26) if c.islower() else ("A", 26)]
    )


def probes(name: str, value: str) -> Iterator[str]:
    """Addresses that would tell, if they could, whether an image has a value."""
    literal = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    field = f'"{name}"' if not re.fullmatch(r"\w+", name) else name
    queries = [
        f"{field}:{literal}",
        f"{field}:={literal}",
        f"-{field}:={literal}",
        f"{field}:[{literal} TO {literal}]",
        f"Modality:CT OR {field}:{literal}",
        f"nested.{field}:{literal}",
        f"malformed.{field}:{literal}",
        literal,
        f"text:{literal}",
        f"NOT {literal}",
        f"{literal}~2",
        f"id:{literal}",
        f"file.path:{literal}",
        f"batch:={literal}",
        f"creators:{literal}",
        f"empty:{literal}",
        f"derived.patient:={literal}",
        f"derived.series:={literal}",
    ]
    # A part of a short value may well be a part of something harmless.
    if re.fullmatch(r"\w{8,}", value):
        queries += [f"{field}:{value[:-1]}*", f"{value[:-1]}*", f"*{value[1:]}", f"{value}~1", f"{field}:/{value}/"]
    yield from (f"/api/search?size=1&q={quote(query)}" for query in queries)
    yield from (f"/search?q={quote(query)}" for query in queries[:1])
    yield f"/api/search?size=1&filter={quote(f'{field}:={literal}')}"
    yield f"/api/search/export?q={quote(queries[0])}"
    yield f"/api/search?size=1&after={quote(value)}"
    yield f"/api/headers/{quote(name)}?q={quote(value)}"
    for address in ("/api/images/{}", "/images/{}", "/api/images/{}/header", "/api/images/{}/preview"):
        yield address.format(quote(value, safe=""))


# Tokens of sessions, times, and cursors, which are bound to the query.
_CHANGING = re.compile(
    r'"milliseconds":\s*\d+|in [\d,]+ ms|csrf.token" (value|content)="[^"]*"|"(next|previous)":\s*"[^"]*"|after=[\w-]+'
)


def _quoted(text: str) -> Iterator[str]:
    """A text as it may stand in an address."""
    for safe in ("", "/", "/:", "!$'()*,/:;?@"):
        yield from (quote(text, safe=safe), quote_plus(text, safe=safe))


def without(answer: TestResponse, value: str) -> tuple[int, str]:
    """An answer but for the asked value itself, and what differs from one time to the other."""
    text = unescape(answer.get_data(as_text=True))
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    addresses = {form for one in (value, quoted) for form in _quoted(one)}
    forms = {value, quoted, *addresses, json.dumps(value)[1:-1], json.dumps(quoted)[1:-1]}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "…")
    return answer.status_code, _CHANGING.sub("", text)


def test_no_question_has_another_answer_where_an_image_has_the_value(visitor: Visitor, secrets: Secrets) -> None:
    # A number may be one of something harmless, however it is written.
    values = sorted(
        (name, text)
        for name, text in set(secrets.values)
        if len(text) <= 60 and text.isprintable() and text not in name and not numbers([text])
    )
    step = max(len(values) // 80, 1)
    different = []
    for name, value in values[::step]:
        there, not_there = (visitor.get_all(probes(name, text)) for text in (value, another(value)))
        for one, other in zip(there.items(), not_there.items(), strict=True):
            if without(one[1], value) != without(other[1], another(value)):
                different.append((one[0], other[0]))
    assert not different
