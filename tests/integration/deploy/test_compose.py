"""What docker-compose.yml starts, with which rights, and who can reach whom."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from indexer.cli.setup import setup
from indexer.settings import Settings
from indexer.setup.secrets import secrets_of
from local.redis import redis_service
from local.stack import build_stack
from tests.conftest import REPOSITORY
from tests.integration.deploy.compose_file import REQUIRED, read_compose, services_of, settings_values

OWN = ("web", "worker", "watcher")
ONCE = ("setup-files", "setup-index", "setup-users", "setup-kibana")
NODES = ("elasticsearch", "elasticsearch-2", "elasticsearch-3")
OTHERS = ("nginx", "redis", "kibana", "flower", "prometheus")
LASTING = (*OWN, *NODES, *OTHERS)
IN_PROFILES = {
    "kibana": {"kibana", "setup-kibana"},
    "cluster": {"elasticsearch-2", "elasticsearch-3"},
    "monitoring": {"flower", "prometheus"},
}
# What .env holds for Compose and nginx alone; everything else that starts with DICOMSEARCH_ must be a setting.
FOR_COMPOSE = {
    *("address", "http_port", "https_port", "tls_folder", "searches_per_second", "logins_per_minute"),
    *("redis_password", "user", "workers", "worker_memory", "elasticsearch_memory", "elasticsearch_first"),
}
SECRETS = {
    *("redis_password", "secret_key", "admin_password", "elasticsearch_password", "elasticsearch_query_password"),
    *("analyst_password", "kibana_token"),
}


def specs_of(service: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What `dicomsearch up` would start with the settings of a container, by name."""
    values = settings_values(service) | {"home": str(folder), "incoming": str(folder / "incoming")}
    settings = Settings.model_validate({k: v for k, v in values.items() if k in Settings.model_fields})
    return {spec.name: spec for spec in build_stack(settings).specs}


@pytest.mark.parametrize("profiles", [(), ("kibana",), ("cluster",), ("monitoring",), tuple(IN_PROFILES)])
def test_it_starts_these_services_and_no_others(tmp_path: Path, profiles: tuple[str, ...]) -> None:
    always = {*ONCE, *LASTING} - set().union(*IN_PROFILES.values())
    # Those of .env count unless others are named; so none are left in it here.
    started = services_of(tmp_path, REQUIRED | {"COMPOSE_PROFILES": ""}, profiles=profiles)["services"]
    assert set(started) == always.union(*(IN_PROFILES[profile] for profile in profiles))


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


@pytest.mark.parametrize(
    ("name", "known"),
    {
        "web": {"secret_key", "elasticsearch_password", "elasticsearch_query_password"},
        "worker": {"elasticsearch_password"},
        "watcher": {"elasticsearch_password"},
        "flower": {"elasticsearch_password"},
        "setup-files": {
            *("elasticsearch_password", "elasticsearch_query_password", "analyst_password", "kibana_token"),
        },
        "setup-index": {"elasticsearch_password"},
        "setup-users": {"elasticsearch_password", "secret_key", "admin_password"},
        "setup-kibana": {"elasticsearch_password", "analyst_password"},
        "kibana": {"analyst_password", "kibana_token"},
        **{name: set() for name in (*NODES, "nginx", "prometheus")},
    }.items(),
)
def test_a_container_knows_no_secret_that_it_does_not_need(compose: dict[str, Any], name: str, known: set[str]) -> None:
    values = settings_values(compose["services"][name])
    assert {secret for secret in SECRETS if values.get(secret)} == known
    for secret in SECRETS - known:
        assert REQUIRED[f"DICOMSEARCH_{secret.upper()}"] not in str(compose["services"][name]).replace(
            values.get("redis_url", ""), ""
        )


def test_the_secrets_are_those_that_the_command_makes_and_the_password_that_a_person_chooses() -> None:
    done = CliRunner().invoke(setup, ["secrets"])
    made = {line.partition("=")[0].removeprefix("DICOMSEARCH_").lower() for line in done.stdout.splitlines()}
    assert made | {"admin_password"} == SECRETS


def test_what_the_command_makes_is_taken_when_it_is_added_to_env(tmp_path: Path) -> None:
    made = dict(line.split("=", 1) for line in CliRunner().invoke(setup, ["secrets"]).stdout.splitlines())
    own = {name: REQUIRED[name] for name in ("DICOMSEARCH_INCOMING", "DICOMSEARCH_ADMIN_PASSWORD")}
    values = settings_values(services_of(tmp_path, own | made)["services"]["setup-files"])
    assert values["kibana_token"] == made["DICOMSEARCH_KIBANA_TOKEN"]
    assert secrets_of(Settings.model_validate({k: v for k, v in values.items() if k in Settings.model_fields})).tokens


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
    redis_service(tmp_path, port=1, password=REQUIRED["DICOMSEARCH_REDIS_PASSWORD"])
    of_this_machine = {"bind", "port", "dir", "daemonize", "set-proc-title"}
    lines = (tmp_path / "data" / "redis" / "redis.conf").read_text().splitlines()
    embedded = {words[0]: words[1] for words in map(shlex.split, lines) if words[0] not in of_this_machine}
    program, *arguments = compose["services"]["redis"]["command"]
    assert program == "redis-server"
    assert {n.removeprefix("--"): v for n, v in zip(arguments[::2], arguments[1::2], strict=True)} == embedded


def test_only_nginx_is_published_and_only_on_loopback(compose: dict[str, Any]) -> None:
    ports = {name: service.get("ports") for name, service in compose["services"].items() if service.get("ports")}
    assert list(ports) == ["nginx"]
    published = {(port["host_ip"], port["published"]): port["target"] for port in ports["nginx"]}
    assert published == {("127.0.0.1", "443"): 8443, ("127.0.0.1", "80"): 8080}
    listened = {compose["services"]["nginx"]["environment"][f"DICOMSEARCH_NGINX_LISTEN{x}"] for x in ("", "_TLS")}
    assert listened == set(map(str, published.values()))


def test_only_nginx_has_a_way_out(compose: dict[str, Any]) -> None:
    open_networks = {name for name, network in compose["networks"].items() if not network.get("internal")}
    modes = {
        name: service["network_mode"] for name, service in compose["services"].items() if "network_mode" in service
    }
    assert modes == {"setup-files": "none"}
    assert {n for n, s in compose["services"].items() if open_networks & set(s.get("networks", ()))} == {"nginx"}


@pytest.mark.parametrize(
    ("service", "reached_by"),
    [
        ("redis", {*OWN, "setup-users", "flower"}),
        ("elasticsearch", {*OWN, "setup-index", "setup-users", "kibana", "elasticsearch-2", "elasticsearch-3"}),
        ("kibana", {"nginx", "setup-kibana", *NODES}),
        ("nginx", {"web", "kibana", "flower", "setup-kibana"}),
        ("flower", {*OWN, "nginx", "redis", "setup-users"}),
        ("prometheus", {"web"}),
        ("setup-files", set()),
    ],
)
def test_a_service_shares_a_network_only_with_those_that_need_it(
    compose: dict[str, Any], service: str, reached_by: set[str]
) -> None:
    networks = {name: set(value.get("networks", ())) for name, value in compose["services"].items()}
    assert {n for n in networks if n != service and networks[n] & networks[service]} == reached_by


def test_whoever_asks_for_elasticsearch_finds_every_node_of_a_cluster(compose: dict[str, Any]) -> None:
    for name in NODES[1:]:
        networks = compose["services"][name]["networks"]
        assert {network: value["aliases"] for network, value in networks.items()} == {
            "archive": ["elasticsearch"],
            "analysis": ["elasticsearch"],
        }


@pytest.mark.parametrize("name", ONCE)
def test_what_is_done_once_is_not_started_again(compose: dict[str, Any], name: str) -> None:
    assert compose["services"][name]["restart"] == "no"
    assert compose["services"][name]["healthcheck"] == {"disable": True}


@pytest.mark.parametrize("name", LASTING)
def test_every_service_that_lasts_is_started_again_and_checked(compose: dict[str, Any], name: str) -> None:
    assert compose["services"][name]["restart"] == "unless-stopped"
    assert compose["services"][name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", [*LASTING, *ONCE])
def test_every_service_is_bounded_and_without_privileges(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert int(service["deploy"]["resources"]["limits"]["memory"]) > 0
    assert service["deploy"]["resources"]["limits"]["pids"] > 0
    assert service["logging"]["options"] == {"max-file": "5", "max-size": "20m"}


@pytest.mark.parametrize("name", [*OWN, *ONCE, "nginx", "redis", "flower", "prometheus"])
def test_what_can_runs_as_an_ordinary_user_on_a_file_system_that_it_cannot_write(
    compose: dict[str, Any], name: str
) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])


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


def test_more_watched_folders_are_added_as_the_documentation_says(compose: dict[str, Any], tmp_path: Path) -> None:
    [example] = re.findall(r"```yaml\n(x-more.+?)```", (REPOSITORY / "docs" / "deploy.md").read_text(), re.DOTALL)
    services = services_of(tmp_path, override=example)["services"]
    for name in OWN:
        before, after = compose["services"][name]["volumes"], services[name]["volumes"]
        [added] = [mount for mount in after if mount["target"] == "/incoming-ct"]
        assert (added["source"], added["bind"]["create_host_path"]) == ("/data/ct", False)
        assert [mount for mount in after if mount != added] == before
        folders = Settings(incoming=settings_values(services[name])["incoming"]).incoming_folders
        assert list(map(str, folders)) == ["/incoming", "/incoming-ct"]
        assert services[name]["command"] == compose["services"][name]["command"]


def test_what_is_set_up_is_read_by_those_alone_for_whom_it_is(compose: dict[str, Any]) -> None:
    mounts: dict[str, set[tuple[str, bool]]] = {}
    for name, service in compose["services"].items():
        for mount in service.get("volumes", ()):
            if mount["type"] == "volume":
                mounts.setdefault(mount["source"], set()).add((name, bool(mount.get("read_only"))))
    made = ("setup-files", False)
    assert mounts["authority"] == {made}
    assert mounts["nginx"] == {made, ("nginx", True)}
    assert mounts["elasticsearch-files"] == {made, *((node, True) for node in NODES)}
    # In it is the certificate of the authority alone, which is no secret.
    assert mounts["trust"] == {
        made,
        *((name, True) for name in (*OWN, "setup-index", "setup-users", "flower", "kibana")),
    }
    assert mounts["snapshots"] == {made, *((node, False) for node in NODES)}
    for node in NODES:
        assert mounts[node] == {(node, False)}


def test_a_certificate_and_a_folder_of_ones_own_take_the_place_of_volumes(tmp_path: Path) -> None:
    own = {"DICOMSEARCH_TLS_FOLDER": "/etc/ssl/dicom", "DICOMSEARCH_SNAPSHOTS": "/mnt/backup"}
    services = services_of(tmp_path, REQUIRED | own)["services"]
    [tls] = [mount for mount in services["nginx"]["volumes"] if mount["target"] == "/etc/nginx/tls"]
    assert (tls["type"], tls["source"], tls["read_only"]) == ("bind", "/etc/ssl/dicom", True)
    for node in NODES:
        targets = {mount["target"]: mount["source"] for mount in services[node]["volumes"]}
        assert targets[services[node]["environment"]["path.repo"]] == "/mnt/backup"


def test_services_wait_for_what_they_need(compose: dict[str, Any]) -> None:
    needs = {
        name: {other: value["condition"] for other, value in service.get("depends_on", {}).items()}
        for name, service in compose["services"].items()
    }
    healthy, done = "service_healthy", "service_completed_successfully"
    set_up = {"redis": healthy, "elasticsearch": healthy, "setup-index": done}
    assert needs == {
        "setup-files": {},
        **{node: {"setup-files": done} for node in NODES},
        "nginx": {"setup-files": done},
        "redis": {},
        "setup-index": {"elasticsearch": healthy},
        "setup-users": set_up,
        "web": set_up | {"setup-users": done},
        "worker": set_up,
        "watcher": set_up,
        "kibana": {"elasticsearch": healthy, "setup-index": done},
        "setup-kibana": {"kibana": healthy},
        "flower": {"redis": healthy},
        "prometheus": {},
    }


def test_every_image_has_an_exact_version(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert re.search(r":v?\d+\.\d+\.\d+(-alpine)?$", service["image"]), service["image"]
    assert {compose["services"][node]["image"] for node in NODES} == {"elasticsearch:9.2.0"}
    assert compose["services"]["kibana"]["image"] == "kibana:9.2.0"


def test_kibana_gets_what_its_configuration_asks_for(compose: dict[str, Any]) -> None:
    kibana = compose["services"]["kibana"]
    configuration = (REPOSITORY / "kibana" / "kibana.yml").read_text()
    assert set(re.findall(r"\$\{(\w+)\}", configuration)) == set(kibana["environment"])
    mounts = {mount["target"]: mount["source"] for mount in kibana["volumes"]}
    [authority] = re.findall(r"certificateAuthorities: \[(.+)/ca\.crt\]", configuration)
    assert mounts[authority] == "trust"
    assert Path(mounts["/usr/share/kibana/config/kibana.yml"]).name == "kibana.yml"
    assert f"username: {Settings().analyst_username}\n" in configuration
    # Its address as nginx, the steps and its own health check ask for it.
    assert "server.basePath: /kibana\nserver.rewriteBasePath: true\n" in configuration
    assert compose["services"]["setup-kibana"]["environment"]["DICOMSEARCH_KIBANA_URL"] == "http://kibana:5601/kibana"
    assert compose["services"]["nginx"]["environment"]["DICOMSEARCH_NGINX_KIBANA"] == "kibana:5601"
    assert kibana["healthcheck"]["test"][-1] == "http://localhost:5601/kibana/api/status"
    assert "status.allowAnonymous: true" in configuration
    # nginx hands on this cookie alone.
    [cookie] = re.findall(r"cookieName: (\w+)", configuration)
    assert f"(?<kibana_session>{cookie}=" in (REPOSITORY / "nginx" / "nginx.conf.template").read_text()


def test_prometheus_asks_web_where_it_answers(compose: dict[str, Any]) -> None:
    web = settings_values(compose["services"]["web"])
    [target] = re.findall(r'targets: \["(.+)"\]', (REPOSITORY / "monitoring" / "prometheus.yml").read_text())
    assert target == f"web:{web['metrics_port']}"
    [mount] = [m for m in compose["services"]["prometheus"]["volumes"] if m["type"] == "bind"]
    [file] = [
        w.partition("=")[2] for w in compose["services"]["prometheus"]["command"] if w.startswith("--config.file")
    ]
    assert file == f"{mount['target']}/prometheus.yml"


def test_env_example_explains_every_variable_of_the_compose_file() -> None:
    used = set(re.findall(r"\$\{(\w+)", (REPOSITORY / "docker-compose.yml").read_text()))
    explained = set(re.findall(r"^(\w+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))
    assert explained - used <= {
        "COMPOSE_PROFILES",
        "DICOMSEARCH_SHARDS",
        "DICOMSEARCH_REPLICAS",
    }  # read by Compose itself, and by ours
    assert used <= explained


def test_defaults_of_the_compose_file_are_those_of_env_example() -> None:
    defaults = dict(re.findall(r"\$\{(\w+):?-([^}]*)\}", (REPOSITORY / "docker-compose.yml").read_text()))
    example = dict(re.findall(r"^(\w+)=(.*)$", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))
    volumes = {"DICOMSEARCH_TLS_FOLDER": "nginx", "DICOMSEARCH_SNAPSHOTS": "snapshots"}  # unless a folder is named
    assert defaults == {name: example[name] or volumes.get(name, "") for name in defaults}
