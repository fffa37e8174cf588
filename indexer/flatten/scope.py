"""Where the values of an attribute go: decided once for all data sets that have the same place in a header."""

from functools import lru_cache

from indexer.flatten.contribution import FOLDED_INSIDE, Group
from indexer.flatten.convert import CONVERTERS, NUMERIC, Converter
from indexer.flatten.creators import ODD
from indexer.flatten.forms import private_key
from indexer.settings import Limits
from mappings.dictionary import Attribute, Kind, attribute_of

REPEATING = frozenset({"50", "60"})


class Public:
    """Where the values of a public attribute go, from data sets of one scope.

    Attributes
    ----------
    kind, convert
        Of the field, and what converts a value to it.
    keyword
        Also the field at the top level.
    repeats
        Whether several elements of a data set may be this attribute.
    is_numeric, has_search_form
        Whether the values are numbers; texts with a search form of their own.
    is_top
        Whether the data set is the top level.
    path, malformed
        The keys in these groups; there is no path where it would be too long or too deep.
    folded
        The group of search forms.
    fields_and_text
        The fields that hold a value which fits.
    """

    __slots__ = (
        "convert",
        "fields_and_text",
        "folded",
        "has_search_form",
        "is_numeric",
        "is_top",
        "keyword",
        "kind",
        "malformed",
        "path",
        "repeats",
    )

    def __init__(self, attribute: Attribute, convert: Converter, tag: str, key: str | None, *, is_top: bool) -> None:
        keyword = attribute.keyword
        self.kind = attribute.kind
        self.convert = convert
        self.keyword = keyword
        self.repeats = tag[:2] in REPEATING
        self.is_numeric = attribute.kind in NUMERIC
        self.has_search_form = attribute.kind in {Kind.NAME, Kind.TEXT}
        self.is_top = is_top
        self.path = key
        self.folded: Group = ("folded",) if is_top else FOLDED_INSIDE
        self.malformed = key or keyword
        if is_top:
            self.fields_and_text: tuple[str, ...] = (keyword, "text")
        elif key is None:
            self.fields_and_text = (f"nested.{keyword}", "text")
        else:
            self.fields_and_text = (f"nested.{keyword}", f"path.{key}", "text")


class Scope:
    """The data sets of one place: the top level, or the items of the sequences that have one path.

    Attributes
    ----------
    path
        How the keys of its elements begin; None where that is too long or too deep for a key.
    depth
        How many sequences it is in.
    """

    __slots__ = ("_inner", "_limits", "_public", "depth", "longest_creator", "path")

    def __init__(self, limits: Limits, path: str | None = "", depth: int = 0) -> None:
        self._limits = limits
        self._public: dict[str, Public | None] = {}
        self._inner: dict[str, Scope] = {}
        self.path = path if depth <= limits.key_depth else None
        self.depth = depth
        self.longest_creator = limits.key_characters // 2

    @property
    def size(self) -> int:
        """How many attributes are decided on."""
        return len(self._public)

    def key(self, name: str) -> str | None:
        """Write the key of an element in `path`, None where it has none."""
        if self.path is None:
            return None
        key = self.path + name
        return key if len(key) <= self._limits.key_characters else None

    def inside(self, name: str) -> "Scope":
        """The scope of the items of a sequence."""
        inner = self._inner.get(name)
        if inner is None:
            key = self.key(name)
            inner = Scope(self._limits, None if key is None else f"{key}.", self.depth + 1)
            self._inner[name] = inner
        return inner

    def public(self, tag: str) -> Public | None:
        """Tell where the values of a public element go; None for tags without a keyword or a type of field."""
        try:
            return self._public[tag]
        except KeyError:
            pass
        attribute = attribute_of_tag(tag)
        convert = None if attribute is None else CONVERTERS.get(attribute.kind)
        public = None
        if attribute is not None and convert is not None:
            public = Public(attribute, convert, tag, self.key(attribute.keyword), is_top=self.depth == 0)
        self._public[tag] = public
        return public


@lru_cache(maxsize=32_768)
def attribute_of_tag(tag: str) -> Attribute | None:
    """Find the attribute of a tag in eight hexadecimal digits; None for private and unknown ones."""
    return None if tag[3] in ODD else attribute_of(int(tag, 16))


def name_of(tag: str, creator: str) -> str:
    """Name an element in paths: by its keyword, its private creator, or its tag.

    Parameters
    ----------
    creator
        Of a private element.
    """
    if tag[3] in ODD:
        return f"{creator}:{private_key(tag)}"
    attribute = attribute_of_tag(tag)
    return attribute.keyword if attribute else tag
