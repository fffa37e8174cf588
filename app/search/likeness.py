"""Series acquired in the same way: which elements say how, and how near two values are."""

from collections.abc import Mapping
from typing import Any

from app.search.dsl import Query, all_of, between, term
from app.search.fields import Field, resolve
from mappings.dictionary import Kind

# How an image was acquired (PS3.3: General Equipment, General Image, MR, CT, CR, DX, PET and US modules).
PARAMETERS = (
    "Manufacturer",
    "ManufacturerModelName",
    "BodyPartExamined",
    "PatientPosition",
    "ViewPosition",
    "Rows",
    "Columns",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "ContrastBolusAgent",
    "MagneticFieldStrength",
    "ScanningSequence",
    "SequenceVariant",
    "ScanOptions",
    "SequenceName",
    "MRAcquisitionType",
    "RepetitionTime",
    "EchoTime",
    "InversionTime",
    "FlipAngle",
    "EchoTrainLength",
    "NumberOfAverages",
    "PixelBandwidth",
    "ReceiveCoilName",
    "DiffusionBValue",
    "KVP",
    "XRayTubeCurrent",
    "ExposureTime",
    "FilterType",
    "ConvolutionKernel",
    "ReconstructionDiameter",
    "SpiralPitchFactor",
    "GantryDetectorTilt",
    "ReconstructionMethod",
    "CorrectedImage",
    "TransducerType",
)
# Fewer say too little.
LEAST = 4
_NEAR = 0.01


def parameters_of(document: Mapping[str, Any]) -> dict[Field, list[Any]]:
    """The acquisition parameters that an image has, each with its values."""
    found = {}
    for keyword in PARAMETERS:
        values = _values(document.get(keyword))
        if values:
            found[resolve(keyword)] = values
    return found


def same(field: Field, values: list[Any]) -> Query:
    """Images with the same values of a parameter; numbers may differ by a hundredth."""
    return all_of(_same(field, value) for value in values)


def differs(field: Field, values: list[Any], others: Any) -> bool:
    """Whether another image has other values of a parameter."""
    theirs = _values(others)
    return not all(any(_is_near(field, value, other) for other in theirs) for value in values)


def _same(field: Field, value: Any) -> Query:
    if field.kind in (Kind.LONG, Kind.DOUBLE):
        play = abs(value) * _NEAR
        return between(field.path, gte=value - play, lte=value + play)
    return term(field.exact, value)


def _is_near(field: Field, value: Any, other: Any) -> bool:
    if field.kind in (Kind.LONG, Kind.DOUBLE) and not isinstance(other, str):
        return bool(abs(value - other) <= abs(value) * _NEAR)
    return bool(value == other)


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
