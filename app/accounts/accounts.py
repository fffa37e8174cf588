"""Accounts, put together: who is asking, by each way of proving it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from app.accounts.model import Actor, Role, UnusableUserError, User, clean_user_name
from app.accounts.passwords import is_right
from app.accounts.sessions import Sessions
from app.accounts.store import Users
from app.accounts.throttle import Throttle
from app.accounts.tokens import Tokens
from indexer.settings import Settings, SettingsError

_MINUTE, _HOUR = 60.0, 3_600.0


class WrongPasswordError(Exception):
    """Name and password do not belong together; nothing is said of which is wrong."""

    def __init__(self) -> None:
        super().__init__("There is no user with this name and password.")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy in front that signs people in, and is believed.

    Attributes
    ----------
    header
        In which it names the user.
    is_trusted
        Whether an address is the proxy's.
    role
        Of those who have no account; None refuses them.
    """

    header: str
    is_trusted: Callable[[str], bool]
    role: Role | None


@dataclass(frozen=True, slots=True)
class Accounts:
    """Users, how they prove who they are, and whether they have to.

    Attributes
    ----------
    needed
        Whether people have to sign in.
    secret_key
        Signs cookies, 32 characters or more; random for each process where nobody signs in.
    secure_cookies
        Whether browsers send cookies over TLS alone.
    masked_roles
        Names of roles for which identifying attributes are masked.
    """

    needed: bool
    secret_key: str
    secure_cookies: bool
    masked_roles: frozenset[str]
    users: Users
    sessions: Sessions
    tokens: Tokens
    throttle: Throttle
    proxy: Proxy | None

    @classmethod
    def of(cls, settings: Settings, client: Any, *, signs: bool = True) -> "Accounts":
        """Build them from the settings.

        Parameters
        ----------
        client
            Of Redis, from `indexer.status.connect`.
        signs
            Whether cookies are signed, which commands do not do.

        Raises
        ------
        SettingsError
            People have to sign in, but there is no key that signs their cookies.
        """
        if signs and settings.needs_accounts and settings.secret_key is None:
            raise SettingsError(
                "DICOMSEARCH_SECRET_KEY is missing: where people sign in, it signs their cookies. Make one with "
                "`openssl rand -hex 32`, and keep it secret."
            )
        key = settings.secret_key
        secure = settings.secure_cookies
        return cls(
            needed=settings.needs_accounts,
            secret_key=key.get_secret_value() if key else secrets.token_hex(32),
            secure_cookies=not settings.on_loopback if secure is None else secure,
            masked_roles=settings.masked_roles,
            users=Users(client),
            sessions=Sessions(client, settings.session_minutes * _MINUTE, settings.session_hours * _HOUR),
            tokens=Tokens(client),
            throttle=Throttle(client),
            proxy=_proxy(settings),
        )

    def log_in(self, name: str, password: str, address: str) -> str:
        """Begin a session for one who knows a password; its id is answered.

        Parameters
        ----------
        address
            Where the attempt comes from.

        Raises
        ------
        WrongPasswordError, TooManyLoginsError
            Nobody is signed in.
        """
        user = self.check_password(name, password, address)
        self.users.signed_in(user.name)
        return self.sessions.begin(user.name)

    def check_password(self, name: str, password: str, address: str) -> User:
        """Find the user of a name and password.

        Raises
        ------
        WrongPasswordError, TooManyLoginsError
            There is none, or it was tried too often.
        """
        self.throttle.attempt(name, address)
        user = self.users.find(name)
        usable = user if user is not None and not user.disabled else None
        if not is_right(password, usable.password if usable else None) or usable is None:
            raise WrongPasswordError
        self.throttle.succeeded(name, address)
        return usable

    def by_session(self, id_: str) -> Actor | None:
        """Who has the session of an id; None where it has ended."""
        session = self.sessions.find(id_)
        user = self.users.find(session.user) if session else None
        return self._actor(user, "session") if user else None

    def by_token(self, text: str) -> Actor | None:
        """Who may do what a token proves; None where it proves nothing."""
        token = self.tokens.find(text)
        user = self.users.find(token.user) if token else None
        if token is None or user is None or user.disabled:
            return None
        role = min(token.role, user.role)
        return Actor(user.name, role, token.deidentified or self._is_masked(user, role), "token")

    def by_proxy(self, name: str) -> Actor | None:
        """Who a trusted proxy names; None where nobody of this name may come in."""
        assert self.proxy is not None  # noqa: S101
        try:
            known = clean_user_name(name)
        except UnusableUserError:
            return None
        user = self.users.find(known)
        if user is not None:
            return self._actor(user, "proxy")
        role = self.proxy.role
        return Actor(known, role, role.label in self.masked_roles, "proxy") if role else None

    def change(
        self,
        name: str,
        *,
        role: Role | None = None,
        deidentified: bool | None = None,
        disabled: bool | None = None,
        password: str | None = None,
        keep: str | None = None,
    ) -> User:
        """Change a user, as `Users.change` does.

        Sessions end where the user must not go on with them, but for the one of the id `keep`.
        """
        user = self.users.change(name, role=role, deidentified=deidentified, disabled=disabled, password=password)
        if disabled or password is not None:
            self.sessions.end_all(name, but=keep)
        return user

    def delete(self, name: str) -> None:
        """Delete a user, whose sessions and tokens end."""
        self.users.delete(name)
        self.sessions.end_all(name)
        self.tokens.revoke_all(name)

    def _actor(self, user: User, via: Any) -> Actor | None:
        return None if user.disabled else Actor(user.name, user.role, self._is_masked(user, user.role), via)

    def _is_masked(self, user: User, role: Role) -> bool:
        return user.deidentified or role.label in self.masked_roles


def _proxy(settings: Settings) -> Proxy | None:
    if not settings.trusted_user_header:
        return None
    networks = settings.trusted_networks

    def is_trusted(address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in networks)
        except ValueError:
            return False

    role = settings.trusted_user_role
    return Proxy(settings.trusted_user_header, is_trusted, Role.read(role) if role else None)
