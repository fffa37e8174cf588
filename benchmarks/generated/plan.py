"""Who was examined when, and which series of how many images that gave: the shape of an archive, without values.

Sizes are as skewed as real ones: a radiograph is one image or two, a CT series some hundred, and some patients come
again and again. The whole plan of a million images takes a second, so that each process can make it for itself.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

_FIRST_DAY = datetime(2009, 1, 1, tzinfo=UTC)
_DAYS = 5_475
_STUDIES_OF_BATCH = 150


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is done in a study: its description, the part of the body, its code, and series that are usual."""

    study: str
    body_part: str
    meaning: str
    series: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """A series: its number in the study, the file whose header its images have, and how many there are."""

    number: int
    template: str
    modality: str
    description: str
    images: int


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """A study.

    Attributes
    ----------
    number, patient
        Of the study and its patient in the archive, from 0.
    at
        When it began.
    institution
        Number of the institution.
    batch
        Name of the batch that it came with.
    """

    number: int
    patient: int
    at: datetime
    protocol: Protocol
    institution: int
    batch: str
    series: tuple[SeriesPlan, ...]

    @property
    def images(self) -> int:
        """Images of all its series."""
        return sum(each.images for each in self.series)


_CT = (
    Protocol(
        "CT Thorax mit KM", "CHEST", "CT of chest with contrast", ("Thorax 5.0 B30f", "Lunge 1.0 B70s", "MPR cor")
    ),
    Protocol("CT CHEST PE", "CHEST", "CT angiography of pulmonary arteries", ("CTPA 0.6", "Lung 1.0", "MIP ax 10mm")),
    Protocol("CT Schädel nativ", "HEAD", "CT of head without contrast", ("Kopf 4.0 H31s", "Knochen 1.0 H60s")),
    Protocol("CT ABDOMEN/PELVIS", "ABDOMEN", "CT of abdomen and pelvis", ("Arterial 2.0", "Portal 3.0", "Delay 5.0")),
    Protocol("Scanner thoraco-abdominal", "CHESTABDOMEN", "CT of trunk", ("TAP 2mm injecté", "Poumon 1.25")),
    Protocol("頭部CT単純", "HEAD", "CT of head without contrast", ("頭部 5mm", "骨条件 1mm")),
    Protocol("TC columna lumbar", "LSPINE", "CT of lumbar spine", ("Columna 1.5 hueso", "Partes blandas")),
)
_MR = (
    Protocol(
        "MR Brain w/wo", "BRAIN", "MRI of brain", ("t1_se_tra", "t2_tse_tra_dark-fluid", "ep2d_diff", "t1_mprage_sag")
    ),
    Protocol("MRT Knie rechts", "KNEE", "MRI of knee", ("pd_tse_fs_sag", "pd_tse_fs_cor", "t1_tse_sag", "t2_de3d_we")),
    Protocol("IRM rachis lombaire", "LSPINE", "MRI of lumbar spine", ("T2 SAG TSE", "T1 SAG", "T2 AX L4-S1")),
    Protocol("MRT oberes Abdomen", "ABDOMEN", "MRI of liver", ("t1_vibe_fs_tra_bh", "t2_haste_cor", "MRCP 3D")),
    Protocol("膝関節MRI", "KNEE", "MRI of knee", ("T2強調 矢状断", "PD fatsat")),
)
_CR = (
    Protocol("Thorax pa/lat", "CHEST", "Plain chest X-ray", ("Thorax p.a.", "Thorax lat.")),
    Protocol("XR ANKLE LEFT", "ANKLE", "Plain X-ray of ankle", ("AP", "LAT", "OBL")),
    Protocol("Hand bds.", "HAND", "Plain X-ray of hand", ("Hand d.p.", "Hand schräg")),
    Protocol("Radiographie du bassin", "PELVIS", "Plain X-ray of pelvis", ("Face",)),
    Protocol("胸部単純X線", "CHEST", "Plain chest X-ray", ("正面", "側面")),
)
_US = (
    Protocol("Sono Abdomen", "ABDOMEN", "Ultrasonography of abdomen", ("Abdomen",)),
    Protocol("OB US 2nd trimester", "PELVIS", "Obstetric ultrasonography", ("OB_GENERAL",)),
    Protocol("Écho thyroïde", "NECK", "Ultrasonography of thyroid", ("Thyroïde",)),
    Protocol("Echo cardiaque", "HEART", "Echocardiography", ("TTE",)),
)
_NM = (Protocol("NM Bone scan", "WHOLEBODY", "Bone scintigraphy", ("WB STATIC", "SPECT RECON")),)
_RT = (Protocol("RT Planung Prostata", "PROSTATE", "Radiotherapy planning", ("Planungs-CT 3.0",)),)
_ECG = (Protocol("ECG 12-lead", "HEART", "Electrocardiography", ("12-Kanal EKG",)),)
_TEMPLATES = {
    "CT": ("CT_small.dcm", "CT_small.dcm", "693_UNCR.dcm", "J2K_pixelrep_mismatch.dcm", "explicit_VR-UN.dcm"),
    "MR": ("MR_small.dcm", "MR2_UNCR.dcm", "MR-SIEMENS-DICOM-WithOverlays.dcm", "examples_overlay.dcm"),
    "CR": ("RG1_UNCR.dcm", "RG3_UNCR.dcm"),
    "US": ("US1_UNCR.dcm", "OBXXXX1A.dcm", "gdcm-US-ALOKA-16.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm"),
}
_CINE = "examples_ybr_color.dcm"
# Studies of a hundred of each kind.
_KINDS = (("CR", 38), ("CT", 22), ("US", 17), ("MR", 14), ("RT", 3), ("NM", 3), ("ECG", 3))


def plan(images: int, seed: int) -> Iterator[StudyPlan]:
    """Plan an archive of exactly so many images.

    Parameters
    ----------
    images
        In all; the last study is cut short where it would exceed them.
    seed
        Of the random numbers.
    """
    rng = random.Random(f"{seed}:plan")
    patients: list[int] = []
    new_patient, left, number = 0, images, 0
    while left > 0:
        # Some come again, those the more often who have often been there.
        if patients and rng.random() < 0.45:
            patient = rng.choice(patients)
        else:
            patient, new_patient = new_patient, new_patient + 1
        patients.append(patient)
        study = _study(rng, number, patient)
        if study.images > left:
            study = _cut(study, left)
        left -= study.images
        number += 1
        yield study


def _study(rng: random.Random, number: int, patient: int) -> StudyPlan:
    # Archives grow: each year has more studies than the one before.
    day = _FIRST_DAY + timedelta(days=int(_DAYS * rng.random() ** 0.6))
    at = day + timedelta(seconds=int(min(max(rng.gauss(12.5, 3.5), 0), 23.9) * 3_600))
    kind = rng.choices([name for name, _ in _KINDS], [weight for _, weight in _KINDS])[0]
    protocol, series = _SERIES[kind](rng)
    return StudyPlan(
        number=number,
        patient=patient,
        at=at,
        protocol=protocol,
        institution=int(rng.paretovariate(0.9)) - 1,
        batch=f"EXPORT-{number // _STUDIES_OF_BATCH + 1:04d}",
        series=tuple(
            SeriesPlan(at, template, modality, description, size)
            for at, (template, modality, description, size) in enumerate(series, start=1)
        ),
    )


def _cut(study: StudyPlan, images: int) -> StudyPlan:
    kept = []
    for series in study.series:
        size = min(series.images, images)
        images -= size
        if size:
            kept.append(replace(series, images=size))
    return replace(study, series=tuple(kept))


_Series = list[tuple[str, str, str, int]]


def _size(rng: random.Random, usual: float, most: int) -> int:
    return min(max(int(rng.lognormvariate(0, 0.8) * usual), 1), most)


def _ct(rng: random.Random) -> tuple[Protocol, _Series]:
    protocol = rng.choice(_CT)
    template = rng.choice(_TEMPLATES["CT"])
    series = [(template, "CT", "Topogramm 0.6 T20s", rng.choice((1, 1, 2)))]
    series += [(template, "CT", name, _size(rng, 45, 700)) for name in rng.sample(protocol.series, rng.randint(1, 2))]
    if rng.random() < 0.15:
        series.append(("eCT_Supplemental.dcm", "CT", "Perfusion RCBF", 1))
    if rng.random() < 0.2:
        series.append(("mlut_18.dcm", "OT", "Screen Save", rng.randint(1, 3)))
    if rng.random() < 0.25:
        series.append(("test-SR.dcm", "SR", "Befund", 1))
    if rng.random() < 0.06:
        series.append(("liver_1frame.dcm", "SEG", "Liver segmentation", 1))
    return protocol, series


def _mr(rng: random.Random) -> tuple[Protocol, _Series]:
    protocol = rng.choice(_MR)
    template = rng.choice(_TEMPLATES["MR"])
    series = [(template, "MR", "localizer", 3)]
    series += [(template, "MR", name, _size(rng, 20, 250)) for name in protocol.series]
    if rng.random() < 0.25:
        series.append(("emri_small.dcm", "MR", "T1TFE 3D", 1))
    return protocol, series


def _cr(rng: random.Random) -> tuple[Protocol, _Series]:
    protocol = rng.choice(_CR)
    template = rng.choice(_TEMPLATES["CR"])
    names = rng.sample(protocol.series, rng.randint(1, min(2, len(protocol.series))))
    return protocol, [(template, "CR", name, rng.choice((1, 1, 1, 2))) for name in names]


def _us(rng: random.Random) -> tuple[Protocol, _Series]:
    protocol = rng.choice(_US)
    series = [(rng.choice(_TEMPLATES["US"]), "US", protocol.series[0], _size(rng, 12, 90))]
    if rng.random() < 0.3:
        series.append((_CINE, "US", f"{protocol.series[0]} Cine", rng.randint(1, 6)))
    return protocol, series


def _nm(rng: random.Random) -> tuple[Protocol, _Series]:
    return _NM[0], [("JPEG2000_UNC.dcm", "NM", name, rng.randint(1, 4)) for name in _NM[0].series]


def _rt(rng: random.Random) -> tuple[Protocol, _Series]:
    series = [
        ("CT_small.dcm", "CT", _RT[0].series[0], _size(rng, 90, 300)),
        ("rtstruct.dcm", "RTSTRUCT", "Konturen", 1),
    ]
    return _RT[0], [*series, ("rtplan.dcm", "RTPLAN", "IMRT 7 Felder", 1), ("rtdose.dcm", "RTDOSE", "Plan dose", 1)]


def _ecg(rng: random.Random) -> tuple[Protocol, _Series]:
    return _ECG[0], [("waveform_ecg.dcm", "ECG", _ECG[0].series[0], rng.choice((1, 1, 2)))]


_SERIES = {"CT": _ct, "MR": _mr, "CR": _cr, "US": _us, "NM": _nm, "RT": _rt, "ECG": _ecg}
