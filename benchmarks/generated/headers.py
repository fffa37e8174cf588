"""The headers of planned images: a real header of a public test file, with the values of patient, study and image.

What is not replaced stays as the device wrote it, private elements, nested sequences and all. A header is what the
reader makes of a file (DICOM JSON, PS3.18 Annex F), so that all that comes after reading works on it as on a file's.
"""

import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

from indexer.document import FileFacts
from indexer.reader import Header, read_header
from indexer.reader.header import DicomJson
from indexer.settings import Limits
from local.demo import source_files

from .people import Patient, patient, western_name
from .plan import SeriesPlan, StudyPlan

# A root that is free for tests and examples, and an arc below it.
_ROOT = "1.2.826.0.1.3680043.10.1.77"
_INSTITUTIONS = (
    "Universitätsklinikum Köln",
    "St. Mary's Hospital",
    "Hôpital Saint-Étienne",
    "Hospital Clínico Peñafiel",
    "東京中央病院",
    "Szpital Świętej Łucji",
    "Praxis Dr. Größler & Partner",
    "Ziekenhuis 's-Hertogenbosch",
    "서울중앙병원",
    "Rigshospitalet Ærø",
    "County General",
    "Clínica São João",
)
_VENDORS = {
    "CT_small.dcm": ("GE MEDICAL SYSTEMS", ("LightSpeed VCT", "Revolution CT", "HiSpeed CT/i")),
    "693_UNCR.dcm": ("GE MEDICAL SYSTEMS", ("BrightSpeed", "Optima CT660")),
    "J2K_pixelrep_mismatch.dcm": ("SIEMENS", ("SOMATOM Definition AS+", "Sensation 64", "SOMATOM Force")),
    "explicit_VR-UN.dcm": ("TOSHIBA", ("Aquilion ONE", "Aquilion")),
    "eCT_Supplemental.dcm": ("Acme Medical Devices", ("Super Dooper Scanner",)),
    "MR_small.dcm": ("TOSHIBA_MEC", ("MRT50H1", "Vantage Titan")),
    "MR2_UNCR.dcm": ("Philips", ("T5", "Ingenia", "Achieva dStream")),
    "MR-SIEMENS-DICOM-WithOverlays.dcm": ("SIEMENS", ("Avanto", "Skyra", "MAGNETOM Vida")),
    "examples_overlay.dcm": ("SIEMENS", ("Aera", "Prisma")),
    "emri_small.dcm": ("Philips Medical Systems", ("Intera", "Achieva")),
    "RG1_UNCR.dcm": ("Philips Medical Systems", ("DigitalDiagnost", "Cassette Holder Type 9840 500 70201")),
    "RG3_UNCR.dcm": ("FUJI PHOTO FILM CO. LTD.", ("IRS", "FCR Profect")),
    "OBXXXX1A.dcm": ("Philips Medical Systems", ("CX50", "EPIQ 7G", "iU22")),
}
_AGENTS = (
    "Ultravist 370",
    "Omnipaque 300",
    "Imeron 350 MCT",
    "Gadovist 1.0",
    "ISOVUE300/100",
    "Dotarem",
    "Visipaque 320",
)
# The smallest unit that is kept of a place is a tenth of a micrometre.
_PLACE = "{:.4f}"
_GE_IMAGE_PLACE, _GE_TABLE_SPEED, _GE_DOSE = "00271041", "00191023", "00191002"


@dataclass(frozen=True, slots=True)
class Image:
    """A made-up image: its header, and what would be known of its file and batch."""

    header: Header
    file: FileFacts
    batch: str


@lru_cache
def template_header(name: str) -> DicomJson:
    """Read the header of one of the public test files that pydicom and pydicom-data bring, as the indexer reads it.

    Parameters
    ----------
    name
        Path below the package's folder of files.
    """
    return read_header(dict(source_files())[name], Limits()).elements


def images_of(study: StudyPlan, seed: int) -> Iterator[Image]:
    """Make the images of a study."""
    rng = random.Random(f"{seed}:study:{study.number}")
    who = patient(study.patient, seed)
    values = _of_study(study, who, seed, rng)
    for series in study.series:
        yield from _images(study, series, values, rng)


def _of_study(study: StudyPlan, who: Patient, seed: int, rng: random.Random) -> dict[str, Any]:
    """The values that all images of a study have, by keyword."""
    day, time = f"{study.at:%Y%m%d}", f"{study.at:%H%M%S}"
    institution = _INSTITUTIONS[study.institution % len(_INSTITUTIONS)]
    accession = f"A{study.at:%y}{study.number:07d}"
    age = (study.at.date() - who.born).days / 365.25 if who.born and rng.random() < 0.9 else None
    code = {"CodeValue": f"P{sum(study.protocol.meaning.encode()) % 9000}", "CodingSchemeDesignator": "99GEN"}
    code["CodeMeaning"] = study.protocol.meaning
    request = {
        "AccessionNumber": accession,
        "RequestedProcedureDescription": study.protocol.study,
        "ScheduledProcedureStepID": f"SPS{study.number * 3 + seed}",
        "ScheduledProcedureStepDescription": study.protocol.study,
        "ScheduledProtocolCodeSequence": [_item(code)],
        "RequestedProcedureID": f"RP{study.number}",
    }
    return {
        "SpecificCharacterSet": "ISO_IR 192",
        "StudyInstanceUID": f"{_ROOT}.{seed}.{study.at:%Y%m%d%H%M%S}.{study.number}",
        "StudyDate": day,
        "StudyTime": time,
        "StudyID": str(study.number),
        "AccessionNumber": accession,
        "StudyDescription": study.protocol.study,
        "InstitutionName": institution,
        "ReferringPhysicianName": {"Alphabetic": western_name(rng)} if rng.random() < 0.8 else None,
        "OperatorsName": {"Alphabetic": western_name(rng)},
        "PatientName": who.name,
        "PatientID": who.id,
        "PatientSex": who.sex or None,
        "PatientBirthDate": f"{who.born:%Y%m%d}" if who.born else None,
        "PatientAge": _age(age),
        "PatientSize": f"{who.height:.2f}",
        "PatientWeight": f"{who.weight:.1f}",
        "BodyPartExamined": study.protocol.body_part,
        "RequestAttributesSequence": _item(request),
        "PerformedProcedureStepID": f"PPS{study.number * 11 + 7}",
    }


def _of_series(study: StudyPlan, series: SeriesPlan, rng: random.Random) -> dict[str, Any]:
    """The values that all images of a series have."""
    manufacturer, models = _VENDORS.get(series.template, ("", ()))
    station = rng.randint(1, 4)
    # One institution has few devices of a kind: the number of its device decides on the model.
    device = study.institution % len(_INSTITUTIONS) * 10 + station
    values: dict[str, Any] = {
        "Modality": series.modality,
        "SeriesInstanceUID": f"{_ROOT}.{study.at:%Y%m%d%H%M%S}.{study.number}.{series.number}",
        "FrameOfReferenceUID": f"{_ROOT}.{study.at:%Y%m%d%H%M%S}.{study.number}.0",
        "SeriesNumber": str(series.number),
        "SeriesDescription": series.description,
        "SeriesDate": f"{study.at:%Y%m%d}",
        "StationName": f"{series.modality}{station:02d}-{device:03d}",
        "DeviceSerialNumber": str(40_000 + device * 37),
        "ProtocolName": f"{study.protocol.body_part.title()}^{series.description}",
    }
    if manufacturer:
        values |= {"Manufacturer": manufacturer, "ManufacturerModelName": models[device % len(models)]}
    if series.modality in {"CT", "MR"}:
        values["SliceThickness"] = f"{rng.choice((0.6, 1.0, 1.25, 2.0, 3.0, 4.0, 5.0)):.6f}"
        spacing = f"{rng.uniform(0.3, 0.98):.6f}"
        values["PixelSpacing"] = [spacing, spacing]
        if rng.random() < 0.3:
            values["ContrastBolusAgent"] = rng.choice(_AGENTS)
    if series.modality == "CT":
        values["KVP"] = rng.choice(("80", "100", "120", "120", "140"))
        values["ConvolutionKernel"] = rng.choice(("B30f", "B70s", "STANDARD", "BONE", "FC51"))
    if series.modality == "MR":
        values["RepetitionTime"] = f"{rng.uniform(4, 9000):.2f}"
        values["EchoTime"] = f"{rng.uniform(1, 120):.2f}"
        values["MagneticFieldStrength"] = rng.choice(("1.5", "3"))
    if series.modality == "CR":
        values["KVP"] = str(rng.randint(45, 150))
        values["DetectorID"] = f"D-{device:03d}-{rng.randint(1, 400):04d}"
        values["ViewPosition"] = rng.choice(("PA", "AP", "LL", "RL"))
    return values


def _images(study: StudyPlan, series: SeriesPlan, values: dict[str, Any], rng: random.Random) -> Iterator[Image]:
    base = deepcopy(template_header(series.template))
    values = values | _of_series(study, series, rng)
    begin = study.at + timedelta(minutes=4 * series.number, seconds=rng.randrange(60))
    place, step = rng.uniform(-900, 300), rng.choice((0.6, 1.0, 1.25, 3.0, 5.0))
    batch, uid = study.batch, values["SeriesInstanceUID"]
    folder = f"/archive/{batch}/{values['PatientID']}/{study.at:%Y%m%d}-{study.number}/{series.number:03d}"
    varying = _of_image(series, uid, 1, begin, place, rng)
    # With the places of the varying ones, so that the order of the tags is right once and for all.
    for keyword, value in (values | varying).items():
        base.update([_element(keyword, value)])
    base = dict(sorted(base.items()))
    for number in range(1, series.images + 1):
        place += step
        begin += timedelta(milliseconds=rng.randint(80, 900))
        elements = dict(base)
        elements.update(_element(*each) for each in _of_image(series, uid, number, begin, place, rng).items())
        for tag in (_GE_IMAGE_PLACE, _GE_TABLE_SPEED, _GE_DOSE):
            if tag in elements:
                elements[tag] = _private(elements[tag], tag, place, rng)
        path = f"{folder}/{number:06d}.dcm"
        facts = FileFacts(path, f"{number:06d}.dcm", rng.randrange(40_000, 600_000), _mtime(begin))
        yield Image(Header(elements), facts, batch)


def _of_image(
    series: SeriesPlan, uid: str, number: int, at: datetime, place: float, rng: random.Random
) -> dict[str, Any]:
    """The values of one image."""
    values: dict[str, Any] = {
        "MediaStorageSOPInstanceUID": f"{uid}.{number}",
        "SOPInstanceUID": f"{uid}.{number}",
        "InstanceNumber": str(number),
        "AcquisitionDate": f"{at:%Y%m%d}",
        "AcquisitionTime": f"{at:%H%M%S.%f}",
        "ContentDate": f"{at:%Y%m%d}",
        "ContentTime": f"{at:%H%M%S.%f}",
    }
    if series.modality in {"CT", "MR"}:
        values["SliceLocation"] = _PLACE.format(place)
        values["ImagePositionPatient"] = ["-158.1358", "-179.0358", _PLACE.format(place)]
    if series.modality == "CT":
        values["XRayTubeCurrent"] = str(rng.randint(30, 650))
        values["Exposure"] = str(rng.randint(2, 400))
    if series.modality == "CR":
        values["RelativeXRayExposure"] = str(rng.randint(80, 2_200))
    return values


def _private(old: dict[str, Any], tag: str, place: float, rng: random.Random) -> dict[str, Any]:
    if tag == _GE_IMAGE_PLACE:
        value: Any = round(place, 2)
    else:
        value = f"{rng.uniform(0.5, 40):.6f}" if tag == _GE_TABLE_SPEED else rng.randint(400, 1_200)
    return {"vr": old["vr"], "Value": [value]}


@lru_cache
def _described(keyword: str) -> tuple[str, str]:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return f"{tag:08X}", dictionary_VR(tag)


def _element(keyword: str, value: Any) -> tuple[str, dict[str, Any]]:
    tag, representation = _described(keyword)
    if value is None:
        return tag, {"vr": representation}
    return tag, {"vr": representation, "Value": value if isinstance(value, list) else [value]}


def _item(values: dict[str, Any]) -> DicomJson:
    return dict(sorted(_element(keyword, value) for keyword, value in values.items()))


def _age(years: float | None) -> str | None:
    """An age as DICOM has it (PS3.5 §6.2): years, or months of the small ones."""
    if years is None or years < 0:
        return None
    return f"{int(years):03d}Y" if years >= 2 else f"{int(years * 12):03d}M"


def _mtime(at: datetime) -> datetime:
    return (at + timedelta(days=1)).replace(microsecond=0)
