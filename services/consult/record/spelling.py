"""Reads shorthand and slips of the finger in the words that the rules look for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from services.consult.record import words
from services.consult.triage.spelling import Speller

SHORTEST = 6
"""Letters of the shortest word that is corrected: shorter ones are too like each other."""


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    phrases: Iterable[words.Phrases] = (
        words.medicine_phrases(),
        words.class_phrases(),
        words.test_phrases(),
        words.condition_phrases(),
        words.vaccine_phrases(),
        words.procedure_phrases(),
    )
    found = {word for table in phrases for phrase in table.keys for word in phrase.split()}
    spelling = words.data("spelling")
    return frozenset(found | set(spelling["asking"]))


@lru_cache(maxsize=1)
def _speller() -> Speller:
    friends = words.data("spelling")["ordinary"]
    return Speller((w for w in _known() if len(w) >= SHORTEST), friends)


@lru_cache(maxsize=512)
def read(text: str) -> str:
    """Return a folded question with shorthand written out and single slips mended."""
    short: dict[str, str] = words.data("shorthand")
    return " ".join(short.get(word) or _mended(word) for word in text.split())


def _mended(word: str) -> str:
    if len(word) < SHORTEST - 1 or not word.isalpha() or word in _known():
        return word
    if word.endswith("s") and word[:-1] in _known():
        return word
    readings = _speller().readings(word)
    return readings[0] if readings else word
