"""The passwords and the token that the settings have to give, checked before anything is made from them."""

import base64
import binascii
import secrets as random
from dataclasses import dataclass, field

from pydantic import SecretStr

from indexer.settings import PREFIX, Settings

SHORTEST = 16
_DISTINCT = 6
# What stands in examples, in whatever spelling.
_EXAMPLES = ("changeme", "example", "password", "secret")
# A token of a service account of Elasticsearch begins with these bytes.
_TOKEN_PREFIX = b"\x00\x01\x00\x01"
KIBANA_ACCOUNT = "elastic/kibana"
_TOKEN_NAME = "dicomsearch"  # noqa: S105
_TOKEN_BYTES = 32


class SecretError(Exception):
    """A secret is missing or is none; the message names its variable, never its value."""


@dataclass(frozen=True, slots=True)
class User:
    """A user of Elasticsearch, its one role, and where its password comes from."""

    name: str
    role: str
    variable: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a service account: its full name, such as `elastic/kibana/dicomsearch`, and its secret."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Who may sign in to Elasticsearch."""

    users: tuple[User, ...]
    tokens: tuple[Token, ...]


def secrets_of(settings: Settings) -> Secrets:
    """Take the secrets from the settings.

    Those of Kibana may be left out, both of them, unless the settings say where Kibana is.

    Raises
    ------
    SecretError
        One is missing, too short, an example or given twice; or the token is no token of Kibana.
    """
    users = [
        _user(
            settings.elasticsearch_username, "dicomsearch", "ELASTICSEARCH_PASSWORD", settings.elasticsearch_password
        ),
        _user(
            settings.elasticsearch_query_username,
            "dicomsearch_query",
            "ELASTICSEARCH_QUERY_PASSWORD",
            settings.elasticsearch_query_password,
        ),
    ]
    tokens = []
    if settings.kibana_url or settings.analyst_password or settings.kibana_token:
        users.append(
            _user(settings.analyst_username, "dicomsearch_analyst", "ANALYST_PASSWORD", settings.analyst_password)
        )
        tokens.append(token_of(_given("KIBANA_TOKEN", settings.kibana_token)))
    _require_distinct(users)
    return Secrets(tuple(users), tuple(tokens))


def new_password() -> str:
    """Make a password that nobody guesses: letters and digits."""
    return random.token_hex(24)


def new_token() -> str:
    """Make a token with which Kibana signs in."""
    written = f"{KIBANA_ACCOUNT}/{_TOKEN_NAME}:{random.token_hex(_TOKEN_BYTES)}"
    return base64.b64encode(_TOKEN_PREFIX + written.encode()).decode()


def token_of(text: str) -> Token:
    """Read a token of Kibana's service account.

    https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/service-accounts

    Raises
    ------
    SecretError
        It is none.
    """
    try:
        decoded = base64.b64decode(text, validate=True)
        name, separator, secret = decoded.removeprefix(_TOKEN_PREFIX).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        decoded, name, separator, secret = b"", "", "", ""
    account, _, token_name = name.rpartition("/")
    if not (decoded.startswith(_TOKEN_PREFIX) and account == KIBANA_ACCOUNT and token_name and separator):
        raise SecretError(
            f"{PREFIX}KIBANA_TOKEN is no token of Elasticsearch's account {KIBANA_ACCOUNT}: "
            "make one with `dicomsearch setup secrets`"
        )
    _require_unguessable("KIBANA_TOKEN", secret)
    return Token(name, secret)


def _user(name: str, role: str, variable: str, given: SecretStr | None) -> User:
    if ":" in name or not name.isprintable() or name != name.strip():
        raise SecretError(f"the name of the user of {PREFIX}{variable} has characters that Elasticsearch does not take")
    return User(name, role, PREFIX + variable, _given(variable, given))


def _given(variable: str, given: SecretStr | None) -> str:
    if given is None:
        raise SecretError(f"{PREFIX}{variable} is not set: `dicomsearch setup secrets` makes all secrets")
    value = given.get_secret_value()
    _require_unguessable(variable, value)
    return value


def _require_unguessable(variable: str, value: str) -> None:
    letters = "".join(character for character in value.lower() if character.isalnum())
    if len(value) < SHORTEST:
        raise SecretError(f"{PREFIX}{variable} is too short: it needs {SHORTEST} characters at least")
    if len(set(value)) < _DISTINCT or any(letters.startswith(example) for example in _EXAMPLES):
        raise SecretError(f"{PREFIX}{variable} is an example: `openssl rand -hex 24` makes one that nobody guesses")
    if not value.isprintable():
        raise SecretError(f"{PREFIX}{variable} has characters that cannot be written, such as the end of a line")


def _require_distinct(users: list[User]) -> None:
    """Whoever learns one password must not have another user with it."""
    for at, user in enumerate(users):
        for other in users[:at]:
            if user.password == other.password:
                raise SecretError(f"{other.variable} and {user.variable} are the same: each needs its own")
            if user.name == other.name:
                raise SecretError(f"the users of {other.variable} and {user.variable} have the same name {user.name!r}")
