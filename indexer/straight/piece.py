"""What is kept of an element, or of several in a row: all that their bytes come to."""

from dataclasses import dataclass

from indexer.flatten.contribution import Contribution
from indexer.flatten.creators import NO_CREATOR
from indexer.reader.header import Entry


@dataclass(frozen=True, slots=True)
class Creators:
    """Who has reserved a block of private elements: as the reader sees it, and as the flattener does.

    The reader looks VRs up by the first value of any text element in the place of a private creator; the flattener
    names fields by it, and has `none` where it is blank.
    """

    reader: str | None
    flattener: str


NOBODY = Creators(None, NO_CREATOR)


@dataclass(frozen=True, slots=True)
class Effect:
    """What an element decides for those that come after it in its data set.

    Attributes
    ----------
    charset
        Python's encodings of the text.
    is_signed
        Whether ambiguous integers are signed.
    block, creators
        A block of private elements (0x001910), and who has reserved it.
    told
        An element that tells about the whole file, with its tag: transfer syntax, classes and UIDs.
    """

    charset: tuple[str, ...] | None = None
    is_signed: bool = False
    block: int = 0
    creators: Creators | None = None
    told: tuple[str, Entry] | None = None


class Piece:
    """All that the bytes of some elements come to.

    Attributes
    ----------
    contribution
        What they add to the document.
    json
        Their members of the stored header.
    cost
        About how many bytes of the stored header the limits take this for.
    elements
        How many elements and items the limits count.
    notes
        What was forgiven.
    effects
        What is decided for elements after them.
    follower, changes
        Of a single element: what came after it last time (its `id`), and how often that was another one.
    row
        Of a single element: the row that began with it last time.
    """

    __slots__ = ("changes", "contribution", "cost", "effects", "elements", "follower", "json", "notes", "row")

    def __init__(
        self,
        contribution: Contribution,
        json: str,
        cost: int,
        elements: int = 1,
        notes: tuple[str, ...] = (),
        effects: tuple[Effect, ...] = (),
    ) -> None:
        self.contribution = contribution
        self.json = json
        self.cost = cost
        self.elements = elements
        self.notes = notes
        self.effects = effects
        self.follower = 0
        self.changes = 0
        self.row: Row | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Elements that came in a row, byte for byte.

    Attributes
    ----------
    raw
        Their bytes.
    piece
        What they come to together.
    last
        The tag of the last one.
    needs
        Blocks of private elements that others before them have to have reserved, and for whom.
    """

    raw: bytes
    piece: Piece
    last: int
    needs: tuple[tuple[int, Creators], ...] = ()
