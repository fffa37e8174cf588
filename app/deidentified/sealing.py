"""Ids that tell nothing: encrypted so that only this server can read them, and the same id is always the same text.

The id of an image is its SOPInstanceUID, a patient's key is the patient's name or number, and the place where a page
ends is made of them; all of these identify. AES-SIV (RFC 5297) is deterministic and authenticated: an address stays the
same, and nobody can make one up. What is sealed as one thing cannot be used as another.
"""

import base64
import binascii
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX = "deid-"
_BLOCK = 32  # bytes: lengths of names and numbers are not told
_LONGEST = 60_000
_KEY_BYTES = 64


class SealError(Exception):
    """A text that was not sealed here, or as something else."""


class Sealer:
    """Seals and opens texts.

    Parameters
    ----------
    secret
        The server's secret; another one makes other ids, so that links of before lead nowhere.
    """

    def __init__(self, secret: str) -> None:
        self._cipher = AESSIV(_derived(secret, b"dicomsearch: ids of the de-identified view", _KEY_BYTES))
        self._digests = _derived(secret, b"dicomsearch: digests of the de-identified view", 32)

    def seal(self, kind: str, text: str) -> str:
        """Seal a text.

        Parameters
        ----------
        kind
            What it is, such as the name of a field.
        text
            Any text.
        """
        plain = text.encode("utf-8", "surrogatepass") + b"\x80"
        plain += bytes(-len(plain) % _BLOCK)
        sealed = self._cipher.encrypt(plain, [kind.encode()])
        return PREFIX + base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, kind: str, sealed: str) -> str:
        """Open what was sealed as something of this kind.

        Raises
        ------
        SealError
            Where it was not sealed so.
        """
        if not sealed.startswith(PREFIX) or len(sealed) > _LONGEST or not sealed.isascii():
            raise SealError(kind)
        text = sealed.removeprefix(PREFIX)
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            plain = self._cipher.decrypt(data, [kind.encode()])
        except (binascii.Error, ValueError, InvalidTag) as error:
            raise SealError(kind) from error
        return plain.rstrip(b"\0")[:-1].decode("utf-8", "surrogatepass")

    def digest(self, text: str) -> str:
        """A fingerprint that nobody can find the text of by trying."""
        return hmac.new(self._digests, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]


def _derived(secret: str, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose).derive(secret.encode())
