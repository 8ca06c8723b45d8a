"""Surface of a document: case, accents, marks, slips, broken lines; spans stay exact.

Everything works on pieces, whose lengths may change; offsets are counted at the end.
"""

from __future__ import annotations

import random
import string
import unicodedata
from collections.abc import Sequence

import regex

from compliance.deidentify.names.slots import Piece

LOWER, UPPER = 0.35, 0.05
"""Share of documents all in lower case, all in capitals."""
_MARKLESS, _ACCENTLESS, _SLIPPED = 0.4, 0.3, 0.15
_NAME_LOWER, _NAME_UPPER, _NAME_BROKEN, _NAME_SLIPPED, _CURLY = 0.04, 0.03, 0.02, 0.03, 0.15
_SPACED, _LABELLED = 0.1, 0.04
"""Share of documents with the spacing of machine transcripts, and with a speaker before them."""
_SPEAKERS = ("[doctor] ", "[patient] ", "Doctor: ", "PATIENT: ", "D: ", "speaker 1: ", "- ", "> ")
_SLIP_LETTERS = 5
"""Letters below which a word is not bent."""


def vary(pieces: Sequence[Piece], dice: random.Random) -> list[Piece]:
    """The pieces as somebody else would have typed them."""
    found = [Piece(_name(p.text, dice), p.type) if p.type else p for p in pieces]
    roll = dice.random()
    if roll < LOWER:
        markless = dice.random() < _MARKLESS
        found = [Piece(_bare(p.text.lower()) if markless else p.text.lower(), p.type)
                 for p in found]  # fmt: skip
    elif roll < LOWER + UPPER:
        found = [Piece(p.text.upper(), p.type) for p in found]
    if dice.random() < _SPACED:
        found = [Piece(spaced(p.text), p.type) for p in found]
    if dice.random() < _LABELLED:
        found = [Piece(dice.choice(_SPEAKERS)), *found]
    if dice.random() < _ACCENTLESS:
        found = [Piece(without_accents(p.text), p.type) for p in found]
    if dice.random() < _CURLY:
        found = [Piece(p.text.replace("'", "’"), p.type) for p in found]  # noqa: RUF001 - the sign
    if dice.random() < _SLIPPED:
        at = dice.randrange(len(found))
        if not found[at].type:
            found[at] = Piece(slip(found[at].text, dice))
    return [p for p in found if p.text]


def _name(text: str, dice: random.Random) -> str:
    """A name or place with its own quirks."""
    if dice.random() < _NAME_LOWER:
        text = text.lower()
    elif dice.random() < _NAME_UPPER:
        text = text.upper()
    if " " in text and dice.random() < _NAME_BROKEN:
        text = text.replace(" ", "\n", 1)
    if dice.random() < _NAME_SLIPPED:
        text = slip(text, dice)
    return text


def slip(text: str, dice: random.Random) -> str:
    """Leave out, double or swap one letter; the first and the last stay."""
    if len(text) < _SLIP_LETTERS:
        return text
    at = dice.randrange(1, len(text) - 2)
    if not (text[at].isalpha() and text[at + 1].isalpha()):
        return text
    return dice.choice(
        (
            text[:at] + text[at + 1 :],
            text[: at + 1] + text[at:],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        )
    )


def spaced(text: str) -> str:
    """The text as some transcripts have it: marks stand apart, "don't" and "gonna" are cut."""
    text = regex.sub(r"(?<=[\p{L}\d)])([.,?!;:])(?=\s|$)", r" \1", text)
    text = regex.sub(r"(?<=\p{L})(n't)\b", r" \1", text)
    return regex.sub(r"\b([Gg]on|[Ww]an)na\b", r"\1 na", text)


def without_accents(text: str) -> str:
    """The text without combining marks."""
    split = unicodedata.normalize("NFD", text)
    return "".join(c for c in split if not unicodedata.combining(c))


def _bare(text: str) -> str:
    """Without punctuation, but for what stands inside words and numbers."""
    return "".join(c for c in text if c not in '.,;:!?¿¡"()[]')


def assemble(pieces: Sequence[Piece]) -> tuple[str, list[tuple[int, int, str]]]:
    """The text and its spans, without blanks at their ends."""
    text, spans = "", []
    for piece in pieces:
        start, end = len(text), len(text) + len(piece.text)
        text += piece.text
        if piece.type:
            value = piece.text
            start += len(value) - len(value.lstrip(string.whitespace))
            end -= len(value) - len(value.rstrip(string.whitespace))
            if start < end:
                spans.append((start, end, piece.type))
    return text, spans
