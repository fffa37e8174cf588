r"""The pre-pass: what people type, made into what luqum's grammar can read.

The grammar has no `(0018,0050):`, no quoted field names, and gives `^ : / ' ~ \` meanings that stand in the way of
real header values (`Doe^John`, `08:30`, `/data/scan`, `ORIGINAL\PRIMARY`). So every word is written anew with all but
letters, digits and wildcards escaped, quotation marks around names become escapes, and each character remembers where
it came from, so that errors point into the text that was typed. Quotes, parentheses and ranges are checked here, where
a good message is possible.
"""

import re
from dataclasses import dataclass

from app.search.errors import QuerySyntaxError
from app.search.limits import QueryLimits
from app.search.values import EXACT

_TAG_NAME = re.compile(r"\(\s*([0-9A-Fa-f]{4})\s*,\s*([0-9A-Fa-fXx]{4})\s*\)(?=:)")
_STEP = r"(?:\(\s*[0-9A-Fa-f]{4}\s*,\s*[0-9A-Fa-f]{4}\s*\)|\w+)"
# A path that has a tag in parentheses among its steps.
_PATH_NAME = re.compile(rf"(?=[\w.]*\(){_STEP}(?:\.{_STEP})+(?=:)")
_PHRASE = re.compile(r'"(?:[^\\"]|\\.)*"', re.DOTALL)
# A regular expression ends where a word ends; anything else that begins with a slash is a path.
_REGEX = re.compile(r"/(?:[^\\/\n]|\\.)+/(?=[\s)]|$)", re.DOTALL)
_WORD_APPROXIMATION = re.compile(r"~[0-2]?(?=[\s)]|$)")
_PHRASE_APPROXIMATION = re.compile(r"~\d{1,3}(?=[\s)]|$)")
_COMPARISON = re.compile(r"[<>]=?")
_NO_CHARACTER = re.compile("[\ud800-\udfff\x00]")
_ENDS_OF_WORDS = frozenset("()[]{}")
_OPERATORS = frozenset(("AND", "OR", "NOT"))
_SYMBOLS = {"&&": "AND", "||": "OR"}


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A query that luqum can read.

    Attributes
    ----------
    text
        What to parse.
    origins
        For each character of `text`, and for its end, the position in the query that was typed.
    """

    text: str
    origins: tuple[int, ...]

    def origin(self, position: int) -> int:
        """Where a position of `text` lies in the query that was typed."""
        return self.origins[min(max(position, 0), len(self.origins) - 1)]


def rewrite(query: str, limits: QueryLimits) -> Rewritten:
    """Make a query readable for luqum.

    Raises
    ------
    QuerySyntaxError
        For what is not closed, empty parentheses, malformed ranges, and what is longer or deeper than allowed.
    """
    if len(query) > limits.characters:
        raise QuerySyntaxError(
            f"The query is {len(query):,} characters long; at most {limits.characters:,} are allowed.",
            limits.characters,
        )
    if broken := _NO_CHARACTER.search(query):
        raise QuerySyntaxError("This is no character of any script.", broken.start())
    return _Rewriter(query, limits).run()


class _Rewriter:
    def __init__(self, query: str, limits: QueryLimits) -> None:
        self._query = query
        self._limits = limits
        self._at = 0
        self._out: list[str] = []
        self._origins: list[int] = []
        self._open: list[int] = []  # positions of open parentheses
        self._range: int | None = None  # position of the open bracket
        self._range_words = 0
        self._value_expected = False  # a colon or a comparison came before
        self._clauses = 0
        self._last = ""  # the kind of thing that came last

    def run(self) -> Rewritten:
        while self._at < len(self._query):
            self._step()
        if self._range is not None:
            raise self._malformed_range(self._range)
        if self._open:
            raise QuerySyntaxError("This parenthesis is never closed.", self._open[-1])
        if self._value_expected:
            raise QuerySyntaxError(
                "A value is missing here. To find whatever has the element at all, write an asterisk, as in Modality:*",
                len(self._query),
            )
        return Rewritten("".join(self._out), (*self._origins, len(self._query)))

    def _step(self) -> None:
        character = self._query[self._at]
        if character.isspace():
            self._emit(" ", self._at)
            self._at += 1
        elif self._range is not None:
            self._step_in_range(character)
        elif tag := _TAG_NAME.match(self._query, self._at):
            self._name(_tag_text(tag), self._at, tag.end())
        elif path := _PATH_NAME.match(self._query, self._at):
            self._name(re.sub(r"[(),\s]", "", path.group()), self._at, path.end())
        elif character == '"':
            self._phrase()
        elif character == "(":
            self._open_parenthesis()
        elif character == ")":
            self._close_parenthesis()
        elif character in "[{":
            self._open_range()
        elif character in "]}":
            raise QuerySyntaxError("No range is open here. A range is written [1 TO 5].", self._at)
        elif comparison := _COMPARISON.match(self._query, self._at):
            self._copy(comparison.end())
            self._value_expected = True
        elif character == "=" and self._value_expected and self._last == "name":
            self._exact()
        elif character in "-+" and not self._value_expected:
            self._copy(self._at + 1)
            self._last = "operator"
        elif character == "/" and (regex := _REGEX.match(self._query, self._at)):
            self._count_clause(self._at)
            self._copy(regex.end())
            self._value("regex")
        elif character == ":":
            raise QuerySyntaxError(
                "A colon needs the name of a field before it, as in Modality:CT. Quote a value that has a colon.",
                self._at,
            )
        else:
            self._word()

    def _step_in_range(self, character: str) -> None:
        start = self._at
        if character in "]}":
            if self._range is None or self._range_words != 3:
                raise self._malformed_range(start)
            self._range, self._range_words = None, 0
            self._copy(start + 1)
            self._value("range")
            return
        self._range_words += 1
        if character == '"':
            end = self._end_of_phrase()
            self._copy(end)
        else:
            end = self._end_of_word(start)
            if end == start:
                raise self._malformed_range(start)
            word = self._query[start:end]
            if (word == "TO") != (self._range_words == 2):
                raise self._malformed_range(start)
            self._copy(end) if word == "TO" else self._escaped(start, end)
        self._at = end

    def _malformed_range(self, position: int) -> QuerySyntaxError:
        return QuerySyntaxError(
            "A range is written [from TO to], as in SliceThickness:[1 TO 5]; { and } leave the end itself out, and * "
            "leaves an end open.",
            position,
        )

    def _phrase(self) -> None:
        start, end = self._at, self._end_of_phrase()
        if self._query.startswith(":", end) and not self._value_expected:
            self._quoted_name(start, end)
            return
        self._count_clause(start)
        self._copy(end)
        if approximation := _PHRASE_APPROXIMATION.match(self._query, end):
            self._copy(approximation.end())
        self._value("phrase")

    def _exact(self) -> None:
        """`Modality:=CT`, `InstitutionName:="St. Mary"`: written as a phrase with a mark."""
        start = self._at
        self._count_clause(start)
        self._at += 1
        is_phrase = self._query.startswith('"', self._at)
        end = self._end_of_phrase() if is_phrase else self._end_of_word(self._at)
        if end == self._at:
            raise QuerySyntaxError("After = a whole value is expected, as in Modality:=CT.", start)
        self._emit('"' + EXACT, start)
        for at in range(self._at + is_phrase, end - is_phrase):
            character = self._query[at]
            self._emit("\\" + character if not is_phrase and character in '"\\' else character, at)
        self._emit('"', end - 1)
        self._at = end
        self._value("phrase")

    def _end_of_phrase(self) -> int:
        phrase = _PHRASE.match(self._query, self._at)
        if phrase is None:
            raise QuerySyntaxError("This quotation mark is never closed.", self._at)
        return phrase.end()

    def _quoted_name(self, start: int, end: int) -> None:
        """`"GEMS_ACQU_01":(0019,xx02):` or `"RequestAttributesSequence.CodeMeaning":`."""
        text = re.sub(r"\\(.)", r"\1", self._query[start + 1 : end - 1])
        if not text.strip():
            raise QuerySyntaxError("The name of a field is missing here.", start, end - start)
        self._name_or_creator(text, start, end)

    def _name_or_creator(self, text: str, start: int, end: int) -> None:
        # The colon at `end` is followed by a tag and another colon where `text` is a private creator.
        tag = _TAG_NAME.match(self._query, end + 1)
        if tag and int(tag.group(1), 16) % 2:  # private groups are odd
            self._name(f"private.{text}.{_tag_text(tag)}", start, tag.end())
        else:
            self._name(text, start, end)

    def _name(self, text: str, start: int, end: int) -> None:
        """Write a field's name and its colon, which stands at `end`."""
        if self._value_expected:
            raise QuerySyntaxError(
                "A field cannot stand where the value of another one is expected.", start, end - start
            )
        for character in text:
            self._emit(_escape(character), start)
        self._emit(":", end)
        self._at = end + 1
        self._value_expected = True
        self._last = "name"

    def _open_parenthesis(self) -> None:
        self._open.append(self._at)
        if len(self._open) > self._limits.depth:
            raise QuerySyntaxError(f"Parentheses may stand at most {self._limits.depth} deep.", self._at)
        self._copy(self._at + 1)
        self._value_expected = False
        self._last = "open"

    def _close_parenthesis(self) -> None:
        if not self._open:
            raise QuerySyntaxError("No parenthesis is open here.", self._at)
        start = self._open.pop()
        if self._last == "open":
            raise QuerySyntaxError("There is nothing between these parentheses.", start, self._at - start + 1)
        if self._value_expected:
            raise QuerySyntaxError("A value is missing here.", self._at)
        self._copy(self._at + 1)
        self._last = "value"

    def _open_range(self) -> None:
        self._count_clause(self._at)
        self._range = self._at
        self._copy(self._at + 1)

    def _word(self) -> None:
        start = self._at
        if not self._value_expected and self._try_name(start):
            return
        end = self._end_of_word(start)
        word = self._query[start:end]
        if not self._value_expected and word in _SYMBOLS:
            for character in _SYMBOLS[word]:
                self._emit(character, start)
            self._at, self._last = end, "operator"
        elif word in _OPERATORS:
            self._copy(end)
            self._last = "operator"
        else:
            self._count_clause(start)
            self._escaped(start, end)
            self._at = end
            if approximation := _WORD_APPROXIMATION.match(self._query, end):
                self._copy(approximation.end())
            self._value("word")

    def _try_name(self, start: int) -> bool:
        """Read a word up to its first colon as a field's name, quoted parts unquoted; answer whether it was one."""
        text, at = "", start
        while at < len(self._query):
            character = self._query[at]
            if character == ":":
                if text:
                    self._name_or_creator(text, start, at)
                return bool(text)
            if character == '"' and text.endswith("."):
                phrase = _PHRASE.match(self._query, at)
                if phrase is None:
                    return False
                text += re.sub(r"\\(.)", r"\1", phrase.group()[1:-1])
                at = phrase.end()
            elif character.isspace() or character in _ENDS_OF_WORDS or character == '"':
                return False
            elif character == "\\" and at + 1 < len(self._query):
                text += self._query[at + 1]
                at += 2
            else:
                text += character
                at += 1
        return False

    def _end_of_word(self, start: int) -> int:
        at = start
        while at < len(self._query):
            character = self._query[at]
            if character == "\\" and at + 1 < len(self._query) and not self._query[at + 1].isspace():
                at += 2
                continue
            is_approximation = character == "~" and at > start and _WORD_APPROXIMATION.match(self._query, at)
            if character.isspace() or character in _ENDS_OF_WORDS or is_approximation:
                break
            at += 1
        return at

    def _escaped(self, start: int, end: int) -> None:
        """Write a word so that luqum reads no meaning into it but that of `*` and `?`."""
        at = start
        while at < end:
            character = self._query[at]
            following = self._query[at + 1] if at + 1 < end else ""
            if character == "\\" and following and not following.isalnum():
                self._emit("\\" + following, at)
                at += 2
                continue
            # A backslash before a letter or digit is DICOM's separator of values: ORIGINAL\PRIMARY.
            self._emit(character if character in "*?" else _escape(character), at)
            at += 1

    def _count_clause(self, position: int) -> None:
        self._clauses += 1
        if self._clauses > self._limits.clauses:
            raise QuerySyntaxError(f"At most {self._limits.clauses} words and conditions are allowed.", position)

    def _value(self, kind: str) -> None:
        self._value_expected = False
        self._last = kind

    def _copy(self, end: int) -> None:
        for at in range(self._at, end):
            self._emit(self._query[at], at)
        self._at = end

    def _emit(self, text: str, origin: int) -> None:
        self._out.append(text)
        self._origins.extend([origin] * len(text))


def _tag_text(tag: re.Match[str]) -> str:
    return f"{tag.group(1)}{tag.group(2)}"


def _escape(character: str) -> str:
    return character if character.isalnum() and character not in "ANOT" else "\\" + character
