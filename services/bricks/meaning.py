"""Whether a passage speaks of a word: by the word itself, or by one that is near in meaning.

"Hair loss" is not in a passage about gout, and "throwing up" is in one that says vomiting. Words
are compared by their vectors, so a passage covers a word as far as its nearest word does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.bricks.topic import Passage
from services.bricks.words import content_stems, stem, words

MOST_WORDS = 24
"""Words of a question that are looked at."""
Vectors = npt.NDArray[np.float32]
"""One row a word or sentence, each of length 1."""


@dataclass(frozen=True)
class Covered:
    """How far the asked words are in a passage: weighted mean and the least, 0 to 1."""

    mean: float
    least: float


class Meanings:
    """The content words of passages with their vectors.

    Args:
        passages: in the index's order.
        kept: makes, or takes from the cache, the vectors of the packs' words, shape (n, 384).
        embed: makes the vectors of a question's words; nothing of them is kept.
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        kept: Callable[[Sequence[str]], Vectors],
        embed: Callable[[list[str]], Vectors],
    ) -> None:
        self._embed = embed
        faces: dict[str, str] = {}
        self._stems: list[tuple[str, ...]] = []
        for passage in passages:
            text = " ".join(
                (passage.topic.title, *passage.topic.aliases, passage.section, passage.text)
            )
            self._stems.append(tuple(dict.fromkeys(content_stems(text))))
            for word in dict.fromkeys(words(text)):
                faces.setdefault(stem(word), word)
        known = sorted({s for stems in self._stems for s in stems})
        self._place = {s: i for i, s in enumerate(known)}
        self._vectors = kept([faces[s] for s in known])

    def near(self, asked: Sequence[str], row: int) -> list[float]:
        """How far a passage covers each asked stem, 0 to 1; 1 where it holds the word itself."""
        held = self._stems[row]
        if not asked or not held:
            return [0.0] * len(asked)
        own = set(held)
        strange = [w for w in asked if w not in own]
        if not strange:
            return [1.0] * len(asked)
        mine = self._vectors[[self._place[s] for s in held]]
        best = (self._vector(strange) @ mine.T).max(axis=1)
        found = dict(zip(strange, best.tolist(), strict=True))
        return [1.0 if w in own else max(0.0, found[w]) for w in asked]

    def covered(self, asked: Sequence[str], weights: Sequence[float], row: int) -> Covered:
        """How far a passage covers all asked stems; nothing asked is wholly covered."""
        if not asked:
            return Covered(1.0, 1.0)
        asked, weights = asked[:MOST_WORDS], weights[:MOST_WORDS]
        near = self.near(asked, row)
        total = sum(weights) or 1.0
        return Covered(sum(n * w for n, w in zip(near, weights, strict=True)) / total, min(near))

    def _vector(self, stems: Sequence[str]) -> Vectors:
        known = [s in self._place for s in stems]
        lacking = [s for s, k in zip(stems, known, strict=True) if not k]
        fresh = iter(self._embed(lacking)) if lacking else iter(())
        return np.stack(
            [
                self._vectors[self._place[s]] if k else next(fresh)
                for s, k in zip(stems, known, strict=True)
            ]
        )
