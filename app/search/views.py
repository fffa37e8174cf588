"""What of the archive a query may see: all of it, or, for some who ask, less.

The compiler asks its view of every field that a query names, and which fields words without one are sought in.
"""

from collections.abc import Sequence

from app.search.fields import Field


class MaskedFieldError(Exception):
    """A field that this view does not show; the message says so."""


class View:
    """All of the archive; other views say where they differ.

    Attributes
    ----------
    most_words
        Words and phrases without a field that a query may have.
    """

    most_words: int | None = None

    def check(self, field: Field) -> None:
        """Make sure that a query may name a field.

        Raises
        ------
        MaskedFieldError
            Where it may not.
        """

    def check_listed(self, name: str, *, is_pattern: bool) -> None:
        """Make sure that a query may ask whether images list an element (`empty`, `sequences`).

        Raises
        ------
        MaskedFieldError
            Where it may not.
        """

    def words(self) -> Sequence[Field] | None:
        """The fields that words without one are sought in; None for the field of all words."""
        return None

    def seals(self, field: Field) -> bool:
        """Whether the values of a field are known by another name only."""
        return False

    def opened(self, field: Field, text: str) -> str:
        """The value of a field that a text stands for, where its values are sealed.

        Raises
        ------
        MaskedFieldError
            Where it stands for none.
        """
        return text


EVERYTHING = View()
