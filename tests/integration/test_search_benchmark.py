"""The benchmark of searching runs from end to end, and asks the application the same as it asks its linear scans."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_it_measures_every_question_and_the_scans_find_as_much(
    elasticsearch_url: str, redis_url: str, tmp_path: Path
) -> None:
    script = REPOSITORY / "benchmarks" / "search_latency.py"
    lent = ["--elasticsearch", elasticsearch_url, "--redis", redis_url]
    command = [
        sys.executable,
        "-W",
        "error",
        str(script),
        "--images",
        "300",
        "--asks",
        "2",
        "--keep",
        str(tmp_path),
        *lent,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=250, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line.startswith("|")
    ]
    names = [row[0] for row in rows[2:]]
    assert len(names) == 18
    assert {"a word anywhere", "a private element", "all default facets", "the page /search, studies"} <= set(names)
    assert "page 10 of images, 25 a page" in names
    assert all(all(float(cell) > 0 for cell in row[2:7]) for row in rows[2:])
    assert sum(row[8] != "" for row in rows[2:]) >= 11
    assert "the scan finds" not in done.stdout, done.stdout
