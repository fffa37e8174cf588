"""What pages know of those for whom identifying attributes are masked."""

from flask import Flask

from app.accounts.current import actor_if_known
from app.deidentified import MASK


def register(app: Flask) -> None:
    """Make it known to the templates."""
    app.jinja_env.globals.update(is_deidentified=is_deidentified, MASK=MASK)


def is_deidentified() -> bool:
    """Whether identifying attributes are masked for whoever asks."""
    who = actor_if_known()
    return who is not None and who.deidentified
