"""Waiting, not for ever, until a service that was just started answers; it is told what is waited for."""

import time
from collections.abc import Callable

_PAUSE = 1.0


class NotReadyError(Exception):
    """A service did not become ready in time; the message says which, and what it answered last."""


def wait_for(name: str, look: Callable[[], str | None], seconds: float, say: Callable[[str], None]) -> None:
    """Ask until a service is ready.

    Parameters
    ----------
    name
        Of the service, for messages.
    look
        Answers why it is not ready yet, None where it is. What it raises ends the waiting.
    seconds
        How long it is waited for, at most.
    say
        Told each new reason.

    Raises
    ------
    NotReadyError
        The time is over.
    """
    deadline = time.monotonic() + seconds
    told = ""
    while (reason := look()) is not None:
        if time.monotonic() > deadline:
            raise NotReadyError(f"{name} was not ready after {seconds:.0f} s: {reason}")
        if reason != told:
            say(f"waiting for {name}: {reason}")
            told = reason
        time.sleep(_PAUSE)
