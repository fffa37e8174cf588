"""`dicomsearch search`: answers and errors on the command line."""

import json

import pytest
from click.testing import CliRunner, Result

from app.cli import search
from indexer.settings import Settings
from local.ports import free_port
from tests.archive import Indexed
from tests.made_images import HOSTILE, uid


@pytest.fixture
def environment(archive_settings: Settings, images: list[Indexed]) -> dict[str, str]:
    return {
        "DICOMSEARCH_ELASTICSEARCH_URL": archive_settings.elasticsearch_url,
        "DICOMSEARCH_INDEX": archive_settings.index,
        "COLUMNS": "200",
    }


def run(environment: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(search, arguments, env=environment)


def test_results_are_a_table_with_a_sum(environment: dict[str, str]) -> None:
    result = run(environment, "batch:MADE", "PatientName:doe", "--sort", "InstanceNumber")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0].split() == ["PatientName", "PatientID", "StudyDate", "Modality", "SeriesDescription", "batch"]
    assert [line.split()[1] for line in lines[1:3]] == ["John", "Jane"]
    assert lines[-1].startswith("2 images in")


def test_results_can_be_json(environment: dict[str, str]) -> None:
    result = run(environment, f"id:{uid(6)}", "--format", "json", "--fields", "PatientName,(0020,0013)")
    assert json.loads(result.output) == {
        "total": 1,
        "partial": False,
        "results": [{"id": uid(6), "fields": {"PatientName": HOSTILE, "InstanceNumber": 6}}],
    }


def test_more_results_than_are_shown_are_counted(environment: dict[str, str]) -> None:
    assert "8 images in" in run(environment, "batch:MADE", "--size", "3").output
    assert "the first 3 are shown" in run(environment, "batch:MADE", "--size", "3").output


def test_no_results_are_said_to_be_none(environment: dict[str, str]) -> None:
    result = run(environment, "zzzzzz")
    assert (result.exit_code, result.output) == (0, "No image matches.\n")


def test_markup_in_a_header_stays_text(environment: dict[str, str]) -> None:
    assert "<script>alert(1)</script>" in run(environment, f"id:{uid(6)}", "--fields", "PatientName").output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["x", "SliceThicknes:5"],
            "Error: There is no field “SliceThicknes”. Did you mean SliceThickness or LineThickness or SlabThickness?\n"
            "  x SliceThicknes:5\n"
            "    ^^^^^^^^^^^^^\n",
        ),
        (["(a"], "Error: This parenthesis is never closed.\n  (a\n  ^\n"),
        (["x", "--sort", "Modalty"], "Did you mean Modality"),
        (["x", "--fields", "Modalty"], "Did you mean Modality"),
        (["Modality:/a(/"], "cannot run this query"),
    ],
)
def test_a_wrong_request_is_one_clear_error_with_exit_code_2(
    environment: dict[str, str], arguments: list[str], expected: str
) -> None:
    result = run(environment, *arguments)
    assert result.exit_code == 2
    assert expected in result.output


def test_elasticsearch_away_is_one_clear_error(environment: dict[str, str]) -> None:
    away = environment | {"DICOMSEARCH_ELASTICSEARCH_URL": f"http://127.0.0.1:{free_port()}"}
    result = run(away, "x")
    assert result.exit_code == 2
    assert result.output.startswith("Error: Elasticsearch does not answer")
    assert len(result.output.splitlines()) == 1
