"""The services of the application as those may use them for whom identifying attributes are masked.

A second wall behind the table of who may use which route: what would show batches, files, uploads or searches of others
refuses every use, whoever has forgotten to.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, cast

from app.deidentified.archive import DeidentifiedArchive
from app.deidentified.attributes import Profile
from app.deidentified.errors import DeidentifiedError
from app.deidentified.sealing import Sealer
from app.preview.processes import Previews
from app.preview.wish import Wish
from indexer.settings import Settings

if TYPE_CHECKING:
    from app.services import Services


class Refusing:
    """Stands for what must not be used, and refuses every use.

    Parameters
    ----------
    why
        As a sentence.
    """

    def __init__(self, why: str) -> None:
        self._why = why

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse."""
        raise DeidentifiedError(self._why)


class MaskedPreviews:
    """Pictures, without the free texts that a file has about them.

    Parameters
    ----------
    whole
        What makes pictures.
    """

    def __init__(self, whole: Previews) -> None:
        self._whole = whole

    def draw(self, wish: Wish) -> bytes:
        """Draw a picture."""
        return self._whole.draw(wish)

    def describe(self, wish: Wish, *, decoding: bool = True) -> dict[str, Any]:
        """Tell what there is to draw."""
        facts = self._whole.describe(wish, decoding=decoding)
        window = facts["window"]
        return {
            **facts,
            "windows": [_unexplained(each) for each in facts["windows"]],
            "luts": [""] * len(facts["luts"]),
            "window": window and _unexplained(window),
        }


def masked(services: "Services", settings: Settings) -> "Services":
    """Make the services that those use for whom identifying attributes are masked."""
    batches = Refusing("Batches and files are called as folders are, which may name patients: they are masked for you.")
    searches = Refusing("Saved searches are shared by all, and may name patients: they are masked for you.")
    log = Refusing("The audit log tells who asked for which patient, which is masked for you.")
    queries = Refusing("Elasticsearch itself answers with what identifies patients, which is masked for you.")
    archive: Any
    if settings.secret_key is None:
        archive = Refusing(
            "This server cannot mask what identifies: set DICOMSEARCH_SECRET_KEY, which ids are sealed with."
        )
    else:
        sealer = Sealer(settings.secret_key.get_secret_value())
        archive = DeidentifiedArchive(services.archive, Profile(settings.kept_keywords), sealer)
    return replace(
        services,
        archive=archive,
        audit=cast(Any, log),
        receipts=cast(Any, batches),
        status=cast(Any, batches),
        saved=cast(Any, searches),
        previews=cast(Any, MaskedPreviews(services.previews)),
        uploads=cast(Any, batches),
        elasticsearch=cast(Any, queries),
        indexer=cast(Any, batches),
    )


def _unexplained(window: Mapping[str, Any]) -> dict[str, Any]:
    return {**window, "explanation": ""}
