"""Texts as the index keeps them: comparable, and never longer than a database can hold in a key."""

from __future__ import annotations

import hashlib
import re
import unicodedata

MAX_CHARS = 400
"""Longest code, system or exact text that is kept as it is, in characters."""
MAX_BYTES = 1_000
"""The same in bytes of UTF-8; a key of PostgreSQL holds about 2,700 in all."""
MAX_STRING = 250
"""Longest part of a text that a search for words looks into, in characters."""
_SPACE = re.compile(r"\s+")


def fit(text: str) -> str:
    """Return ``text``, or a digest of it where it is too long for a key; equal stays equal."""
    if text.isascii() and len(text) <= MAX_CHARS and "\x00" not in text:
        return text
    raw = text.encode("utf-8", "surrogatepass")
    if len(text) > MAX_CHARS or len(raw) > MAX_BYTES or not _storable(text):
        return f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return text


def _storable(text: str) -> bool:
    """Whether every database takes it: no NUL, and no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def normal(text: str) -> str:
    """Fold case and accents, drop punctuation, join spaces; cut at `MAX_STRING` characters."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not _dropped(c))
        text = text.casefold()
    else:
        text = "".join(c for c in text if c.isalnum() or c.isspace() or c in "$+<=>^`|~").lower()
    cut = _SPACE.sub(" ", text).strip()[:MAX_STRING]
    return cut.encode("utf-8", "ignore")[:MAX_BYTES].decode("utf-8", "ignore")


def _dropped(character: str) -> bool:
    category = unicodedata.category(character)
    marks = category in {"Mn", "Cc", "Cs"} and not character.isspace()
    return marks or category.startswith("P")
