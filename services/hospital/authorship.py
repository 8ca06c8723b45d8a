"""Whose words a reply is made of: sentences of the draft that stand in it untouched, and the rest.

A sentence counts as the draft's only where it stands by itself: at the beginning, on a line of its
own or after the end of a sentence, word for word. "It is not true that Rest." is the clinician's.
The portal's module ``authorship.js`` follows the same rule while somebody types.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

WINDOW = 40
"""How far back from a sentence the end of the one before is looked for, in characters."""
_BEFORE = re.compile(r"(?:\A|\n|[.!?…][\"”»)\]]*\s)[ \t]*(?:[-•*][ \t]+)?$")
_AFTER = re.compile(r"\s|$")


@dataclass(frozen=True)
class Piece:
    """A part of a reply; ``sentence`` is the index of the draft's sentence, None for own words."""

    text: str
    sentence: int | None


def pieces(text: str, sentences: Sequence[str]) -> tuple[Piece, ...]:
    """Cut a reply into sentences of the draft and what stands between them; joined, it is the text.

    Args:
        text: the reply.
        sentences: of the draft, in its order; where two fit at one place the longer one is meant.
    """
    found: list[Piece] = []
    order = sorted(range(len(sentences)), key=lambda i: -len(sentences[i]))
    done = at = 0
    while at < len(text):
        follows = bool(found) and found[-1].sentence is not None and text[done:at].isspace()
        index = next((i for i in order if _stands(text, at, sentences[i], follows=follows)), None)
        if index is None:
            at += 1
            continue
        if done < at:
            found.append(Piece(text[done:at], None))
        done = at = at + len(sentences[index])
        found.append(Piece(sentences[index], index))
    if done < len(text):
        found.append(Piece(text[done:], None))
    return tuple(found)


def _stands(text: str, at: int, sentence: str, *, follows: bool) -> bool:
    """Whether a sentence stands by itself at a place; what follows one of the draft's does."""
    if not sentence.strip() or not text.startswith(sentence, at):
        return False
    after = _AFTER.match(text, at + len(sentence))
    free = follows or _BEFORE.search(text, max(0, at - WINDOW), at) is not None
    return after is not None and free


def untouched(text: str, sentences: Sequence[str]) -> tuple[int, ...]:
    """Indices of the draft's sentences that stand in a reply as they were, in the draft's order."""
    kept = {piece.sentence for piece in pieces(text, sentences) if piece.sentence is not None}
    same = {sentences[index] for index in kept}
    return tuple(i for i, sentence in enumerate(sentences) if sentence in same)
