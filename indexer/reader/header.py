"""What the reader hands on: the header as DICOM JSON, and what the file itself said about its reading."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# One element: {"vr": "DS", "Value": ["5.0"]}. Beside the keys of PS3.18 Annex F it may have
# "cut" (why a part of it is missing) and "written_vr" (the VR of the file, where the value does not fit that VR).
Entry = dict[str, Any]
DicomJson = dict[str, Entry]


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one file.

    Attributes
    ----------
    elements
        All elements up to the pixel data, file meta information (group 0002) included, in the DICOM JSON Model
        (PS3.18 Annex F): this is what is stored, and all that the flattener sees.
    forgiven
        In which ways the file departs from the standard, as short sentences without values.
    unread
        Why the end of the header was left out, where a limit stopped the reading.
    digest
        SHA-256 of the file, only where it has no valid SOPInstanceUID: then it is the identity of the image.
    """

    elements: DicomJson
    forgiven: tuple[str, ...] = ()
    unread: str | None = None
    digest: str | None = None

    @classmethod
    def stored(cls, elements: DicomJson, receipt: Mapping[str, Any], document_id: str) -> "Header":
        """Restore the header from a document, so that the document can be built again without the file.

        Parameters
        ----------
        elements
            The document's `header`, parsed.
        receipt
            The document's `receipt`.
        document_id
            The document's `_id`.
        """
        prefix = "sha256-"
        digest = document_id.removeprefix(prefix) if document_id.startswith(prefix) else None
        return cls(elements, tuple(receipt.get("forgiven", ())), receipt.get("unread"), digest)
