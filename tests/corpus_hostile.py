"""Files with what strangers write into headers, and anonymisers leave there: markup, rubbish, digests for dates."""

from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from tests.header_oracle import lenient_pydicom

SCRIPT = "<script>alert(1)</script>^Eve"
ROOT = "1.2.826.0.1.3680043.9.7433.99."
DIGEST = "5feceb66ffc86f38"


def hostile_files(folder: Path) -> None:
    """Write them.

    Parameters
    ----------
    folder
        That becomes a batch.
    """
    for number, values in enumerate(_headers(), start=1):
        dataset = Dataset()
        with lenient_pydicom():
            dataset.SOPClassUID, dataset.SOPInstanceUID = MRImageStorage, f"{ROOT}{number}"
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT}0.1", f"{ROOT}0.2"
            dataset.Modality, dataset.SpecificCharacterSet = "MR", "ISO_IR 192"
            for keyword, value in values.items():
                setattr(dataset, keyword, value)
            if number == 4:
                _add_rubbish(dataset)
            dataset.file_meta = FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.save_as(folder / f"hostile-{number} (copy).dcm", enforce_file_format=True)


def _headers() -> list[dict[str, object]]:
    return [
        {"PatientName": SCRIPT, "PatientID": "'; DROP TABLE images; --", "StudyDescription": "{{7*7}} ${jndi:x} %00"},
        {"PatientName": "O'Brien^Sinéad", "PatientID": "a*b?c", "StudyDescription": "AND OR NOT (a:b) [c TO d]"},
        {"PatientName": "Müller^Jörg", "StudyDate": DIGEST, "PatientBirthDate": DIGEST, "StudyTime": "99:99"},
        {"PatientName": "Muller^Anna", "PatientAge": "old", "StudyDescription": '"quoted" back\\slash', "Rows": 7},
    ]


def _add_rubbish(dataset: Dataset) -> None:
    for group, creator in ((0x0009, "a.b:c/d,e \"f' g"), (0x000B, "<img src=x>"), (0x000D, "🩻 Ünïcode")):
        block = dataset.private_block(group, creator, create=True)
        block.add_new(0x01, "LO", "needle")
        block.add_new(0x02, "DS", "-12.5")
    dataset.add_new(0x00113301, "LO", "orphan")  # no creator has reserved its block
    dataset.add_new(0x00110008, "LO", "outcast")  # in no block at all
