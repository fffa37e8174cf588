"""Which pictures are shown to those for whom identifying attributes are masked: those without text in their pixels.

Scanners write names and numbers into the pixels of some kinds of images. An image says whether it has such text
(BurnedInAnnotation, PS3.3 §C.7.6.1), and most say nothing. Nothing looks at the pixels here, so whoever makes an image
is believed, within limits: ultrasound and captured screens are never shown, and an image that says nothing is shown
only where it comes straight from a CT, MR or PET scanner, which write no text there. What a face looks like can be
computed from slices of a head; that is no text, and not kept back.
"""

from collections.abc import Mapping
from typing import Any

from app.preview.errors import PreviewError

_ULTRASOUND = ("1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.6.2")
_ULTRASOUND_RETIRED = ("1.2.840.10008.5.1.4.1.1.3", "1.2.840.10008.5.1.4.1.1.6")
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# CT, MR and PET as scanners make them, enhanced and converted ones too (PS3.4 §B.5), by the modality that they have.
_FROM_SCANNERS: Mapping[str, str] = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.4.1": "MR",
    "1.2.840.10008.5.1.4.1.1.4.4": "MR",
    "1.2.840.10008.5.1.4.1.1.128": "PT",
    "1.2.840.10008.5.1.4.1.1.128.1": "PT",
    "1.2.840.10008.5.1.4.1.1.130": "PT",
}
_GRAY = ("MONOCHROME1", "MONOCHROME2")
# In any of the values of ImageType: screens, reports and other pages, as manufacturers call them.
_PAGES = ("SCREEN", "SAVE", "CAPTURE", "REPORT", "DOSE", "PROTOCOL", "PATIENT", "PRINT", "TEXT", "DISP")
NEEDED = (
    "BurnedInAnnotation",
    "ConversionType",
    "ImageType",
    "Modality",
    "OverlayBitPosition",
    "PhotometricInterpretation",
    "RecognizableVisualFeatures",
    "SOPClassUID",
    "SecondaryCaptureDeviceManufacturer",
    "sequences",
)


class PictureMaskedError(PreviewError):
    """The picture may have something in it that identifies."""

    kind = "deidentified"
    title = "The picture is not shown"
    status = 403


def refuse_text(document: Mapping[str, Any]) -> None:
    """Refuse a picture that may have text in it, or features by which a person is recognised.

    Parameters
    ----------
    document
        Of the image, with what is `NEEDED`.

    Raises
    ------
    PictureMaskedError
        Where it must not be shown.
    """
    if reason := _reason(document):
        raise PictureMaskedError(
            f"{reason} Identifying attributes are masked for you, and so is what a picture may tell."
        )


def _reason(document: Mapping[str, Any]) -> str:
    annotated = {value.upper() for value in _values(document, "BurnedInAnnotation")}
    if any(value.upper() != "NO" for value in _values(document, "RecognizableVisualFeatures")):
        return "It has, or may have, features by which a person can be recognised."
    if annotated - {"NO"}:
        return "It has, or may have, text burned into its pixels."
    if _is_ultrasound(document):
        return "Ultrasound devices write names into pixels, whatever they say about it."
    if _is_captured(document):
        return "It is a captured screen or a scanned page, which may show names."
    if any(value != 0 for value in _values(document, "OverlayBitPosition")):
        return "It has overlays among its pixels, which may show names."
    if annotated:
        return ""
    return "" if _is_from_scanner(document) else "It does not say whether text is burned into its pixels."


def _is_ultrasound(document: Mapping[str, Any]) -> bool:
    return (
        not {*_ULTRASOUND, *_ULTRASOUND_RETIRED}.isdisjoint(_values(document, "SOPClassUID"))
        or not {"US", "IVUS"}.isdisjoint(_values(document, "Modality"))
        or "SequenceOfUltrasoundRegions" in _values(document, "sequences")
    )


def _is_captured(document: Mapping[str, Any]) -> bool:
    classes = _values(document, "SOPClassUID")
    return (
        any(one == _SECONDARY_CAPTURE or one.startswith(f"{_SECONDARY_CAPTURE}.") for one in classes)
        or any(page in value.upper() for value in _values(document, "ImageType") for page in _PAGES)
        or bool(_values(document, "ConversionType") or _values(document, "SecondaryCaptureDeviceManufacturer"))
    )


def _is_from_scanner(document: Mapping[str, Any]) -> bool:
    classes, modalities = _values(document, "SOPClassUID"), _values(document, "Modality")
    return (
        len(classes) == 1
        and [_FROM_SCANNERS.get(classes[0])] == modalities
        and _values(document, "ImageType")[:2] == ["ORIGINAL", "PRIMARY"]
        and _values(document, "PhotometricInterpretation")[:1] != []
        and all(value in _GRAY for value in _values(document, "PhotometricInterpretation"))
    )


def _values(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]
