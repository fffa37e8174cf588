"""Each panel of the dashboard on a real Elasticsearch, against what pydicom reads in the files."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.integration.kibana.conftest import FUTURE, OLD, Image, Imported
from tests.integration.kibana.requests import MISSING, OTHER, Row, rows
from tests.saved_objects import Layer, controls, layer_of, layers

LAYERS = list(layers())
Values = Callable[[Image], list[Any]]


@pytest.fixture(scope="session")
def shown(imported: Imported) -> list[Image]:
    """What the dashboard is about: all images but those of improbable dates."""
    found = [image for image in imported.images if image.id not in (OLD, FUTURE)]
    assert len(found) == len(imported.images) - 2
    return found


@pytest.fixture
def chart(imported: Imported) -> Callable[[str], list[Row]]:
    """What the chart of a panel shows."""
    return lambda panel: rows(imported.services.elasticsearch, imported.settings.index, layer_of(panel))


def values(keyword: str) -> Values:
    """Read an element as pydicom does; none where it is missing or empty."""

    def read(image: Image) -> list[Any]:
        value = image.dataset.get(keyword)
        if value is None or value == "":
            return []
        return [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)

    return read


def sop_class(image: Image) -> list[str]:
    uid = image.dataset.get("SOPClassUID") or image.dataset.file_meta.get("MediaStorageSOPClassUID")
    return [uid.name if uid else "unknown"]


def transfer_syntax(image: Image) -> list[str]:
    uid = image.dataset.file_meta.get("TransferSyntaxUID")
    return [uid.name if uid else "unknown"]


def groups(images: list[Image], read: Values) -> Counter[str]:
    """Count images by their values, and those without one."""
    found = [value for image in images for value in {*read(image)} or {MISSING}]
    return Counter(str(value) for value in found)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.panel)
def test_each_chart_shows_something(layer: Layer, imported: Imported) -> None:
    found = rows(imported.services.elasticsearch, imported.settings.index, layer)
    assert found
    for name in layer.numbers:
        assert any(row[name] for row in found), name


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.panel)
def test_elasticsearch_can_aggregate_each_field_of_a_chart(layer: Layer, field_caps: dict[str, Any]) -> None:
    for column in layer.columns.values():
        if column["operationType"] != "count":
            [about] = field_caps[column["sourceField"]].values()
            assert about["aggregatable"], column["sourceField"]


def test_figures_are_those_of_the_files(chart: Callable[[str], list[Row]], shown: list[Image]) -> None:
    def figure(panel: str) -> float:
        [row] = chart(panel)
        return float(row["number"])

    assert figure("images") == len(shown)
    assert figure("batch-count") == len({image.batch for image in shown}) == 3
    assert figure("size") == sum(image.path.stat().st_size for image in shown)
    # Images without the UID belong to studies and series of their own.
    for panel, keyword in (("studies", "StudyInstanceUID"), ("series", "SeriesInstanceUID")):
        read = values(keyword)
        without = sum(not read(image) for image in shown)
        named = len({str(value) for image in shown for value in read(image)})
        assert named < figure(panel) <= named + without
    patients = {str(value) for image in shown for value in values("PatientID")(image)}
    assert figure("patients") >= len(patients) > 10


@pytest.mark.parametrize(
    ("panel", "read"),
    [
        ("modalities", values("Modality")),
        ("body-parts", values("BodyPartExamined")),
        ("transfer-syntaxes", transfer_syntax),
        ("sop-classes", sop_class),
    ],
)
def test_bars_count_the_images_of_each_value_of_those_without_and_of_others(
    panel: str, read: Values, chart: Callable[[str], list[Row]], shown: list[Image]
) -> None:
    found = {row["group"]: row["number"] for row in chart(panel)}
    expected = groups(shown, read)
    others = found.pop(OTHER, 0)
    assert found == {value: expected[value] for value in found}
    size = layer_of(panel).columns["group"]["params"]["size"]
    assert len(found) == min(size, len(expected))
    assert sorted(found.values()) == sorted(count for _value, count in expected.most_common(size))
    assert others == sum(not {*map(str, read(image) or [MISSING])} & found.keys() for image in shown)


def test_stations_are_those_with_most_studies(chart: Callable[[str], list[Row]], shown: list[Image]) -> None:
    found = {row["group"]: row["number"] for row in chart("stations")}
    for station in ("STATION2", "STATION3"):
        assert found[station] == 1
    studies: dict[str, set[str]] = {}
    for image in shown:
        for station in values("StationName")(image):
            studies.setdefault(str(station), set()).update(map(str, values("StudyInstanceUID")(image)))
    named = {station: found[station] for station in found.keys() & studies.keys()}
    assert len(named) > 5
    assert all(len(studies[station]) <= count for station, count in named.items())
    assert found[max(named, key=lambda one: named[one])] == max(len(of_one) for of_one in studies.values())


def test_months_count_all_images_by_modality(chart: Callable[[str], list[Row]], shown: list[Image]) -> None:
    found = chart("images-over-time")
    assert sum(row["number"] for row in found) == len(shown) - _beyond_the_first_modalities(shown)
    # Made: a study in each year from 2011 to 2018, of January in the first and of August in the last.
    made = {(row["split"], row["group"][:7]): row["number"] for row in found if row["number"]}
    for number in range(1, 9):
        assert made["CT" if number % 2 else "MR", f"201{number}-0{number}"] >= 1
    assert made["CT", "2004-01"] >= 1


def _beyond_the_first_modalities(shown: list[Image]) -> int:
    counted = groups(shown, values("Modality"))
    size = layer_of("images-over-time").columns["split"]["params"]["size"]
    return sum(counted.values()) - sum(count for _value, count in counted.most_common(size))


def test_spans_of_slice_thickness_include_their_start_and_not_their_end(
    chart: Callable[[str], list[Row]], shown: list[Image]
) -> None:
    found = {row["group"]: row["number"] for row in chart("slice-thickness")}
    thick = [[float(value) for value in values("SliceThickness")(image)] for image in shown]
    for row, (start, end) in {"0 to 0.5": (0, 0.5), "1 to 1.5": (1, 1.5), "5 to 6": (5, 6)}.items():
        assert found[row] == sum(any(start <= one < end for one in of_one) for of_one in thick), row
    assert found["10 and more"] == sum(any(one >= 10 for one in of_one) for of_one in thick) > 0
    assert sum(found.values()) == sum(any(one >= 0 for one in of_one) for of_one in thick) > 40


def test_ages_are_counted_in_years(chart: Callable[[str], list[Row]], shown: list[Image]) -> None:
    found = {row["group"]: row["number"] for row in chart("ages")}
    # Made: 18 months, 6 weeks and 10 days; 17, 18 and 19 years.
    assert found["0 to 1"] >= 2
    assert found["1 to 10"] >= 1
    assert found["10 to 20"] >= 3
    ages = {str(image.dataset.PatientID) for image in shown if values("PatientAge")(image)}
    assert sum(found.values()) <= len(ages) + 5


def test_manufacturers_lead_to_their_models(chart: Callable[[str], list[Row]], shown: list[Image]) -> None:
    found = {(row["manufacturer"], row["model"]): row["images"] for row in chart("manufacturers")}
    pairs = Counter(
        (
            str((values("Manufacturer")(image) or [MISSING])[0]),
            str((values("ManufacturerModelName")(image) or [MISSING])[0]),
        )
        for image in shown
    )
    assert len(found) >= 20
    assert found == {pair: pairs[pair] for pair in found}


def test_malformed_values_are_added_up_where_they_come_from(chart: Callable[[str], list[Row]]) -> None:
    found = chart("malformed")
    assert all(row["values"] >= row["images"] > 0 for row in found)
    # Made: an image with a date of birth that is a year only, of no manufacturer.
    [made] = [row for row in found if row["manufacturer"] == MISSING]
    assert made["images"] >= 1


def test_private_creators_are_counted(chart: Callable[[str], list[Row]], shown: list[Image]) -> None:
    found = {row["creator"]: row["images"] for row in chart("creators")}
    assert found["ACME_1.0/é: x"] == sum(image.batch == "made" for image in shown)
    creators = Counter(
        creator
        for image in shown
        for creator in {
            str(element.value).strip()
            for element in image.dataset
            if element.tag.is_private_creator and str(element.value).strip()
        }
    )
    # There are more of them inside sequences.
    assert found == {creator: max(count, creators[creator]) for creator, count in found.items()}
    assert creators.keys() <= found.keys() | {""}


def test_batches_are_told_apart_the_latest_first(chart: Callable[[str], list[Row]], shown: list[Image]) -> None:
    found = chart("batches")
    assert [row["batch"] for row in found] == ["again", "made", "test_files"]
    for row in found:
        of_batch = [image for image in shown if image.batch == row["batch"]]
        assert row["images"] == len(of_batch)
        assert row["size"] == sum(image.path.stat().st_size for image in of_batch)
        assert row["studies"] >= 1
        assert row["patients"] >= 1
    assert sum(row["values"] for row in found) == sum(row["values"] for row in chart("malformed"))


def test_lists_offer_the_values_of_the_archive(imported: Imported, shown: list[Image]) -> None:
    for control in controls().values():
        field = control["explicitInput"]["fieldName"]
        # As Kibana asks for them: src/platform/plugins/shared/controls/server/options_list
        aggs = {"suggestions": {"terms": {"field": field, "size": 10, "shard_size": 10, "order": {"_count": "desc"}}}}
        answer = imported.services.elasticsearch.search(index=imported.settings.index, size=0, aggs=aggs)
        offered = {bucket["key"] for bucket in answer["aggregations"]["suggestions"]["buckets"]}
        assert len(offered) >= 3, field
        if field != "batch":
            there = {str(value) for image in imported.images for value in values(field.removesuffix(".keyword"))(image)}
            assert offered <= there, field
