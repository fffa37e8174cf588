"""The files of `dicomsearch setup files`: made once, kept, renewed, and readable for those alone who need them."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from indexer.cli import group
from indexer.settings import Settings
from indexer.setup.files import SetupFiles, make_files
from indexer.setup.hashes import fits
from indexer.setup.secrets import new_password, new_token, secrets_of, token_of

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PRIVATE = {
    "authority/ca.key",
    "elasticsearch/users",
    "elasticsearch/users_roles",
    "elasticsearch/roles.yml",
    "elasticsearch/service_tokens",
    *(f"{service}/tls.key" for service in ("elasticsearch", "kibana", "nginx")),
}
PUBLIC = {
    "authority/ca.crt",
    "trust/ca.crt",
    *(f"{service}/{name}" for service in ("elasticsearch", "kibana", "nginx") for name in ("tls.crt", "ca.crt")),
}


@pytest.fixture
def settings() -> Settings:
    return Settings(
        elasticsearch_password=new_password(),
        elasticsearch_query_password=new_password(),
        analyst_password=new_password(),
        kibana_token=new_token(),
        hosts="archive.example.org [2001:db8::1]",
    )


def make(
    folder: Path, settings: Settings, *, now: datetime = NOW, shared: bool = False, hosts: tuple[str, ...] = ()
) -> list[str]:
    said: list[str] = []
    make_files(SetupFiles(folder, shared), settings, secrets_of(settings), hosts=hosts, now=now, say=said.append)
    return said


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_there_is_all_that_services_need_and_nothing_else(tmp_path: Path, settings: Settings) -> None:
    make(tmp_path / "made", settings)
    assert set(contents(tmp_path / "made")) == PRIVATE | PUBLIC


@pytest.mark.parametrize(("shared", "of_files", "of_folders"), [(False, 0o600, 0o700), (True, 0o640, 0o750)])
def test_private_files_are_read_by_their_owner_or_group_alone(
    tmp_path: Path, settings: Settings, shared: bool, of_files: int, of_folders: int
) -> None:
    folder = tmp_path / "made"
    make(folder, settings)
    make(folder, settings, shared=shared)  # rights follow, also where nothing else changes
    own = {"authority/ca.key": 0o600}
    assert {name: mode(folder / name) for name in PRIVATE} == dict.fromkeys(PRIVATE, of_files) | own
    assert {name: mode(folder / name) for name in PUBLIC} == dict.fromkeys(PUBLIC, 0o644)
    folders = {name: mode(folder / name) for name in ("authority", "trust", "elasticsearch", "kibana", "nginx")}
    wanted = dict.fromkeys(("elasticsearch", "kibana", "nginx"), of_folders)
    assert folders == wanted | {"authority": 0o700, "trust": 0o755}


def test_made_again_nothing_changes(tmp_path: Path, settings: Settings) -> None:
    make(tmp_path, settings)
    before = contents(tmp_path)
    said = make(tmp_path, settings, now=NOW + timedelta(days=300))
    assert contents(tmp_path) == before
    assert all(": kept" in line for line in said)


def test_users_follow_the_passwords_and_the_others_stay(tmp_path: Path, settings: Settings) -> None:
    make(tmp_path, settings)
    before = contents(tmp_path)
    changed = settings.model_copy(
        update={
            "elasticsearch_password": Settings(elasticsearch_password="another good password").elasticsearch_password
        }
    )
    said = make(tmp_path, changed)
    after = contents(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"elasticsearch/users"}
    assert "elasticsearch/users: written (dicomsearch, dicomsearch_query, dicomsearch_analyst)" in said
    users = dict(line.split(":", 1) for line in after["elasticsearch/users"].decode().splitlines())
    assert fits("another good password", users["dicomsearch"])
    former = dict(line.split(":", 1) for line in before["elasticsearch/users"].decode().splitlines())
    assert users["dicomsearch_query"] == former["dicomsearch_query"]


def test_without_kibana_there_is_no_user_and_no_token_for_it(tmp_path: Path, settings: Settings) -> None:
    make(tmp_path, settings)
    make(tmp_path, settings.model_copy(update={"analyst_password": None, "kibana_token": None}))
    found = contents(tmp_path)
    assert found["elasticsearch/users_roles"] == b"dicomsearch:dicomsearch\ndicomsearch_query:dicomsearch_query\n"
    assert found["elasticsearch/service_tokens"] == b""


def test_no_file_and_no_line_has_a_secret(tmp_path: Path, settings: Settings) -> None:
    said = make(tmp_path, settings)
    token = settings.kibana_token
    assert token is not None
    secrets = [token_of(token.get_secret_value()).secret, token.get_secret_value()]
    for password in (settings.elasticsearch_password, settings.elasticsearch_query_password, settings.analyst_password):
        assert password is not None
        secrets.append(password.get_secret_value())
    written = b"".join(contents(tmp_path).values()).decode() + "\n".join(said)
    assert not [secret for secret in secrets if secret in written]
    assert "PRIVATE KEY" not in "\n".join(said)


def test_certificates_are_renewed_by_the_same_authority(tmp_path: Path, settings: Settings) -> None:
    make(tmp_path, settings)
    before = contents(tmp_path)
    said = make(tmp_path, settings, now=NOW + timedelta(days=380))
    after = contents(tmp_path)
    renewed = {
        f"{service}/{name}" for service in ("elasticsearch", "kibana", "nginx") for name in ("tls.crt", "tls.key")
    }
    assert {name for name in after if after[name] != before[name]} == renewed
    assert any(
        line.startswith("certificate of nginx: made (it expires on 2027-12-26), valid until 2029-01-") for line in said
    )
    authority = x509.load_pem_x509_certificate(after["trust/ca.crt"])
    x509.load_pem_x509_certificate(after["nginx/tls.crt"]).verify_directly_issued_by(authority)


def test_a_lost_authority_is_made_anew_with_all_its_certificates(tmp_path: Path, settings: Settings) -> None:
    make(tmp_path, settings)
    before = contents(tmp_path)
    (tmp_path / "authority" / "ca.key").unlink()
    said = make(tmp_path, settings)
    after = contents(tmp_path)
    assert said[0].startswith("authority: made (there is none)")
    assert all(after[name] != before[name] for name in PUBLIC)
    authority = x509.load_pem_x509_certificate(after["trust/ca.crt"])
    for service in ("elasticsearch", "kibana", "nginx"):
        x509.load_pem_x509_certificate(after[f"{service}/tls.crt"]).verify_directly_issued_by(authority)


def test_names_for_browsers_are_nginxs_alone_and_further_ones_are_for_all(tmp_path: Path, settings: Settings) -> None:
    make(tmp_path, settings, hosts=("10.1.2.3",))

    def names(service: str) -> list[str]:
        certificate = x509.load_pem_x509_certificate((tmp_path / service / "tls.crt").read_bytes())
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return [str(name.value) for name in found]

    shared = ["localhost", "127.0.0.1", "::1", "10.1.2.3"]
    assert names("elasticsearch") == ["elasticsearch", *shared]
    assert names("kibana") == ["kibana", *shared]
    assert names("nginx") == ["nginx", *shared, "archive.example.org", "2001:db8::1"]


def test_a_link_in_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path, settings: Settings) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "made"
    (folder / "elasticsearch").mkdir(parents=True)
    (folder / "elasticsearch" / "users").symlink_to(victim)
    make(folder, settings)
    assert victim.read_text() == "precious"
    assert not (folder / "elasticsearch" / "users").is_symlink()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> dict[str, str]:
    given = {
        f"DICOMSEARCH_{name.upper()}": getattr(settings, name).get_secret_value()
        for name in ("elasticsearch_password", "elasticsearch_query_password", "analyst_password", "kibana_token")
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


def run(*arguments: object) -> Result:
    return CliRunner().invoke(group, ["setup", *map(str, arguments)])


def test_the_command_makes_them_and_tells_each_step(tmp_path: Path, environment: dict[str, str]) -> None:
    result = run("files", "--to", tmp_path / "made", "--group", "--host", "archive.example.org")
    assert result.exit_code == 0, result.output
    assert set(contents(tmp_path / "made")) == PRIVATE | PUBLIC
    steps = [line.split(":")[0] for line in result.output.splitlines()]
    assert steps == [
        "authority",
        *(f"certificate of {service}" for service in ("elasticsearch", "kibana", "nginx")),
        *(f"elasticsearch/{name}" for name in ("users", "users_roles", "roles.yml", "service_tokens")),
    ]
    assert not [value for value in environment.values() if value in result.output]


def test_a_secret_that_is_missing_stops_it_before_anything_is_made(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD")
    result = run("files", "--to", tmp_path / "made")
    assert result.exit_code == 2
    assert "DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD is not set" in result.output
    assert not (tmp_path / "made").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "file").touch()
    result = run("files", "--to", tmp_path / "file" / "made")
    assert result.exit_code == 2
    assert f"cannot use {tmp_path}/file" in result.output


def test_printed_secrets_are_lines_for_the_environment_that_setup_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = dict(line.split("=", 1) for line in run("secrets").output.splitlines())
    for name, value in lines.items():
        monkeypatch.setenv(name, value)
    assert run("files", "--to", tmp_path).exit_code == 0
    assert lines["DICOMSEARCH_REDIS_PASSWORD"].isalnum()
