"""Private creators (PS3.5 §7.8.1): who has reserved a block of private elements."""

from indexer.reader.header import DicomJson, Entry

NO_CREATOR = "none"
# The last digit of a private group.
ODD = frozenset("13579BDF")


def is_creator(tag: str, entry: Entry) -> bool:
    """Tell private creators, (gggg,0010) to (gggg,00FF); a sequence in such a place is none: real files have them."""
    return tag[4:6] == "00" and tag[3] in ODD and tag[6:] >= "10" and entry["vr"] != "SQ"


def creator_of(entry: Entry) -> str:
    """Read the name in a private creator element."""
    values = entry.get("Value") or [None]
    return str(values[0] or "").strip()


def creators_of(dataset: DicomJson) -> dict[str, str]:
    """Read the private creators of a data set, by group and block (`001910`)."""
    return {
        tag[:4] + tag[6:]: creator_of(entry)
        for tag, entry in dataset.items()
        if tag[4:6] == "00" and is_creator(tag, entry)
    }
