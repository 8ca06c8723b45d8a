"""A text prepared for the search for known identifiers: its words, and what stands between them."""

from __future__ import annotations

from dataclasses import dataclass

import regex

from compliance.deidentify.normalise import fold_character
from compliance.deidentify.record_values import key

WORD = regex.compile(r"[\p{L}\p{M}\d]+")
GAP = "\u2d32"
"""Stands where the residual check took a placeholder out; its neighbours cannot be judged by it."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A known identifier at ``text[start:end]`` of the plain text."""

    start: int
    end: int
    type: str
    identity: str


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text, folded, and where it stands."""

    start: int
    end: int
    word: str


class Page:
    """One plain text, its folded form (same length) and its words in order."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.folded = (
            text.lower()
            if text.isascii()
            else "".join(fold_character(fold_character(c)) for c in text)
        )
        self.tokens = [Token(m.start(), m.end(), key(m[0])) for m in WORD.finditer(self.folded)]

    def word(self, number: int) -> str:
        """The word at ``number``, or nothing beyond either end."""
        return self.tokens[number].word if 0 <= number < len(self.tokens) else ""

    def between(self, number: int) -> str:
        """What stands between word ``number`` and the next; a full stop beyond either end."""
        if not 0 <= number < len(self.tokens) - 1:
            return "."
        return self.folded[self.tokens[number].end : self.tokens[number + 1].start]

    def before(self, number: int, length: int) -> str:
        """Up to ``length`` folded characters before word ``number``."""
        start = self.tokens[number].start
        return self.folded[max(0, start - length) : start]

    def surface(self, number: int) -> str:
        """Word ``number`` as it is written."""
        return self.text[self.tokens[number].start : self.tokens[number].end]

    def following(self, number: int) -> str:
        """The next word of the same clause, or nothing."""
        return self.word(number + 1) if self.between(number).strip(" \t\"'-") == "" else ""

    def preceding(self, number: int) -> str:
        """The word before in the same clause, or nothing."""
        return self.following(number - 1) and self.word(number - 1) if number else ""
