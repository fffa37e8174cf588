"""The picture on the page of an image: what the page needs to know to show it, or to say why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.api.previews import PictureParameters
from app.preview.errors import PreviewError
from app.preview.wish import Wish
from app.services import services
from app.web.formats import first_value

_ASKED = ("frame", "center", "width")
# What readers of computed tomography look at: in Hounsfield units, the same on every scanner.
_CT_PRESETS = (("Brain", 40.0, 80.0), ("Soft tissue", 40.0, 400.0), ("Lung", -600.0, 1500.0), ("Bone", 400.0, 1800.0))


@dataclass(frozen=True, slots=True)
class Preset:
    """A window to choose."""

    name: str
    center: str
    width: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture on a page.

    Attributes
    ----------
    facts
        As `app.preview.picture.Facts` has them; empty where the file cannot be read.
    asked
        The parameters of the picture.
    center, width
        The window that is shown, as text; empty where it comes from a table or from the pixels.
    title, reason
        Why there is no picture; empty where there is one.
    notice
        What of the request could not be used.
    """

    facts: Mapping[str, Any]
    asked: Mapping[str, Any]
    center: str = ""
    width: str = ""
    alt: str = ""
    presets: tuple[Preset, ...] = ()
    title: str = ""
    reason: str = ""
    notice: str = ""

    @property
    def frame(self) -> int:
        """The number of the frame that is shown, from 1."""
        return int(self.asked.get("frame", 1))


def preview_of(image: str, document: Mapping[str, Any], arguments: Mapping[str, str]) -> Preview:
    """Find out what can be shown of an image, without decoding it.

    Parameters
    ----------
    image
        Its id.
    document
        What the index has of it.
    arguments
        Of the request: `frame`, `center` and `width`; what is empty is not asked for.
    """
    asked, notice = _asked(arguments)
    try:
        file = services().archive.picture(image, document)
        wish = Wish(file.path, file.image, asked.get("frame", 1))
        facts = services().previews.describe(wish, decoding=False)
    except PreviewError as error:
        return Preview({}, asked, title=error.title, reason=str(error), notice=notice)
    if not facts["showable"]:
        problem = facts["problem"]
        return Preview(facts, asked, title=problem["title"], reason=problem["detail"], notice=notice)
    modality = first_value(document.get("Modality"))
    shown = asked if "center" in asked else facts["window"] or {}
    return Preview(
        facts,
        asked,
        center=_number(shown.get("center")),
        width=_number(shown.get("width")),
        alt=_alt(modality, wish.frame, facts["frames"]),
        presets=_presets(facts, modality) if facts["gray"] else (),
        notice=notice,
    )


def _asked(arguments: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    given = {name: arguments[name].strip() for name in _ASKED if arguments.get(name, "").strip()}
    try:
        parameters = PictureParameters.model_validate(given)
    except ValidationError:
        return {}, "This frame or window cannot be shown: a frame is a number from 1, a window a center with a width."
    return parameters.model_dump(include=set(given)), ""


def _alt(modality: str, frame: int, frames: int) -> str:
    which = f", frame {frame:,} of {frames:,}" if frames > 1 else ""
    return f"{modality or 'The'} image{which}"


def _presets(facts: Mapping[str, Any], modality: str) -> tuple[Preset, ...]:
    """Offer the file's windows where there are several, and the usual ones of the modality."""
    windows = [
        (each["explanation"] or f"Window {number}", each["center"], each["width"])
        for number, each in enumerate(facts["windows"], 1)
    ]
    known = {(center, width) for _, center, width in windows}
    usual = [each for each in _CT_PRESETS if each[1:] not in known] if modality == "CT" else []
    offered = (windows if len(windows) > 1 or usual else []) + usual
    return tuple(Preset(name, _number(center), _number(width)) for name, center, width in offered)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
