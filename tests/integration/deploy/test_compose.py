"""What docker-compose.yml starts, with which rights, and who can reach whom."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from indexer.settings import Settings
from local.redis import redis_service
from local.stack import build_stack
from tests.conftest import REPOSITORY
from tests.integration.deploy.compose_file import REQUIRED, read_compose, services_of, settings_values

OWN = ("web", "worker", "watcher")
ALL = (*OWN, "nginx", "redis", "elasticsearch", "kibana")
# What .env holds for Compose alone; everything else that starts with DICOMSEARCH_ must be a setting.
FOR_COMPOSE = {"address", "hosts", "redis_password", "user", "workers", "worker_memory", "elasticsearch_memory"}


def specs_of(service: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What `dicomsearch up` would start with the settings of a container, by name."""
    values = settings_values(service) | {"home": str(folder), "incoming": str(folder / "incoming")}
    settings = Settings.model_validate({k: v for k, v in values.items() if k in Settings.model_fields})
    return {spec.name: spec for spec in build_stack(settings).specs}


def test_it_starts_these_services_and_no_others(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == set(ALL)


@pytest.mark.parametrize("missing", sorted(REQUIRED))
def test_a_missing_value_stops_the_start_with_its_name(tmp_path: Path, missing: str) -> None:
    done = read_compose(tmp_path, REQUIRED | {missing: ""})
    assert done.returncode != 0
    assert f"required variable {missing} is missing a value: set it in .env" in done.stderr


@pytest.mark.parametrize("name", OWN)
def test_a_container_runs_the_command_of_dicomsearch_up(compose: dict[str, Any], tmp_path: Path, name: str) -> None:
    spec = specs_of(compose["services"][name], tmp_path)[name]
    assert compose["services"][name]["command"] == [Path(spec.command[0]).name, *spec.command[1:]]


def test_the_command_follows_the_settings(tmp_path: Path) -> None:
    values = REQUIRED | {"DICOMSEARCH_WORKER_PROCESSES": "7", "DICOMSEARCH_LOG_LEVEL": "WARNING"}
    services = services_of(tmp_path, values)["services"]
    spec = specs_of(services["worker"], tmp_path)["worker"]
    assert services["worker"]["command"][1:] == list(spec.command[1:])
    assert {"7", "WARNING"} <= set(services["worker"]["command"])


@pytest.mark.parametrize("name", OWN)
def test_a_container_has_the_time_to_end_that_dicomsearch_up_gives(
    compose: dict[str, Any], tmp_path: Path, name: str
) -> None:
    spec = specs_of(compose["services"][name], tmp_path)[name]
    assert compose["services"][name]["stop_grace_period"] == f"{spec.stop_seconds:.0f}s"


@pytest.mark.parametrize("name", OWN)
def test_every_variable_of_a_container_is_a_setting(compose: dict[str, Any], name: str) -> None:
    assert set(settings_values(compose["services"][name])) <= set(Settings.model_fields) | FOR_COMPOSE


def test_containers_get_the_settings_that_are_added_to_env(tmp_path: Path) -> None:
    services = services_of(tmp_path, REQUIRED | {"DICOMSEARCH_LIMIT_DEPTH": "12", "DICOMSEARCH_HOST": "example"})
    for name in OWN:
        environment = services["services"][name]["environment"]
        assert environment["DICOMSEARCH_LIMIT_DEPTH"] == "12"
        assert environment["DICOMSEARCH_HOST"] == "0.0.0.0"  # not to be changed from outside


def test_redis_is_set_as_in_the_embedded_default(compose: dict[str, Any], tmp_path: Path) -> None:
    redis_service(tmp_path, port=1, password="b1c2d3")
    of_this_machine = {"bind", "port", "dir", "daemonize", "set-proc-title"}
    lines = (tmp_path / "data" / "redis" / "redis.conf").read_text().splitlines()
    embedded = {words[0]: words[1] for words in map(shlex.split, lines) if words[0] not in of_this_machine}
    program, *arguments = compose["services"]["redis"]["command"]
    assert program == "redis-server"
    assert {n.removeprefix("--"): v for n, v in zip(arguments[::2], arguments[1::2], strict=True)} == embedded


def test_only_nginx_is_published_and_only_on_loopback(compose: dict[str, Any]) -> None:
    ports = {name: service.get("ports") for name, service in compose["services"].items() if service.get("ports")}
    assert list(ports) == ["nginx"]
    [port] = ports["nginx"]
    assert (port["host_ip"], port["published"]) == ("127.0.0.1", "8080")


def test_only_nginx_has_a_way_out(compose: dict[str, Any]) -> None:
    open_networks = {name for name, network in compose["networks"].items() if not network.get("internal")}
    assert {n for n, s in compose["services"].items() if open_networks & set(s["networks"])} == {"nginx"}
    assert not any(s.get("network_mode") for s in compose["services"].values())


@pytest.mark.parametrize(
    ("service", "reached_by"),
    [
        ("redis", {"web", "worker", "watcher"}),
        ("elasticsearch", {"web", "worker", "kibana"}),
        ("kibana", {"nginx", "elasticsearch"}),
        ("nginx", {"web", "kibana"}),
    ],
)
def test_a_service_shares_a_network_only_with_those_that_need_it(
    compose: dict[str, Any], service: str, reached_by: set[str]
) -> None:
    networks = {name: set(value["networks"]) for name, value in compose["services"].items()}
    assert {n for n in networks if n != service and networks[n] & networks[service]} == reached_by


@pytest.mark.parametrize("name", ALL)
def test_every_service_is_bounded_checked_and_without_privileges(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert int(service["deploy"]["resources"]["limits"]["memory"]) > 0
    assert service["deploy"]["resources"]["limits"]["pids"] > 0
    assert service["logging"]["options"] == {"max-file": "5", "max-size": "20m"}


@pytest.mark.parametrize("name", [*OWN, "nginx", "redis"])
def test_what_can_runs_as_an_ordinary_user_on_a_file_system_that_it_cannot_write(
    compose: dict[str, Any], name: str
) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])


def test_the_watched_folder_is_reached_by_our_own_services_and_written_by_those_that_upload_and_delete(
    compose: dict[str, Any],
) -> None:
    mounts = {
        name: mount
        for name, service in compose["services"].items()
        for mount in service.get("volumes", ())
        if mount["target"] == "/incoming"
    }
    assert set(mounts) == set(OWN)
    assert {name for name, mount in mounts.items() if not mount.get("read_only")} == {"web", "worker"}
    for mount in mounts.values():
        assert mount["source"] == "/srv/dicom"
        assert mount["bind"]["create_host_path"] is False


def test_services_wait_for_what_they_need(compose: dict[str, Any]) -> None:
    needs = {
        name: {other: value["condition"] for other, value in service.get("depends_on", {}).items()}
        for name, service in compose["services"].items()
    }
    healthy = "service_healthy"
    assert needs == {
        "web": {"redis": healthy, "elasticsearch": healthy},
        "worker": {"redis": healthy, "elasticsearch": healthy},
        "watcher": {"redis": healthy},
        "kibana": {"elasticsearch": healthy},
        "nginx": {"web": "service_started"},
        "redis": {},
        "elasticsearch": {},
    }


def test_every_image_has_a_version(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert re.search(r":\d+\.\d+", service["image"]), service["image"]
    assert compose["services"]["elasticsearch"]["image"] == "elasticsearch:9.2.0"
    assert compose["services"]["kibana"]["image"] == "kibana:9.2.0"


def test_env_example_explains_every_variable_of_the_compose_file() -> None:
    used = set(re.findall(r"\$\{(\w+)", (REPOSITORY / "docker-compose.yml").read_text()))
    explained = set(re.findall(r"^(\w+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))
    assert explained - used <= {
        "COMPOSE_PROFILES",
        "DICOMSEARCH_SHARDS",
    }  # read by Compose itself, and by web and worker
    assert used <= explained


def test_defaults_of_the_compose_file_are_those_of_env_example() -> None:
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (REPOSITORY / "docker-compose.yml").read_text()))
    example = dict(re.findall(r"^(\w+)=(.*)$", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))
    assert defaults == {name: example[name] for name in defaults}
