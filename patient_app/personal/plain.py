"""Medical words in plain ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from compliance.yamltext import read_yaml

_WORDS = Path(__file__).with_name("words.yaml")


@dataclass(frozen=True)
class Explained:
    """A word as an answer writes it, and what it means."""

    word: str
    plain: str


class PlainWords:
    """The words of one language, longest first, so that "atrial fibrillation" is found whole."""

    def __init__(self, words: dict[str, str]) -> None:
        self._plain = words
        longest = sorted(words, key=len, reverse=True)
        either = "|".join(re.escape(word) for word in longest)
        self._pattern = re.compile(rf"(?<!\w)({either})(?:s|es)?(?!\w)", re.IGNORECASE)

    def explain(self, text: str) -> list[Explained]:
        """Each word of a text once, in the order in which it comes.

        A word is left out where the text says its plain words too.
        """
        said = text.lower()
        found: dict[str, Explained] = {}
        for match in self._pattern.finditer(text):
            word = match[1].lower()
            plain = self._plain[word]
            if plain.lower() not in said:
                found.setdefault(word, Explained(match[1], plain))
        return list(found.values())


@lru_cache(maxsize=2)
def plain_words(language: str) -> PlainWords:
    """The words of a language (``en`` or ``es``)."""
    held: dict[str, Any] = read_yaml(_WORDS.read_text(encoding="utf-8"))
    return PlainWords(held[language])
