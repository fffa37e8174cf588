r"""What stands after a field's colon: literal text and wildcards, told apart once and for all.

After this no code looks at backslashes again: a part is either text that means itself or a wildcard.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

# How the pre-pass marks a phrase that is to be the whole value; what is typed never has it.
EXACT = "\x00"


class Wildcard(Enum):
    """A part of a value that stands for anything."""

    MANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Value:
    """A word or phrase of a query.

    Attributes
    ----------
    parts
        Texts and wildcards in their order; no two texts beside each other.
    quoted
        Whether it was a phrase: then nothing in it is a wildcard.
    exact
        Whether it has to be the whole value, letter by letter.
    """

    parts: tuple[str | Wildcard, ...]
    quoted: bool = False
    exact: bool = False

    @classmethod
    def of_word(cls, escaped: str) -> "Value":
        """Read a word as the pre-pass wrote it."""
        return cls(tuple(_merged(_parts(escaped))))

    @classmethod
    def of_phrase(cls, quoted: str) -> "Value":
        r"""Read a phrase with its quotation marks; `\"` and `\\` stand for themselves."""
        text = re.sub(r'\\(["\\])', r"\1", quoted[1:-1])
        return cls((text.removeprefix(EXACT),), quoted=True, exact=text.startswith(EXACT))

    @property
    def text(self) -> str:
        """The text, wildcards written as typed."""
        return "".join(part if isinstance(part, str) else part.value for part in self.parts)

    @property
    def is_pattern(self) -> bool:
        """Whether it has a wildcard."""
        return any(isinstance(part, Wildcard) for part in self.parts)

    @property
    def is_anything(self) -> bool:
        """Whether it is a lone asterisk: present at all."""
        return bool(self.parts) and all(part is Wildcard.MANY for part in self.parts)

    @property
    def prefix(self) -> str | None:
        """The text before a single asterisk at the end; None for any other value."""
        match self.parts:
            case (str(text), Wildcard.MANY):
                return text
            case _:
                return None

    def begins_with_wildcard(self) -> bool:
        """Whether every term of a field has to be looked at."""
        return bool(self.parts) and isinstance(self.parts[0], Wildcard) and not self.is_anything

    def mapped(self, change: Callable[[str], str]) -> "Value":
        """The same with each text changed."""
        return Value(tuple(change(part) if isinstance(part, str) else part for part in self.parts), self.quoted)

    def wildcard(self) -> str:
        r"""As a pattern of Elasticsearch's `wildcard` query."""
        return "".join(
            re.sub(r"([*?\\])", r"\\\1", part) if isinstance(part, str) else part.value for part in self.parts
        )

    def regexp(self, any_one: str = ".") -> str:
        """As a regular expression of Lucene that takes letters in any case, beyond ASCII too.

        Parameters
        ----------
        any_one
            The characters that a wildcard may stand for.
        """
        wildcards = {Wildcard.MANY: f"{any_one}*", Wildcard.ONE: any_one}
        return "".join(regexp_of(part) if isinstance(part, str) else wildcards[part] for part in self.parts)


def several(text: str) -> list[str]:
    r"""Parts of a text that has backslashes between values, as in ORIGINAL\PRIMARY; none where it has no backslash."""
    return [part.strip() for part in text.split("\\") if part.strip()] if "\\" in text else []


def regexp_of(text: str) -> str:
    """Write a text as a regular expression of Lucene that takes its letters in any case."""
    return "".join(_any_case(character) for character in text)


def _any_case(character: str) -> str:
    cases = sorted({c for c in (character, character.lower(), character.upper()) if len(c) == 1})
    if len(cases) > 1:
        return f"[{''.join(cases)}]"
    if character.isalnum() or not character.isascii():
        return character
    return "\\" + character


def _parts(escaped: str) -> Iterator[str | Wildcard]:
    characters = iter(escaped)
    for character in characters:
        if character == "\\":
            yield next(characters, "\\")
        elif character == "*":
            yield Wildcard.MANY
        elif character == "?":
            yield Wildcard.ONE
        else:
            yield character


def _merged(parts: Iterator[str | Wildcard]) -> Iterator[str | Wildcard]:
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
            text = ""
        yield part
    if text:
        yield text


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range: its text, and whether the end itself belongs to it."""

    text: str
    inclusive: bool
