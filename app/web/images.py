"""`/images/<id>`: the whole header of an image, filtered where one asks for it, and what is known of its file."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request

from app.search.fields import resolve
from app.services import services
from app.web.formats import first_value, shown
from app.web.header import header_events
from app.web.preview import preview_of
from indexer.flatten import Place, flatten
from indexer.reader import Header

blueprint = Blueprint("images", __name__)
# A dose report can have 160,000 elements: more than a browser shows in comfort.
MOST_ELEMENTS = 4_000
_SUMMARY = ("PatientID", "PatientSex", "PatientAge", "Modality", "StudyDate", "StudyDescription", "SeriesDescription")


@blueprint.get("/images/<image>")
def show(image: str) -> str:
    """Show an image."""
    archive = services().archive
    document = archive.image(image)
    wanted = request.args.get("filter", "").strip()
    header = archive.header(image)
    view = header_events(header, wanted, MOST_ELEMENTS, _places(image, header, document))
    return render_template(
        "image.html",
        id=image,
        document=document,
        preview=preview_of(image, document, request.args),
        view=view,
        filter=wanted,
        summary=_summary(document),
    )


def _places(image: str, header: Mapping[str, Any], document: Mapping[str, Any]) -> list[Place]:
    """What became of each element, by the same flattening that made the document; not of a very long header."""
    receipt = document.get("receipt", {})
    places: list[Place] = []
    if receipt.get("elements", 0) <= MOST_ELEMENTS:
        flatten(Header.stored(dict(header), receipt, image), services().settings.limits, places.append)
    return places


def _summary(document: Mapping[str, Any]) -> list[str]:
    """What one wants to know first."""
    fields = [resolve(name) for name in _SUMMARY]
    texts = (shown(first_value(document.get(field.name)) or None, field) for field in fields)
    return [text for text in texts if text]
