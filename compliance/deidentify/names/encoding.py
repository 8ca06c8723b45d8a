"""From text to the model's input and labels: pieces, the case of their words, windows.

MiniLM's tokenizer puts everything in lower case, so a capital would be lost. It is given back
through ``token_type_ids``: 0 for lower case, 1 for a word with a capital first, 2 for a word all
in capitals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import regex

from compliance.deidentify.names.slots import ELSEWHERE, ENTITY_TYPES

MAX_TOKENS = 128
"""Tokens of a window, with the two marks at its ends."""
BODY = MAX_TOKENS - 2
OVERLAP = 32
"""Pieces that neighbouring windows share."""
CLS, SEP = 101, 102
"""Ids of the marks at the ends of a window in BERT's uncased vocabulary."""
CASES = 3
IGNORED = -100
"""Label that the loss leaves out."""
LABELS = ("O", *(f"{mark}-{kind}" for kind in ENTITY_TYPES for mark in "BI"))
_WORD = regex.compile(r"[\p{L}\p{M}'’]+")  # noqa: RUF001 - both signs


@dataclass(frozen=True, slots=True)
class Encoded:
    """Pieces of a text: ids, offsets into the text (start, end), case of the word; all length n."""

    ids: list[int]
    offsets: list[tuple[int, int]]
    cases: list[int]


def encode(tokenizer: Any, text: str) -> Encoded:
    """The pieces of a text of any length, without marks."""
    found = tokenizer.encode(text, add_special_tokens=False)
    case = bytearray(len(text) + 1)
    for word in _WORD.finditer(text):
        code = _case(word[0])
        if code:
            case[word.start() : word.end()] = bytes([code]) * len(word[0])
    return Encoded(
        list(found.ids), list(found.offsets), [case[start] for start, _ in found.offsets]
    )


def _case(word: str) -> int:
    letters = [c for c in word if c.isalpha()]
    if not letters or not letters[0].isupper():
        return 0
    return 2 if len(letters) > 1 and all(c.isupper() for c in letters) else 1


def windows(pieces: int, overlap: int = OVERLAP) -> list[tuple[int, int]]:
    """Start and end of the windows over so many pieces."""
    if pieces <= BODY:
        return [(0, pieces)] if pieces else []
    starts = range(0, pieces - overlap, BODY - overlap)
    return [(start, min(start + BODY, pieces)) for start in starts]


def labels(encoded: Encoded, spans: Sequence[tuple[int, int, str]]) -> list[int]:
    """A label for each piece: its index in ``LABELS``, or ``IGNORED``."""
    found = [0] * len(encoded.ids)
    for start, end, kind in spans:
        inside = [i for i, (a, b) in enumerate(encoded.offsets) if a < end and b > start]
        for i in inside:
            if kind == ELSEWHERE:
                found[i] = IGNORED
            else:
                found[i] = LABELS.index(f"{'B' if i == inside[0] else 'I'}-{kind}")
    return found
