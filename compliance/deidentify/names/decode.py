"""From probabilities of pieces to spans of the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_EDGE = " \t\r\n,;:()\"'’"  # noqa: RUF001 - both signs


@dataclass(frozen=True, slots=True)
class NameSpan:
    """A name or place: offsets in code points, type, probability that it is an entity at all."""

    start: int
    end: int
    type: str
    score: float


def decode(
    text: str,
    offsets: Sequence[tuple[int, int]],
    chances: Floats,
    labels: Sequence[str],
    threshold: float,
) -> list[NameSpan]:
    """Spans in order, disjoint.

    Args:
        text: the text.
        offsets: start and end of the n pieces in it.
        chances: probabilities of shape (n, labels); each row sums to one.
        labels: names of the columns, ``O`` first, then ``B-…`` and ``I-…``.
        threshold: least probability of being an entity. One piece takes its whole word along: half
            a name would still tell it.
    """
    if not offsets:
        return []
    words = _words(text, offsets)
    sure = 1.0 - chances[:, 0]
    best = np.zeros(words[-1] + 1, np.float32)
    np.maximum.at(best, words, sure)
    begins = chances[:, [i for i, name in enumerate(labels) if name.startswith("B-")]].sum(1)
    found: list[NameSpan] = []
    run: list[int] = []
    for i, word in enumerate(words):
        chosen = best[word] >= threshold
        starts = (i == 0 or words[i - 1] != word) and begins[i] > sure[i] / 2
        if run and (not chosen or starts):
            found += _span(text, offsets, chances, labels, run)
            run = []
        if chosen:
            run.append(i)
    return [*found, *_span(text, offsets, chances, labels, run)]


def _words(text: str, offsets: Sequence[tuple[int, int]]) -> list[int]:
    """The number of the word that each piece belongs to; signs are words of their own."""
    found = [0]
    for (_, before), (start, end) in pairwise(offsets):
        joined = before >= start and text[before - 1].isalnum() and text[start:end][:1].isalnum()
        found.append(found[-1] + (not joined))
    return found


def _span(
    text: str,
    offsets: Sequence[tuple[int, int]],
    chances: Floats,
    labels: Sequence[str],
    run: Sequence[int],
) -> list[NameSpan]:
    """The span of a run of pieces, if it holds a letter or digit."""
    if not run:
        return []
    start, end = offsets[run[0]][0], offsets[run[-1]][1]
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE:
        end -= 1
    if not any(c.isalnum() for c in text[start:end]):
        return []
    mass: dict[str, float] = {}
    for name, value in zip(labels, chances[list(run)].sum(0), strict=True):
        kind = name.partition("-")[2]
        if kind:
            mass[kind] = mass.get(kind, 0.0) + float(value)
    score = float((1.0 - chances[list(run), 0]).max())
    return [NameSpan(start, end, max(mass, key=lambda kind: mass[kind]), round(score, 4))]
