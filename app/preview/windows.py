"""Window level and width: which part of the values is shown from black to white (PS3.3 §C.11.2)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from app.preview.elements import numbers, text, values

Array = NDArray[Any]


class Function(StrEnum):
    """How a window maps values to gray."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True, slots=True)
class Window:
    """A window on modality values: `center` becomes middle gray, `width` values around it are told apart."""

    center: float
    width: float
    explanation: str = ""


def shade(inputs: Array, window: Window, function: Function) -> Array:
    """Map modality values to gray, 0 to 1 (PS3.3 §C.11.2.1.2 and §C.11.2.1.3)."""
    center, width = window.center, window.width
    match function:
        case Function.SIGMOID:
            # Beyond ±700 the exponential overflows, and the gray has long been black or white.
            return 1 / (1 + np.exp(np.clip(-4 * (inputs - center) / width, -700, 700)))
        case Function.LINEAR if width > 1:
            return np.clip((inputs - (center - 0.5)) / (width - 1) + 0.5, 0, 1)
        case Function.LINEAR if width == 1:
            return (inputs > center - 0.5).astype(np.float64)
    # A linear window narrower than 1 is not defined: it was meant for values that are no whole numbers.
    return np.clip((inputs - center) / width + 0.5, 0, 1)


def windows_of(dataset: Dataset) -> list[Window]:
    """Read the windows that a file proposes; those that cannot be used are left out."""
    centers, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    texts = [str(each).strip() for each in values(dataset, "WindowCenterWidthExplanation")]
    texts += [""] * (len(centers) - len(texts))
    return [
        Window(center, width, name) for center, width, name in zip(centers, widths, texts, strict=False) if width > 0
    ]


def function_of(dataset: Dataset) -> Function:
    """Read which function the file's windows are meant for; LINEAR where it does not say.

    A file without windows has values that nobody thought of as Hounsfield units or the like, perhaps from 0 to 0.01:
    there the function that is defined for any width fits.
    """
    if not windows_of(dataset):
        return Function.LINEAR_EXACT
    name = text(dataset, "VOILUTFunction")
    return Function(name) if name in Function.__members__ else Function.LINEAR
