"""Passwords: hashed with argon2id (RFC 9106), by the library's own recommended costs.

Length is what makes a password strong (NIST SP 800-63B §5.1.1.2), so nothing else is asked of it but that it is not the
user's name or one character repeated.
"""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.accounts.model import UnusableUserError

SHORTEST = 12
_LONGEST = 1_000
_hasher = PasswordHasher()
# For names that nobody has: refusing them takes as long as refusing a wrong password.
_NOBODY = _hasher.hash("nobody has this password")


def hash_password(password: str, name: str) -> str:
    """Hash a new password.

    Raises
    ------
    UnusableUserError
        Where it is too weak.
    """
    if not SHORTEST <= len(password) <= _LONGEST:
        raise UnusableUserError(f"A password has at least {SHORTEST} characters.")
    if name in password.lower() and len(password) < len(name) + SHORTEST // 2:
        raise UnusableUserError("A password is more than the user's name with a few characters.")
    if len(set(password)) < 4:
        raise UnusableUserError("A password has at least four different characters.")
    return _hasher.hash(password)


def is_right(password: str, hashed: str | None) -> bool:
    """Whether a password is the one of a hash; None, as of an unknown user, takes as long, and is not."""
    try:
        return _hasher.verify(hashed or _NOBODY, password[: _LONGEST + 1]) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False
