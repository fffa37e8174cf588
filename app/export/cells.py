"""Values as cells of a CSV file (RFC 4180) that a spreadsheet shows as they are.

Headers are written by strangers, and spreadsheets run a cell that begins with `=`, `+`, `-` or `@` as a formula. Such a
cell gets an apostrophe in front, which spreadsheets take as "this is text". Numbers are no formulas: `-77.2` stays.
`written` and `read_back` are inverse, since a cell that has apostrophes of its own before such a sign gets one, too.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

# Values of a multi-valued element are separated so in DICOM itself (PS3.5 §6.2).
SEPARATOR = "\\"
# With the full-width forms, which spreadsheets of East Asian locales take for the signs.
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def cell(value: Any) -> str:
    """Write a value of a document as a cell; nothing where there is none."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        texts = [_text(one) for one in value]
        text = SEPARATOR.join(texts)
        return text if all(map(_NUMBER.fullmatch, texts)) else written(text)
    return written(_text(value))


def written(text: str) -> str:
    """Write a text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def read_back(text: str) -> str:
    """Take back what `written` did."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
