"""The narrative of what is filed: made of its texts, each escaped, and of nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

_OPEN = '<div xmlns="http://www.w3.org/1999/xhtml">'
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold, not even escaped."""


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text; blank lines part them."""
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def narrative(texts: Iterable[str], note: str = "") -> dict[str, Any]:
    """A generated Narrative.

    Args:
        texts: paragraphs; line breaks inside one are kept.
        note: a last paragraph in small print, on where the texts come from.
    """
    body = "".join(f"<p>{_escaped(text)}</p>" for text in texts)
    small = f"<p><small>{_escaped(note)}</small></p>" if note else ""
    return {"status": "generated", "div": f"{_OPEN}{body}{small}</div>"}


def _escaped(text: str) -> str:
    return escape(_UNWRITABLE.sub("", text), quote=True).replace("\n", "<br/>")
