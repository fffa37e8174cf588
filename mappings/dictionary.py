"""The DICOM dictionary (PS3.6) as Elasticsearch sees it: for every attribute its keyword, VR and kind of field.

Pure: built from pydicom's dictionary, no network, no state but a cache of the result. It is the one source of what a
field's type is: the index template is generated from it, the flattener converts values by it, the query compiler
chooses a query by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from pydicom._dicom_dict import RepeatersDictionary
from pydicom.datadict import DicomDictionary


class Kind(StrEnum):
    """What an attribute's values are to Elasticsearch."""

    TEXT = "text"  # text + .keyword
    NAME = "name"  # person name: text + .keyword
    KEYWORD = "keyword"
    LONG = "long"
    DOUBLE = "double"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"  # keyword HHMMSS.FFFFFF
    AGE = "age"  # keyword 045Y
    BINARY = "binary"  # not indexed
    SEQUENCE = "sequence"  # its elements stand under `nested` and `path`


KIND_OF_VR: Mapping[str, Kind] = MappingProxyType(
    {
        **dict.fromkeys(("LO", "SH", "ST", "LT", "UC", "UT"), Kind.TEXT),
        "PN": Kind.NAME,
        **dict.fromkeys(("UI", "CS", "AE", "UR", "AT"), Kind.KEYWORD),
        **dict.fromkeys(("IS", "US", "SS", "UL", "SL", "UV", "SV"), Kind.LONG),
        **dict.fromkeys(("DS", "FL", "FD"), Kind.DOUBLE),
        "DA": Kind.DATE,
        "DT": Kind.DATETIME,
        "TM": Kind.TIME,
        "AS": Kind.AGE,
        **dict.fromkeys(("OB", "OW", "OF", "OD", "OL", "OV", "UN"), Kind.BINARY),
        "SQ": Kind.SEQUENCE,
    }
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of the data dictionary.

    Attributes
    ----------
    tag
        Group and element as one number, `0x00180050`; of a repeating group the first one (`0x60000010` for `60xx0010`).
    keyword
        `SliceThickness`.
    name
        `Slice Thickness`.
    vr
        The dictionary's VR; ambiguous ones as written there (`US or SS`).
    vm
        Value multiplicity (`1`, `1-n`).
    kind
        What its values are to Elasticsearch.
    """

    tag: int
    keyword: str
    name: str
    vr: str
    vm: str
    kind: Kind


def _kind(vr: str) -> Kind:
    # An ambiguous VR ("US or SS", "OB or OW", "US or OW") takes the kind of its first part.
    return KIND_OF_VR.get(vr.split(" or ")[0], Kind.KEYWORD)


@cache
def attributes() -> Mapping[str, Attribute]:
    """All attributes with a keyword, by keyword; those of repeating groups (60xx, 50xx) stand there once."""
    entries = {
        **DicomDictionary,
        **{int(mask.replace("x", "0"), 16): entry for mask, entry in RepeatersDictionary.items()},
    }
    return MappingProxyType(
        {
            keyword: Attribute(tag, keyword, name, vr, vm, _kind(vr))
            for tag, (vr, vm, name, _retired, keyword) in entries.items()
            if keyword and vr != "NONE"  # items and delimiters are no elements
        }
    )


@cache
def attributes_by_tag() -> Mapping[int, Attribute]:
    """The same attributes, by tag."""
    return MappingProxyType({attribute.tag: attribute for attribute in attributes().values()})


@cache
def _repeaters() -> tuple[tuple[int, int, Attribute], ...]:
    known = attributes_by_tag()
    return tuple(
        (
            int("".join("0" if digit == "x" else "F" for digit in mask), 16),
            int(mask.replace("x", "0"), 16),
            known[int(mask.replace("x", "0"), 16)],
        )
        for mask in RepeatersDictionary
    )


@cache
def attribute_of(tag: int) -> Attribute | None:
    """Find the attribute of a tag, of repeating groups too: (6002,0010) is `OverlayRows`.

    Parameters
    ----------
    tag
        Group and element as one number.

    Returns
    -------
    Attribute or None
        None for private and unknown tags.
    """
    found = attributes_by_tag().get(tag)
    if found is not None or tag >> 16 & 1:
        return found
    for mask, value, attribute in _repeaters():
        if tag & mask == value:
            return attribute
    return None
