"""What a process remembers of the elements it has read: bounded, and only in memory, since it is patient data.

Images of a series have nearly all their elements in common, byte for byte, and images of a device most of them.
What bytes come to depends on their surroundings: each kind of surroundings has a memory of its own. Two generations:
when the younger one has used up its room, it becomes the older one, whose pieces are forgotten unless they come again.
"""

from typing import NamedTuple

from indexer.flatten.contribution import Contribution
from indexer.flatten.elements import contribution_of
from indexer.flatten.scope import Scope, name_of
from indexer.reader.charsets import DEFAULT
from indexer.reader.encoding import Encoding
from indexer.settings import Limits
from indexer.straight.piece import NOBODY, Creators, Piece, Row

# Of one generation. A piece takes about a kilobyte beside its bytes and its JSON.
MOST_BYTES = 24_000_000
PIECE_BYTES = 900
# Kinds of data sets (by path, character set, private creator), and attributes in them, after which all is forgotten.
MOST_SURROUNDINGS = 4_000
MOST_ATTRIBUTES = 20_000
# Sequences that were seen once.
MOST_SEEN = 50_000


class Key(NamedTuple):
    """What the meaning of bytes depends on, beside themselves.

    Attributes
    ----------
    encoding
        Of the data set.
    charset
        Python's encodings of its text.
    is_signed
        Whether ambiguous integers are signed.
    creators
        Who has reserved the block, for private elements.
    """

    encoding: Encoding
    charset: tuple[str, ...] = (DEFAULT,)
    is_signed: bool = False
    creators: Creators | None = None


class Inside(NamedTuple):
    """What is decided for all sequences of one tag in the same surroundings.

    Attributes
    ----------
    tag
        Eight hexadecimal digits.
    name
        Its part of a path.
    items
        The surroundings of the elements of its items.
    full, empty
        What it adds itself, if it has items and if it has none.
    """

    tag: str
    name: str
    items: "Surroundings"
    full: Contribution
    empty: Contribution


class Surroundings:
    """What the bytes of elements mean in one kind of data set, and those that are known.

    Attributes
    ----------
    key, scope
        The kind of data set, and its place in the header.
    creator
        Who has made its private elements, as far as keys have room for it; of those outside of blocks, nobody.
    pieces
        By the bytes of an element; of one without a length that is read or known, by its prefix.
    rows
        Sequences that end with a delimiter, by their first bytes.
    inside
        What is decided for sequences, by tag and encoding.
    """

    __slots__ = ("_older", "_older_rows", "creator", "inside", "key", "pieces", "rows", "scope")

    def __init__(self, key: Key, scope: Scope) -> None:
        self.key = key
        self.scope = scope
        self.creator = (key.creators or NOBODY).flattener[: scope.longest_creator]
        self.pieces: dict[bytes, Piece] = {}
        self.rows: dict[bytes, Row] = {}
        self.inside: dict[tuple[int, Encoding], Inside] = {}
        self._older: dict[bytes, Piece] = {}
        self._older_rows: dict[bytes, Row] = {}

    @property
    def size(self) -> int:
        """How many pieces are known."""
        return len(self.pieces) + len(self.rows) + len(self._older) + len(self._older_rows)

    def recall(self, raw: bytes) -> Piece | None:
        """Find a piece, which makes it one of the younger generation."""
        piece = self.pieces.get(raw)
        if piece is None:
            piece = self._older.pop(raw, None)
            if piece is not None:
                self.pieces[raw] = piece
        return piece

    def recall_row(self, begin: bytes) -> Row | None:
        """Find a sequence by its first bytes."""
        row = self.rows.get(begin)
        if row is None:
            row = self._older_rows.pop(begin, None)
            if row is not None:
                self.rows[begin] = row
        return row

    def age(self) -> None:
        """Begin a new generation."""
        self._older, self._older_rows = self.pieces, self.rows
        self.pieces, self.rows = {}, {}


class Memory:
    """What a process remembers.

    Parameters
    ----------
    limits
        With which all files are read.
    most_bytes
        About how much memory one of the two generations may take.

    Attributes
    ----------
    elements, misses
        Elements that came, and those of them that were not known.
    used
        About how many bytes the younger generation takes.
    """

    def __init__(self, limits: Limits, most_bytes: int = MOST_BYTES) -> None:
        self.limits = limits
        self.elements = 0
        self.misses = 0
        self._most_bytes = most_bytes
        self.used = 0
        self._top = Scope(limits)
        self._surroundings: dict[tuple[Key, Scope], Surroundings] = {}
        self._tops: dict[Encoding, Surroundings] = {}
        self._seen: set[int] = set()

    @property
    def size(self) -> int:
        """How many pieces are remembered."""
        return sum(one.size for one in self._surroundings.values())

    def forget(self) -> None:
        """Forget all elements."""
        self.used = 0
        self._surroundings = {}
        self._tops = {}
        self._seen = set()
        self._top = Scope(self.limits)

    @property
    def has_room(self) -> bool:
        """Whether more may be remembered before the next file."""
        return self.used < self._most_bytes

    def make_room(self) -> None:
        """Make room for what is new in the next file."""
        if not self.has_room:
            self.used = 0
            for one in self._surroundings.values():
                one.age()
            if sum(one.scope.size for one in self._surroundings.values()) > MOST_ATTRIBUTES:
                self.forget()
        if len(self._surroundings) > MOST_SURROUNDINGS:
            self.forget()
        if len(self._seen) > MOST_SEEN:
            self._seen = set()

    def top(self, encoding: Encoding) -> Surroundings:
        """The surroundings of the first elements of a file."""
        found = self._tops.get(encoding)
        if found is None:
            found = self._tops[encoding] = self.surroundings(Key(encoding), self._top)
        return found

    def surroundings(self, key: Key, scope: Scope) -> Surroundings:
        """Find what is remembered of one kind of data set."""
        found = self._surroundings.get((key, scope))
        if found is None:
            found = self._surroundings[key, scope] = Surroundings(key, scope)
        return found

    def inside(self, surroundings: Surroundings, tag: int, encoding: Encoding) -> Inside:
        """Decide for all sequences of a tag; the encoding is that of their items."""
        found = surroundings.inside.get((tag, encoding))
        if found is None:
            written = f"{tag:08X}"
            creator, scope = surroundings.creator, surroundings.scope
            name = name_of(written, creator)
            found = surroundings.inside[tag, encoding] = Inside(
                written,
                name,
                self.surroundings(surroundings.key._replace(encoding=encoding, creators=None), scope.inside(name)),
                contribution_of(scope, written, {"vr": "SQ", "Value": [{}]}, creator),
                contribution_of(scope, written, {"vr": "SQ"}, creator),
            )
        return found

    def keep(self, surroundings: Surroundings, raw: bytes, piece: Piece) -> None:
        """Remember a piece by its bytes."""
        if self.used < self._most_bytes:
            surroundings.pieces[raw] = piece
            self.used += PIECE_BYTES + len(raw) + 3 * len(piece.json)

    def keep_row(self, surroundings: Surroundings, begin: bytes, row: Row) -> None:
        """Remember a sequence by its first bytes."""
        if self.has_room:
            surroundings.rows[begin] = row
            self.grow(row.raw, row.piece)

    def grow(self, raw: bytes, piece: Piece) -> None:
        """Count what is remembered."""
        self.used += PIECE_BYTES + len(raw) + 3 * len(piece.json)

    def seen_before(self, raw: bytes) -> bool:
        """Tell whether bytes come for the second time: what comes once is not worth to be remembered."""
        mark = hash(raw)
        if mark in self._seen:
            return True
        self._seen.add(mark)
        return False
