"""Which attributes identify: those of the Basic Confidentiality Profile (PS3.15 table E.1-1), and more.

The table, as data, is that of the package dicom-anonymizer, which is made from the standard. It names what has to go;
what it does not name need not be harmless, since it has no row for most free texts, and none for what a file brings of
its own. So beyond the table everything is masked that is not known to be harmless: names, dates, times, ages, free
texts and addresses by their VR, all other texts and UIDs but those of `harmless`, and what the dictionary does not
know, private elements above all.
"""

from collections.abc import Iterable
from functools import cache

from dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c import ALL_TAGS

from app.deidentified.harmless import HARMLESS_OF_FILE, HARMLESS_TEXTS, HARMLESS_UIDS
from mappings.dictionary import Attribute, attributes

MASK = "[de-identified]"
"""Stands where a value would."""

# PS3.5 §6.2: persons, moments, ages, application entities, free text, addresses, and what is of no known kind.
_IDENTIFYING_VRS = frozenset(("PN", "DA", "DT", "TM", "AS", "AE", "LT", "ST", "UT", "UR", "UN"))
_TEXT_VRS = frozenset(("LO", "SH", "UC"))
# Groups of messages and directories, which no image has a need for, and of the file (PS3.10 §7.1).
_OTHER_GROUPS = frozenset((0x0000, 0x0002, 0x0004))


class Profile:
    """Which attributes are masked.

    Parameters
    ----------
    keep
        Keywords of attributes that are shown nevertheless: the options of the profile (PS3.15 §E.3), as an
        administrator has chosen them.

    Attributes
    ----------
    keep
        The same.
    masked
        Keywords of all attributes of the dictionary that are masked; of a sequence, with all that is inside.
    """

    def __init__(self, keep: Iterable[str] = ()) -> None:
        self.keep = frozenset(keep)
        self.masked = _identifying() - self.keep

    def masks(self, attribute: Attribute | None) -> bool:
        """Whether an attribute is masked; what the dictionary does not know always is."""
        return attribute is None or attribute.keyword in self.masked

    def keeps(self, keyword: str) -> bool:
        """Whether an attribute is shown."""
        return keyword in attributes() and keyword not in self.masked


def in_table(tag: int) -> bool:
    """Whether an attribute has a row in PS3.15 table E.1-1, which has ranges for the repeating groups 50xx and 60xx."""
    return any(tag & mask == value for mask, value in _rows() if mask != _WHOLE) or (_WHOLE, tag) in _rows()


_WHOLE = 0xFFFFFFFF


@cache
def _rows() -> frozenset[tuple[int, int]]:
    """The rows of the table as a mask and the value that a tag has under it."""
    rows = set()
    for row in ALL_TAGS:
        group, element, *masks = row
        mask = masks[0] << 16 | masks[1] if masks else _WHOLE
        rows.add((mask, (group << 16 | element) & mask))
    return frozenset(rows)


@cache
def _identifying() -> frozenset[str]:
    return frozenset(keyword for keyword, one in attributes().items() if in_table(one.tag) or not _is_harmless(one))


def _is_harmless(attribute: Attribute) -> bool:
    """Whether an attribute that has no row in the table is known not to identify; a sequence by what is inside."""
    keyword, vr = attribute.keyword, attribute.vr
    if attribute.tag >> 16 in _OTHER_GROUPS:
        return keyword in HARMLESS_OF_FILE
    if vr in _TEXT_VRS:
        return keyword in HARMLESS_TEXTS
    if vr == "UI":
        return keyword in HARMLESS_UIDS
    # Bytes are neither searched nor shown.
    return vr not in _IDENTIFYING_VRS
