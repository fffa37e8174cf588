"""What a user is told when a query cannot be understood: the place, the reason and, where there is one, the cure."""


class UnusableValueError(Exception):
    """A value does not fit its field; the message says what would. The compiler adds the place."""


class QuerySyntaxError(Exception):
    """A query that cannot be run.

    Parameters
    ----------
    message
        What is wrong and what would be right, as a sentence.
    position
        Where it begins in the query, in characters from 0; may be the query's length.
    length
        How many characters it covers, at least 1.
    suggestions
        What the covered characters could be replaced by, the most likely first.
    """

    def __init__(self, message: str, position: int, length: int = 1, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.length = max(length, 1)
        self.suggestions = suggestions

    @property
    def detail(self) -> str:
        """The message, and what may have been meant."""
        return f"{self.message} Did you mean {' or '.join(self.suggestions)}?" if self.suggestions else self.message

    def corrected(self, query: str) -> tuple[str, ...]:
        """The whole query, once for each suggestion put in its place."""
        end = self.position + self.length
        return tuple(query[: self.position] + suggestion + query[end:] for suggestion in self.suggestions)


class MaskedQueryError(QuerySyntaxError):
    """A query that names what is masked for whoever asks."""
