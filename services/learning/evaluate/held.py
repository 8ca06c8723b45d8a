"""What an answer is worth, held against what an item asks for."""

from __future__ import annotations

import re
import unicodedata

from services.learning.evaluate.suite import Item

_WORD = re.compile(r"\w+")
LETTERS = 4
"""Of a word that carries meaning; shorter ones stand in every answer."""


def plain(text: str) -> str:
    """A text in small letters without accents, its words one space apart."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in bare if not unicodedata.combining(c))
    return " ".join(_WORD.findall(kept))


def right(answer: str, item: Item) -> float:
    """1 where the answer holds an accepted text and none to avoid, as whole words; else 0."""
    said = f" {plain(answer)} "
    good = any(f" {plain(text)} " in said for text in item.accept)
    return float(good and not any(f" {plain(text)} " in said for text in item.avoid))


def overlap(answer: str, item: Item) -> float:
    """Share of the words of the item's text that the answer has too."""
    wanted = {word for word in plain(item.text or "").split() if len(word) >= LETTERS}
    return len(wanted & set(plain(answer).split())) / len(wanted) if wanted else 0.0
