"""Judge: whether a sentence that an engine wrote is carried by the material.

A valid citation is not safety: support by shared words passes spliced claims. So an engine that may
only phrase keeps a sentence when it *is* one of the sources' sentences; one that may author must
keep every number, every negation and every rare word of one source sentence, and stay near to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from services.bricks.retrieval import KnowledgeIndex
from services.bricks.words import content_stems, fold, words
from services.consult.ground import Quote
from services.engines.protocol import Authoring

NEAR = 0.80
"""Cosine between an authored sentence and the source sentence that carries it."""
SHARED = 0.85
"""Share of an authored sentence's content words that the source sentence must hold."""
_NUMBER = re.compile(r"\d+(?:[.,/]\d+)*")
_NEGATION = frozenset(
    "no not never none without avoid cannot can't don't doesn't isn't aren't won't shouldn't nor "
    "stop unless except rarely nunca sin ni".split()
)


def _plain(text: str) -> str:
    return " ".join(words(text))


def _same(source: str, sentence: str) -> bool:
    """Whether two sentences differ in case and punctuation alone; 4,000 is not 4.000."""
    numbers = _NUMBER.findall(source) == _NUMBER.findall(sentence)
    return numbers and _plain(source) == _plain(sentence)


def _negations(text: str) -> int:
    return sum(w in _NEGATION for w in words(fold(text)))


class Judge:
    """Finds the source sentence that carries a written one."""

    def __init__(self, index: KnowledgeIndex) -> None:
        self._index = index

    def support(self, sentence: str, quotes: Sequence[Quote], authoring: Authoring) -> Quote | None:
        """The quote that carries ``sentence``, or None: then it must not be said."""
        if authoring is Authoring.NONE or not quotes:
            return None
        same = next((q for q in quotes if _same(q.text, sentence)), None)
        if same is not None or authoring is Authoring.PHRASE:
            return same
        vectors = self._index.embed([sentence, *(q.text for q in quotes)])
        cosines = vectors[1:] @ vectors[0]
        best = int(np.argmax(cosines))
        near = float(cosines[best]) >= NEAR
        return quotes[best] if near and _carries(quotes[best].text, sentence) else None


def _carries(source: str, sentence: str) -> bool:
    """Whether numbers, negations and content words of a sentence all stand in the source's."""
    if sorted(_NUMBER.findall(sentence)) != sorted(
        n for n in _NUMBER.findall(source) if n in _NUMBER.findall(sentence)
    ):
        return False
    if _negations(source) != _negations(sentence):
        return False
    said, held = content_stems(sentence), set(content_stems(source))
    return bool(said) and sum(w in held for w in said) / len(said) >= SHARED
