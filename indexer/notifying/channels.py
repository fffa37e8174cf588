"""How a notification gets out: as a POST request to a URL, or on the standard input of a command."""

import hashlib
import hmac
import http.client
import os
import shlex
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from indexer.settings import Settings

SIGNATURE = "X-Dicomsearch-Signature"
_SECONDS = 10.0
_COMMAND_SECONDS = 60.0


class NotDeliveredError(Exception):
    """A notification did not get through; the message says why."""


class Channel(Protocol):
    """Takes notifications."""

    @property
    def name(self) -> str:
        """Names it in logs and in Redis."""

    def send(self, notification: dict[str, Any]) -> None:
        """Hand a notification over.

        Raises
        ------
        NotDeliveredError
            It did not get through, and may later.
        """


@dataclass(frozen=True)
class Webhook:
    """POSTs notifications as JSON.

    Attributes
    ----------
    url
        `http://` or `https://`.
    secret
        Signs the body: the header `X-Dicomsearch-Signature` is `sha256=` and its HMAC in hexadecimal (RFC 2104).
    """

    url: str
    secret: str | None = None
    name: str = "webhook"

    def send(self, notification: dict[str, Any]) -> None:
        """POST it; whatever is not answered 2xx did not get through."""
        body = orjson.dumps(notification)
        headers = {"Content-Type": "application/json", "User-Agent": "dicomsearch"}
        if self.secret:
            headers[SIGNATURE] = "sha256=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        request = urllib.request.Request(self.url, body, headers, method="POST")  # noqa: S310 - checked by the settings
        try:
            with _opener.open(request, timeout=_SECONDS) as answer:
                answer.read(1_000)
        except urllib.error.HTTPError as error:
            error.close()
            raise NotDeliveredError(f"the webhook answered {error.code}") from error
        except (OSError, http.client.HTTPException) as error:
            raise NotDeliveredError(f"the webhook cannot be reached ({type(error).__name__})") from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without its body, at an address that nobody has set."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


@dataclass(frozen=True)
class Command:
    """Runs a command with the notification as JSON on its standard input, and its name in `DICOMSEARCH_EVENT`.

    Attributes
    ----------
    line
        Program and arguments, as one would type them; no shell is between.
    """

    line: str
    name: str = "command"

    def send(self, notification: dict[str, Any]) -> None:
        """Run the command; any exit code but 0 means that it did not get through."""
        try:
            done = subprocess.run(  # noqa: S603 - whoever sets the command may run it
                shlex.split(self.line),
                input=orjson.dumps(notification),
                env={**os.environ, "DICOMSEARCH_EVENT": str(notification["event"])},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NotDeliveredError(f"the command did not end in {_COMMAND_SECONDS:.0f} s") from error
        except (OSError, ValueError) as error:
            raise NotDeliveredError(f"the command cannot be run: {error}") from error
        if done.returncode:
            raise NotDeliveredError(f"the command ended with exit code {done.returncode}")


def channels_of(settings: Settings) -> list[Channel]:
    """The channels that are switched on."""
    channels: list[Channel] = []
    if settings.notify_webhook:
        secret = settings.notify_webhook_secret
        channels.append(Webhook(settings.notify_webhook, secret.get_secret_value() if secret else None))
    if settings.notify_command:
        channels.append(Command(settings.notify_command))
    return channels
