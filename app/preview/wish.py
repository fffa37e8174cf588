"""What one asks for; apart from what answers it, since only that needs large libraries."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wish:
    """Which picture is wanted.

    Attributes
    ----------
    path, image
        The file, and the id of the image in it.
    frame
        Its number, from 1.
    center, width
        A window; None takes what the file proposes.
    size
        Pixels of the picture's longer side, at most; it is never enlarged.
    """

    path: str
    image: str
    frame: int = 1
    center: float | None = None
    width: float | None = None
    size: int = 512
