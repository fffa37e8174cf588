"""Images made for what pydicom's test files lack: names of all scripts, odd dates, private and nested elements."""

from collections.abc import Iterator
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

ROOT = "1.2.826.0.1.3680043.10.1"
HOSTILE = "<script>alert(1)</script>^<b>bold</b>"
# Number, name, and what is special about each.
NAMES = {
    1: "Müller^Jörg",
    2: "Doe^John",
    3: "Doe^Jane",
    4: "Hong^Gildong=洪^吉洞=홍^길동",
    5: "Yamada^Tarou=山田^太郎=やまだ^たろう",
    6: HOSTILE,
    7: "O'Neil^Anne_Marie",
    8: "",
}


def made_datasets(folder: Path) -> Iterator[Path]:
    """Write the files."""
    for number, name in NAMES.items():
        path = folder / f"made-{number}.dcm"
        dataset = _dataset(number, name)
        dataset.save_as(path, enforce_file_format=True)
        yield path


def uid(number: int) -> str:
    """The UID, and so the id, of an image."""
    return f"{ROOT}.{number}"


def _dataset(number: int, name: str) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = CTImageStorage if number % 2 else MRImageStorage
    dataset.SOPInstanceUID = uid(number)
    dataset.StudyInstanceUID = f"{ROOT}.100"
    dataset.SeriesInstanceUID = f"{ROOT}.100.{number % 2}"
    dataset.Modality = "CT" if number % 2 else "MR"
    dataset.PatientName = name
    dataset.PatientID = f"MADE-{number}"
    dataset.PatientAge = ("017Y", "018Y", "019Y", "018M", "006W", "010D", "045Y", "")[number - 1]
    dataset.StudyDate = f"201{number}0{number}1{number}"
    dataset.StudyTime = f"0{number}30{number % 6}0.5"
    dataset.AcquisitionDateTime = f"201{number}0{number}1{number}0{number}3000.5+0100"
    dataset.SeriesDescription = f"t{number}_mprage_sag head-neck"
    dataset.InstanceNumber = number
    dataset.SliceThickness = number / 2
    dataset.SliceLocation = number - 4
    dataset.PixelSpacing = [0.5, 0.5 + number]
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if number > 4 else "CORONAL"]
    dataset.ReferringPhysicianName = ""
    dataset.StationName = "Zürich-É" if number == 1 else f"STATION{number}"
    if number < 4:
        dataset.ContrastBolusAgent = "Gadolinium"
    if number == 8:
        dataset.PatientBirthDate = "1990"  # a date has to be whole: kept as malformed
    _nest(dataset, number)
    block = dataset.private_block(0x0019, "ACME_1.0/é: x", create=True)
    block.add_new(0x02, "DS", str(900 + number))
    block.add_new(0x03, "LO", f"Protocol {number} fast scan")
    return dataset


def _nest(dataset: Dataset, number: int) -> None:
    code = Dataset()
    code.CodeValue = f"V{number}"
    code.CodeMeaning = f"Chest region {number}"
    request = Dataset()
    request.ScheduledProcedureStepID = f"A-{number}"
    request.ScheduledProcedureStepDescription = f"Thorax scan {number}"
    request.ScheduledProtocolCodeSequence = [code]
    dataset.RequestAttributesSequence = [request]
    value = Dataset()
    value.NumericValue = number * 10 - 45
    value.Date = f"201{number}0101"
    value.PersonName = f"Reader^Nr{number}"
    value.MeasurementUnitsCodeSequence = []
    content = Dataset()
    content.MeasuredValueSequence = [value]
    dataset.ContentSequence = [content]
