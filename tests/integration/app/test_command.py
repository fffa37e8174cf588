"""`dicomsearch search`: answers and errors on the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

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
    assert json.loads(result.stdout) == {
        "total": 1,
        "level": "image",
        "partial": False,
        "results": [{"id": uid(6), "fields": {"PatientName": HOSTILE, "InstanceNumber": 6}}],
    }


def test_more_results_than_are_shown_are_counted(environment: dict[str, str]) -> None:
    assert "8 images in" in run(environment, "batch:MADE", "--size", "3").output
    assert "the first 3 are shown" in run(environment, "batch:MADE", "--size", "3").output


@pytest.mark.parametrize("everything", [[], ["--all"]])
def test_csv_ndjson_and_paths_are_nothing_else_on_standard_output(
    environment: dict[str, str], images: list[Indexed], everything: list[str]
) -> None:
    arguments = ["batch:MADE", "--sort", "InstanceNumber", "--size", "1000", *everything]
    table = run(environment, *arguments, "--format", "csv", "--fields", "id,InstanceNumber").stdout
    assert table.splitlines() == ["id,InstanceNumber", *(f"{uid(number)},{number}" for number in range(1, 9))]
    lines = run(environment, *arguments, "--format", "ndjson", "--fields", "InstanceNumber").stdout.splitlines()
    assert json.loads(lines[4]) == {"id": uid(5), "fields": {"InstanceNumber": 5}}
    expected = {str(image.path) for image in images if image.batch == "MADE"}
    assert set(run(environment, *arguments, "--format", "paths").stdout.splitlines()) == expected
    assert set(run(environment, *arguments, "--format", "paths", "-0").stdout.split("\0")) == expected | {""}


def test_what_is_left_out_is_told_on_standard_error(environment: dict[str, str]) -> None:
    result = run(environment, "batch:MADE", "--size", "3", "--format", "ndjson")
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr == "The first 3 of 8: take --all for all of them.\n"
    assert run(environment, "batch:MADE", "--all", "--format", "ndjson").stderr == ""


def test_results_can_be_studies_and_narrowed_by_filters(environment: dict[str, str]) -> None:
    result = run(environment, "batch:MADE", "--level", "series", "--filter", "Modality:=CT")
    assert result.output.splitlines()[-1].startswith("1 series in")
    lines = run(environment, "batch:MADE", "--level", "study", "--all", "--format", "ndjson").stdout.splitlines()
    assert [json.loads(line)["below"]["images"] for line in lines] == [8]


def test_a_table_shows_ids_where_they_are_wanted(environment: dict[str, str]) -> None:
    assert uid(3) in run(environment, "batch:MADE", "--fields", "id,Modality").output


def test_the_home_says_where_the_services_are(environment: dict[str, str], tmp_path: Path) -> None:
    assert run(environment, "batch:MADE", "--home", str(tmp_path)).exit_code == 0


@pytest.mark.parametrize("form", ["csv", "json", "ndjson", "paths"])
def test_a_reader_that_goes_away_ends_it_silently(environment: dict[str, str], form: str) -> None:
    command = [str(Path(sys.executable).parent / "dicomsearch"), "search", "", "--all", "--format", form]
    command += ["--fields", "text"] if form != "paths" else []
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.wait(timeout=60)
    process.stderr.close()


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
        (["Modality:/a(/", "--all", "--format", "csv"], "cannot run this query"),
        (["x", "--filter", "a b"], "is no filter"),
        (["x", "--all"], "A table cannot have all results"),
        (["x", "--format", "csv", "--fields", "below.images"], "images do not"),
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
