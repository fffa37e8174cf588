"""What the walker keeps of each data set and sequence that it is inside of."""

from indexer.reader.charsets import DEFAULT
from indexer.reader.encoding import Encoding
from indexer.reader.header import DicomJson, Entry

NO_LIMIT = 1 << 62


class Level:
    """A data set or a sequence that is being read.

    Attributes
    ----------
    encoding
        Of its elements.
    end
        Offset of its end, None where a delimiter ends it.
    bound
        The nearest end that is known: its own, or that of what encloses it.
    dataset
        The elements read so far.
    items
        Of a sequence: the items read so far.
    entry
        Of a sequence: its element.
    charset
        Python's encodings of its text.
    creators
        Private creators by group and block (0x001910).
    pixel_representation
        1 where ambiguous integers are signed.
    """

    __slots__ = (
        "bound",
        "charset",
        "creators",
        "dataset",
        "encoding",
        "end",
        "entry",
        "items",
        "pixel_representation",
    )

    def __init__(self, encoding: Encoding, end: int | None, outer: "Level | None") -> None:
        self.encoding = encoding
        self.end = end
        self.dataset: DicomJson = {}
        self.items: list[DicomJson] | None = None
        self.entry: Entry = {}
        self.creators: dict[int, str] = {}
        if outer is None:
            self.bound = NO_LIMIT if end is None else end
            self.charset: tuple[str, ...] = (DEFAULT,)
            self.pixel_representation = 0
        else:
            self.bound = outer.bound if end is None else min(end, outer.bound)
            self.charset = outer.charset
            self.pixel_representation = outer.pixel_representation
