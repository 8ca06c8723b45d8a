"""Figures in a card's text, read from the file that measured them.

``{{services/consult/reader/reader.json:kept_out_right/urgency}}`` becomes the value at that place.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_REFERENCE = re.compile(r"\{\{\s*([\w./-]+\.json)\s*:\s*([^}]+?)\s*\}\}")


def filled(text: str, root: Path) -> str:
    """The text with its figures.

    Raises:
        LookupError: a file or a place in it is not there; the message names it.
    """
    return _REFERENCE.sub(lambda match: _figure(root / match[1], match[1], match[2]), text)


def references(text: str) -> list[str]:
    """The files that a text takes figures from."""
    return [match[1] for match in _REFERENCE.finditer(text)]


def _figure(path: Path, name: str, place: str) -> str:
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))
        for step in place.split("/"):
            value = value[int(step)] if isinstance(value, list) else value[step]
    except (OSError, ValueError, LookupError, TypeError):
        raise LookupError(f"{name}:{place} is not there") from None
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        return f"{value:,}" if isinstance(value, int) else str(value)
    raise LookupError(f"{name}:{place} is no figure")
