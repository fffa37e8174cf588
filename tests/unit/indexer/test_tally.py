"""What a process has counted: added up, taken once, and kept where it could not be told."""

import math

import pytest

from app.metrics.counted import families
from indexer.metrics import Counter, Histogram, Tally
from indexer.metrics.catalogue import BULK_SECONDS, COUNTERS, HISTOGRAMS, IMAGES, PREFIX, SEARCH_SECONDS
from indexer.metrics.tally import flattened


def told(amounts: dict[str, float]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """All samples that are told of amounts, by name and labels."""
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for family in families(amounts)
        for sample in family.samples
    }


def test_amounts_are_added_up_and_taken_once() -> None:
    tally = Tally()
    tally.count(IMAGES, "done", "")
    tally.count(IMAGES, "done", "", amount=4)
    with tally.taken() as amounts:
        assert amounts == {"images_total|done|": 5}
    with tally.taken() as amounts:
        assert amounts == {}


def test_what_could_not_be_told_is_told_later() -> None:
    tally = Tally()
    tally.count(IMAGES, "done", "")
    tally.count(IMAGES, "done", "")

    def tell() -> None:
        with tally.taken():
            raise ConnectionError

    with pytest.raises(ConnectionError):
        tell()
    with tally.taken() as amounts:
        assert amounts == {"images_total|done|": 2}


def test_observations_fall_into_the_bucket_of_the_next_bound() -> None:
    tally = Tally()
    for seconds in (0.001, 0.005, 0.3, 100.0):
        tally.observe(BULK_SECONDS, seconds)
    with tally.taken() as amounts:
        samples = told(amounts)
    name = f"{PREFIX}bulk_request_seconds"
    assert samples[name + "_bucket", (("le", "0.005"),)] == 2
    assert samples[name + "_bucket", (("le", "0.25"),)] == 2
    assert samples[name + "_bucket", (("le", "0.5"),)] == 3
    assert samples[name + "_bucket", (("le", "30"),)] == 3
    assert samples[name + "_bucket", (("le", "+Inf"),)] == samples[name + "_count", ()] == 4
    assert math.isclose(samples[name + "_sum", ()], 100.306)


def test_a_body_is_timed_also_where_it_fails() -> None:
    tally = Tally()
    with pytest.raises(ValueError, match="x"), tally.timed(SEARCH_SECONDS, "page"):
        raise ValueError("x")
    with tally.taken() as amounts:
        assert told(amounts)[f"{PREFIX}search_seconds_count", (("kind", "page"),)] == 1


def test_what_was_never_counted_is_told_as_nothing() -> None:
    samples = told({})
    assert samples[f"{PREFIX}images_total", (("outcome", "error"), ("code", "not_dicom"))] == 0
    assert samples[f"{PREFIX}search_seconds_count", (("kind", "export"),)] == 0


def test_what_another_version_has_counted_is_left_out() -> None:
    samples = told({"of_the_past_total|x": 3, "images_total|done": 3, "bulk_request_seconds|a|0.5": 3})
    assert samples == told({})


def test_labels_have_to_be_those_of_the_catalogue() -> None:
    with pytest.raises(ValueError, match="has the labels"):
        Tally().count(IMAGES, "done")


def test_names_follow_the_conventions() -> None:
    everything: tuple[Counter | Histogram, ...] = (*COUNTERS, *HISTOGRAMS)
    assert len({one.name for one in everything}) == len(everything)
    assert all(one.name.startswith(PREFIX) and one.help.endswith(".") for one in everything)
    assert all(one.name.endswith("_total") for one in COUNTERS)
    assert all(one.name.endswith(("_seconds", "_bytes", "_documents")) for one in HISTOGRAMS)
    assert all(list(one.bounds) == sorted(set(one.bounds)) for one in HISTOGRAMS)


def test_scripts_get_amounts_one_after_the_other() -> None:
    assert flattened({"a": 1, "b": 0.25}) == ["a", "1", "b", "0.25"]
