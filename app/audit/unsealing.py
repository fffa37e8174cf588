"""True ids for the audit log, where those for whom they are masked have asked by sealed ones."""

import re
from collections.abc import Callable

from app.deidentified.fields import SEALED
from app.deidentified.sealing import PREFIX, Sealer, SealError
from indexer.settings import Settings

_SEALED_TEXT = re.compile(rf"{PREFIX}[A-Za-z0-9_-]+")


def unsealer(settings: Settings) -> Callable[[str], str]:
    """Make what opens all sealed ids in a text; what cannot be opened stays as it is."""
    if settings.secret_key is None:
        return str
    sealer = Sealer(settings.secret_key.get_secret_value())

    def opened(match: re.Match[str]) -> str:
        for kind in SEALED:
            try:
                return sealer.open(kind, match.group())
            except SealError:
                continue
        return match.group()

    return lambda text: _SEALED_TEXT.sub(opened, text)
