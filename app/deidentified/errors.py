"""What is refused to those for whom identifying attributes are masked."""


class DeidentifiedError(Exception):
    """Something that would show what identifies; the message says what, and never a value."""
