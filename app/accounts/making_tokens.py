"""Who may make which token."""

from app.accounts.accounts import Accounts
from app.accounts.guarding import NotAllowedError
from app.accounts.model import Actor, Role, UnusableUserError
from app.accounts.tokens import Token

_MOST_DAYS = 3_650.0


def make_token(
    accounts: Accounts, actor: Actor, name: str, role: Role, days: float | None, deidentified: bool
) -> tuple[Token, str]:
    """Make a token for the one who asks; the text that proves it is answered this once.

    Raises
    ------
    NotAllowedError
        By a token, by one who has no account, or for more than the user may.
    UnusableUserError
        Name or days cannot be used.
    """
    if actor.via in ("token", "local"):
        raise NotAllowedError("Only somebody who has signed in can make a token.")
    if accounts.users.find(actor.name) is None:
        raise NotAllowedError("Only a user with an account can make a token: ask an administrator for one.")
    if role > actor.role:
        raise NotAllowedError(f"A token cannot be for more than its user may: {actor.role.label}.")
    if days is not None and not 0 < days <= _MOST_DAYS:
        raise UnusableUserError(f"A token lasts up to {_MOST_DAYS:,.0f} days, or for ever.")
    return accounts.tokens.create(actor.name, name, role, days=days, deidentified=deidentified or actor.deidentified)
