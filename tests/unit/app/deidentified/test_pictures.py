"""Which pictures are kept back, since they may have text in them."""

from typing import Any

import pytest

from app.deidentified.pictures import PictureMaskedError, refuse_text

CT: dict[str, Any] = {
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
    "Modality": "CT",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "PhotometricInterpretation": "MONOCHROME2",
}
ULTRASOUND = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1", "Modality": "US"}
CAPTURE = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "Modality": "OT"}
RADIOGRAPH = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1", "Modality": "DX"}
NO = {"BurnedInAnnotation": "NO"}


@pytest.mark.parametrize(
    "document",
    [
        CT,
        CT | NO,
        CT | {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "Modality": "MR", "PhotometricInterpretation": "MONOCHROME1"},
        CT | {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.128", "Modality": "PT"},
        CT | {"OverlayBitPosition": 0},
        CT | {"RecognizableVisualFeatures": "NO"},
        RADIOGRAPH | NO,
        CT | {"ImageType": ["DERIVED", "SECONDARY", "MPR"]} | NO,
    ],
)
def test_pictures_without_text_are_shown(document: dict[str, Any]) -> None:
    refuse_text(document)


@pytest.mark.parametrize(
    "document",
    [
        {},
        CT | {"BurnedInAnnotation": "YES"},
        CT | {"BurnedInAnnotation": ["NO", "YES"]},
        CT | {"BurnedInAnnotation": "PERHAPS"},
        CT | NO | {"RecognizableVisualFeatures": "YES"},
        CT | {"ImageType": ["DERIVED", "PRIMARY", "AXIAL"]},
        CT | {"ImageType": ["ORIGINAL", "SECONDARY", "AXIAL"]},
        CT | {"ImageType": ["ORIGINAL", "PRIMARY", "SCREEN SAVE"]} | NO,
        CT | {"ImageType": None},
        CT | {"Modality": "MR"},
        CT | {"Modality": ["CT", "OT"]},
        CT | {"PhotometricInterpretation": "RGB"},
        CT | {"PhotometricInterpretation": None},
        CT | {"ConversionType": "WSD"},
        CT | {"SecondaryCaptureDeviceManufacturer": "ACME"},
        CT | {"OverlayBitPosition": 12},
        CT | {"OverlayBitPosition": [0, 12]} | NO,
        RADIOGRAPH,
        ULTRASOUND,
        ULTRASOUND | NO,
        CT | NO | {"sequences": ["SequenceOfUltrasoundRegions"]},
        CAPTURE,
        CAPTURE | NO,
        CAPTURE | NO | {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.2"},
    ],
)
def test_pictures_that_may_have_text_are_not_shown(document: dict[str, Any]) -> None:
    with pytest.raises(PictureMaskedError) as refused:
        refuse_text(document)
    assert refused.value.status == 403
    assert refused.value.kind == "deidentified"
