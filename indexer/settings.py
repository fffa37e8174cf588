"""Every setting of dicomsearch, as one typed object that is built at the edge and passed in.

Each field is read from the environment variable ``DICOMSEARCH_<FIELD>``, or from a file of that name (lower case) in
the folder ``/run/secrets`` or ``DICOMSEARCH_SECRETS_DIR``. A wrong value is reported with the name of its variable.
"""

import os
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from indexer.home import running_services

PREFIX = "DICOMSEARCH_"
SECRETS_DIR = PREFIX + "SECRETS_DIR"
DEFAULT_SECRETS = Path("/run/secrets")
INCOMING_SEPARATOR = ":"


class SettingsError(Exception):
    """A setting has a value that cannot be used; the message names the variable and says what is expected."""


class Limits(BaseSettings):
    """Bounds of what one file may cost. What a limit cuts is counted in its receipt as `truncated`, and listed."""

    model_config = SettingsConfigDict(env_prefix=PREFIX + "LIMIT_", frozen=True, extra="ignore")

    values_per_element: int = Field(1_000, ge=1, description="values kept of one element")
    value_characters: int = Field(
        8_000, ge=64, le=8_000, description="characters kept of one value; below every `ignore_above` of the mapping"
    )
    key_characters: int = Field(256, ge=64, le=1_024, description="characters of a path or private key, at most")
    key_depth: int = Field(16, ge=1, le=18, description="sequence levels written out in a path")
    depth: int = Field(64, ge=1, le=80, description="sequence levels that are read at all")
    elements: int = Field(500_000, ge=1_000, description="elements and items read of one file")
    element_bytes: int = Field(1_000_000, ge=10_000, description="bytes read of one text element")
    unpacked_bytes: int = Field(1_000_000_000, ge=1_000_000, description="bytes that a compressed header may unpack to")
    header_bytes: int = Field(12_000_000, ge=10_000, description="bytes of the stored header (DICOM JSON)")


class Settings(BaseSettings):
    """The settings of every process: web, worker, watcher, commands."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    home: Path = Field(Path("var"), description="folder of data, logs and the embedded services")
    host: str = Field("127.0.0.1", description="address that the web server binds")
    port: int = Field(8080, ge=1, le=65_535, description="port of the web server")
    metrics_host: str = Field("127.0.0.1", description="address that the port of the metrics binds")
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65_535,
        description="port that answers `/metrics`, for Prometheus, and nothing else; it asks nobody to sign in",
    )
    accounts: Literal["auto", "on"] = Field(
        "auto", description="when people have to sign in: `auto` (unless `HOST` is loopback) or always (`on`)"
    )
    admin_password: SecretStr | None = Field(
        None, description="password of the first user, admin, whom `dicomsearch users bootstrap` adds"
    )
    secret_key: SecretStr | None = Field(
        None, description="signs the cookies of those who signed in; needed where accounts are"
    )
    session_minutes: float = Field(
        60.0, gt=0, le=1_440, description="minutes after which a session ends that is not used"
    )
    session_hours: float = Field(12.0, gt=0, le=720, description="hours after which a session ends in any case")
    secure_cookies: bool | None = Field(
        None, description="whether browsers send the cookie over TLS alone (default: unless `HOST` is loopback)"
    )
    deidentified_roles: str = Field(
        "", description="roles, with commas between them, for which identifying attributes are masked: viewer, operator"
    )
    deidentified_keep: str = Field(
        "",
        description="keywords, with commas between them, of identifying attributes that are shown nevertheless "
        "where others are masked, as in `StudyDate,SeriesDescription`",
    )
    proxies: int = Field(
        0, ge=0, le=10, description="proxies in front whose X-Forwarded-For and X-Forwarded-Proto are believed"
    )
    trusted_user_header: str | None = Field(
        None,
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$",
        description="header in which a proxy that signs people in names the user, as X-Remote-User",
    )
    trusted_proxies: str = Field(
        "", description="addresses or networks, with commas between them, from which that header is believed"
    )
    trusted_user_role: Literal["viewer", "operator", "admin"] | None = Field(
        None, description="role of those whom the proxy names but who have no account (default: they are refused)"
    )
    incoming: str | None = Field(
        None, description="the watched folder, or several with `:` between them (default: `incoming` in the home)"
    )
    watch_mode: Literal["auto", "events", "polling"] = Field(
        "auto",
        description="how the watcher notices folders: by `events` of the system, by `polling`, or `auto`: by events "
        "except on network file systems",
    )
    look_seconds: float = Field(
        5.0, gt=0, le=3_600, description="how often the watched folders are looked at, whatever events say"
    )
    elasticsearch_url: str = Field("http://127.0.0.1:9200", description="Elasticsearch, as a URL")
    elasticsearch_username: str = Field("dicomsearch", min_length=1, description="user of Elasticsearch that we are")
    elasticsearch_password: SecretStr | None = Field(
        None, description="its password (default: Elasticsearch asks for none)"
    )
    elasticsearch_ca: Path | None = Field(
        None,
        description="certificate, in a PEM file, of the authority that Elasticsearch's and Kibana's https rests on",
    )
    elasticsearch_query_username: str = Field(
        "dicomsearch_query",
        min_length=1,
        description="user of Elasticsearch that may only search; asks what `/es/` is asked",
    )
    elasticsearch_query_password: SecretStr | None = Field(None, description="its password")
    kibana_url: str | None = Field(
        None, pattern=r"^https?://", description="Kibana with its base path, as a URL: `dicomsearch setup` fills it"
    )
    kibana_files: Path = Field(
        Path("kibana"), description="folder of the `.ndjson` files that `dicomsearch setup` imports into Kibana"
    )
    analyst_username: str = Field(
        "dicomsearch_analyst", min_length=1, description="user of Elasticsearch as whom people work in Kibana"
    )
    analyst_password: SecretStr | None = Field(None, description="its password")
    kibana_token: SecretStr | None = Field(None, description="token with which Kibana itself signs in to Elasticsearch")
    hosts: str = Field("", description="host names under which browsers ask for it, with spaces between them")
    snapshots: Path | None = Field(
        None, description="folder, as Elasticsearch sees it, that `dicomsearch backup` keeps snapshots of the index in"
    )
    redis_url: str = Field("redis://127.0.0.1:6379/0", description="Redis: status and task queue, as a URL")
    index: str = Field(
        "dicom-images",
        pattern=r"^[a-z][a-z0-9-]{0,63}$",
        description="alias for reading; writing adds `-write`",
    )
    audit: Literal["auto", "required", "off"] = Field(
        "auto",
        description="the audit log: `required` answers nothing that it cannot record, `off` records nothing; `auto` is "
        "`required` where people sign in, and else records what it can",
    )
    audit_index: str = Field(
        "dicom-audit",
        pattern=r"^[a-z][a-z0-9-]{0,63}$",
        description="alias of the audit log; each month has an index of its own",
    )
    audit_keep_days: int | None = Field(
        None, ge=1, description="days after which whole months of the audit log are deleted (default: never)"
    )
    shards: int = Field(1, ge=1, le=1_024, description="shards of a newly created index (about 30 GB each)")
    replicas: int = Field(0, ge=0, le=10, description="replicas of a newly created index")
    chunk_files: int = Field(200, ge=1, le=10_000, description="files of one indexing task")
    worker_processes: int = Field(2, ge=1, le=256, description="processes of one Celery worker")
    chunk_seconds: int = Field(1_200, ge=10, description="time limit of one indexing task, in seconds")
    isolated_seconds: float = Field(
        120.0, ge=0.5, description="time limit of reading a file that workers have died of, in a process of its own"
    )
    isolated_memory_mb: int = Field(2_048, ge=256, description="memory of that process, at most, in MB")
    lease_seconds: int = Field(15, ge=2, description="a task that is not heard of for so long is lost and queued again")
    heartbeat_seconds: int = Field(5, ge=1, description="how often watcher and tasks report that they are alive")
    settle_seconds: float = Field(
        2.0, ge=0, description="a new folder that was not renamed counts as complete when unchanged for so long"
    )
    network_settle_seconds: float = Field(
        60.0, ge=0, description="the same on network file systems, which show late what other machines write"
    )
    cleanup: Literal["keep", "delete", "archive"] = Field(
        "keep", description="what becomes of the files of a batch that is done without errors: keep, delete or archive"
    )
    archive_folder: Path | None = Field(None, description="where cleaning up archives files, by study and series")
    shrink_days: float = Field(
        30.0, ge=0, description="days after which only the counts of a done batch are kept in Redis (0: never)"
    )
    request_seconds: float = Field(30.0, gt=0, description="time limit of one request to Elasticsearch, in seconds")
    search_seconds: float = Field(
        10.0, gt=0, le=600, description="time limit of one search; what was found until then is answered as partial"
    )
    query_characters: int = Field(10_000, ge=100, le=100_000, description="length of a query, at most")
    query_depth: int = Field(30, ge=1, le=100, description="parentheses inside one another in a query, at most")
    query_clauses: int = Field(500, ge=1, le=10_000, description="words and conditions of a query, at most")
    query_patterns: int = Field(20, ge=1, le=1_000, description="words with wildcards in a query, at most")
    query_values: int = Field(
        2_000, ge=1, le=60_000, description="values that a pattern on a private or exact-path element may stand for"
    )
    query_leading_wildcards: bool = Field(True, description="whether a pattern may begin with a wildcard (slow)")
    export_rows: int | None = Field(None, ge=1, description="rows of one export, at most (default: any number)")
    exports_at_once: int = Field(2, ge=1, le=100, description="exports that one web process runs at a time")
    saved_searches: int = Field(1_000, ge=0, le=100_000, description="searches that can be saved, in all")
    uploads: bool = Field(True, description="whether files can be uploaded")
    upload_bytes: int = Field(
        50_000_000_000, ge=1, description="bytes of one upload; a zip file counts beside what is unpacked of it"
    )
    upload_files: int = Field(100_000, ge=1, le=1_000_000, description="files of one upload, at most")
    upload_hours: float = Field(
        24.0, gt=0, le=8_760, description="an upload to which nothing was added for so long is removed"
    )
    disk_low_bytes: int = Field(
        2_000_000_000, ge=0, description="free bytes of a disk below which pages warn and nothing is uploaded"
    )
    preview_megapixels: float = Field(64.0, gt=0, le=1_000, description="million pixels of a frame that is drawn")
    preview_processes: int = Field(1, ge=1, le=64, description="pictures that one web process draws at a time")
    preview_seconds: float = Field(20.0, gt=0, le=600, description="time limit of drawing one picture, in seconds")
    preview_memory_mb: int = Field(
        2_048, ge=512, le=65_536, description="memory of a process that draws pictures, at most, in MB"
    )
    file_folders: str = Field(
        "",
        description="folders, with `:` between them, that pictures and downloads may be read from (default: wherever "
        "the files were when they were indexed)",
    )
    notify_webhook: str | None = Field(
        None, pattern=r"^https?://", description="URL that is told by POST when a batch is done or a service in trouble"
    )
    notify_webhook_secret: SecretStr | None = Field(
        None, description="signs what the webhook is told (HMAC-SHA256 in `X-Dicomsearch-Signature`)"
    )
    notify_command: str | None = Field(None, description="command that is told the same, as JSON on its standard input")
    notify_patience_seconds: float = Field(
        30.0, ge=0, description="a trouble, or its end, is told when it has lasted so long"
    )
    cache: Path | None = Field(None, description="where downloaded services are kept (default: the user's cache)")
    maven_repository: str | None = Field(None, description="base URL of a Maven mirror to download from")
    service_user: str = Field("nobody", description="who runs Elasticsearch when root starts the embedded services")
    secured: bool = Field(False, description="whether the embedded Elasticsearch asks for passwords, and speaks https")
    elasticsearch_heap_mb: int = Field(
        1_024, ge=256, le=31_744, description="memory of the embedded Elasticsearch's heap, in MB"
    )
    start_seconds: float = Field(180.0, ge=1, description="time that an embedded service has to become ready")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="what is logged, at least")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="one JSON object a line, or text for people; `auto`: text where a terminal shows it"
    )
    apm_server_url: str | None = Field(
        None, pattern=r"^https?://", description="Elastic APM server that is told how long requests and tasks take"
    )
    apm_secret_token: SecretStr | None = Field(None, description="its secret token")
    apm_environment: str | None = Field(None, description="name of this deployment there, such as `production`")
    limits: Limits = Field(default_factory=Limits, description="see the LIMIT_ variables")

    @property
    def folders_of_files(self) -> tuple[str, ...]:
        """The folders that pictures and downloads may be read from; none allow every place."""
        return tuple(folder for folder in self.file_folders.split(os.pathsep) if folder.strip())

    @field_validator(
        *("elasticsearch_password", "elasticsearch_query_password", "elasticsearch_ca"),
        *("analyst_password", "kibana_token", "kibana_url", "snapshots"),
        *("secret_key", "admin_password", "trusted_user_header"),
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, given: object) -> object:
        """Take an empty variable, as docker compose gives it, for one that is not set."""
        return None if given == "" else given

    @field_validator("incoming", mode="before")
    @classmethod
    def _is_text(cls, given: object) -> object:
        return os.fspath(given) if isinstance(given, os.PathLike) else given

    @field_validator("incoming")
    @classmethod
    def _lie_apart(cls, given: str | None) -> str | None:
        folders = [Path(os.path.normpath(Path(folder).absolute())) for folder in _listed(given)]
        for at, folder in enumerate(folders):
            for other in folders[:at]:
                if folder.is_relative_to(other) or other.is_relative_to(folder):
                    raise ValueError("a watched folder lies in another one, or is named twice")
        return given

    @field_validator("secret_key")
    @classmethod
    def _cannot_be_guessed(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None and (len(given) < 32 or len(set(given.get_secret_value())) < 8):
            raise ValueError("at least 32 characters that nobody guesses, as of `openssl rand -hex 32`")
        return given

    @field_validator("deidentified_roles")
    @classmethod
    def _are_roles(cls, given: str) -> str:
        if set(_words(given)) - {"viewer", "operator"}:
            raise ValueError("only viewer and operator can be named; administrators read the audit log")
        return given

    @field_validator("deidentified_keep")
    @classmethod
    def _are_keywords(cls, given: str) -> str:
        # Imported where it is needed: no other setting asks for the dictionary.
        from mappings.dictionary import attributes

        for keyword in _words(given):
            if keyword not in attributes():
                raise ValueError(f"“{keyword}” is no keyword of the DICOM dictionary, as StudyDate is one")
        return given

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, given: str) -> str:
        for word in _words(given):
            ip_network(word)
        return given

    @model_validator(mode="after")
    def _trusts_somebody(self) -> "Settings":
        if self.trusted_user_header and not self.trusted_proxies:
            raise ValueError(
                f"{PREFIX}TRUSTED_USER_HEADER needs {PREFIX}TRUSTED_PROXIES, the addresses from which it is believed"
            )
        return self

    @model_validator(mode="after")
    def _has_ports_of_their_own(self) -> "Settings":
        if self.metrics_port == self.port:
            raise ValueError(f"{PREFIX}METRICS_PORT must not be {PREFIX}PORT: nothing but /metrics is answered there")
        return self

    @property
    def masked_roles(self) -> frozenset[str]:
        """Roles for which identifying attributes are masked."""
        return frozenset(_words(self.deidentified_roles))

    @property
    def kept_keywords(self) -> frozenset[str]:
        """Identifying attributes that are shown nevertheless."""
        return frozenset(_words(self.deidentified_keep))

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Where a proxy that names users may be."""
        return tuple(ip_network(word) for word in _words(self.trusted_proxies))

    @property
    def on_loopback(self) -> bool:
        """Whether the web server can be reached from this machine alone."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def needs_accounts(self) -> bool:
        """Whether people have to sign in."""
        return self.accounts == "on" or not self.on_loopback

    @property
    def records(self) -> bool:
        """Whether the audit log records anything."""
        return self.audit != "off"

    @property
    def must_record(self) -> bool:
        """Whether what cannot be recorded must not be done."""
        return self.audit == "required" or (self.audit == "auto" and self.needs_accounts)

    @property
    def incoming_folders(self) -> tuple[Path, ...]:
        """The watched folders, absolute."""
        return tuple(Path(folder).absolute() for folder in _listed(self.incoming)) or (
            (self.home / "incoming").absolute(),
        )

    @property
    def incoming_folder(self) -> Path:
        """The first watched folder, absolute: where uploads and the demonstration go."""
        return self.incoming_folders[0]


def _words(given: str) -> list[str]:
    return [word.strip() for word in given.split(",") if word.strip()]


def _listed(folders: str | None) -> list[str]:
    return [folder for folder in (folders or "").split(INCOMING_SEPARATOR) if folder]


def _line(prefix: str, error: dict[str, Any]) -> str:
    """One line for an error, which quotes what was given but for secrets."""
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return str(message)
    name = str(error["loc"][0])
    field = Settings.model_fields.get(name)
    is_secret = field is not None and SecretStr in (field.annotation, *get_args(field.annotation))
    given = "" if is_secret else f" (got {error['input']!r})"
    return f"{prefix}{'_'.join(map(str, error['loc'])).upper()}: {message}{given}"


def load_settings(*, home: Path | None = None, port: int | None = None, running: bool = True) -> Settings:
    """Build the settings from the environment and from secret files.

    Parameters
    ----------
    home, port
        Given on a command line: they go before the environment.
    running
        Whether addresses that are not set are those of the services that run in the home, if any do.

    Raises
    ------
    SettingsError
        With one line for each variable that has an unusable value.
    """
    secrets = Path(os.environ.get(SECRETS_DIR, DEFAULT_SECRETS))
    given: dict[str, Any] = {name: value for name, value in (("home", home), ("port", port)) if value is not None}
    try:
        settings = Settings(_secrets_dir=secrets if secrets.is_dir() else None, **given)
    except ValidationError as error:
        prefix = PREFIX + ("LIMIT_" if error.title == "Limits" else "")
        raise SettingsError("\n".join(_line(prefix, dict(e)) for e in error.errors())) from error
    if not running:
        return settings
    found = running_services(settings.home)
    if "elasticsearch_url" in settings.model_fields_set:
        # Another Elasticsearch does not get the passwords of the one that runs in the home.
        found = {name: value for name, value in found.items() if not name.startswith("elasticsearch_")}
    return settings.model_copy(update={k: v for k, v in found.items() if k not in settings.model_fields_set})
