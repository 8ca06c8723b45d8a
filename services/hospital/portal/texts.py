"""Texts and numbers as browsers send them."""

from __future__ import annotations

import re

MAX_VERSION_DIGITS = 9
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def clean(text: str) -> str:
    """A typed text with line feeds alone (forms send CRLF) and without control characters.

    Sentences of the draft are looked for in it as they are, and PostgreSQL takes no NUL.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", lines)


def version_of(text: str) -> int:
    """A whole number from a form or an address; -1, which no version is, when it is none."""
    good = text.isascii() and text.isdecimal() and len(text) <= MAX_VERSION_DIGITS
    return int(text) if good else -1
