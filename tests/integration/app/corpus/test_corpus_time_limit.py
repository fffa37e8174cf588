"""A search that has no time left says that its answer is partial, and never that nothing matches."""

import html
import re

import pytest
from click.testing import CliRunner
from redis import Redis

from app import create_app
from app.cli import search as search_command
from indexer.settings import Settings
from tests.corpus_archive import CorpusArchive

# Each pattern walks over all words of the archive, and finds none.
SLOW = " OR ".join(f"*{number}q*q*z*" for number in range(250))


@pytest.fixture
def hurried(corpus_settings: Settings, imported: CorpusArchive) -> Settings:
    """Settings that give a search far less time than the one above takes."""
    return corpus_settings.model_copy(update={"search_seconds": 0.01, "query_patterns": 1_000})


@pytest.mark.parametrize("level", ["image", "study"])
def test_a_search_that_has_no_time_says_that_its_answer_is_partial(
    hurried: Settings, redis_client: Redis, level: str
) -> None:
    answer = create_app(hurried).test_client().get("/api/search", query_string={"q": SLOW, "level": level})
    assert (answer.status_code, answer.json["partial"]) == (200, True)


def test_people_are_told_that_time_ran_out_and_not_that_nothing_matches(hurried: Settings, redis_client: Redis) -> None:
    page = create_app(hurried).test_client().get("/search", query_string={"q": SLOW})
    assert page.status_code == 200
    shown = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page.text)))
    assert "This answer is partial. Time ran out" in shown
    assert "matches" not in shown  # nobody knows that none does
    environment = {
        "DICOMSEARCH_ELASTICSEARCH_URL": hurried.elasticsearch_url,
        "DICOMSEARCH_INDEX": hurried.index,
        "DICOMSEARCH_SEARCH_SECONDS": str(hurried.search_seconds),
        "DICOMSEARCH_QUERY_PATTERNS": str(hurried.query_patterns),
    }
    told = CliRunner().invoke(search_command, [SLOW], env=environment)
    assert told.exit_code == 0
    assert "Time ran out: there may be more." in told.output
    assert "matches" not in told.output
