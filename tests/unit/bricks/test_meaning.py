"""Whether a passage speaks of a word, by itself or by one near in meaning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from services.bricks.meaning import Meanings
from services.bricks.topic import Passage, TopicHead, TopicSource

SOURCE = TopicSource(name="MedlinePlus", url="https://medlineplus.gov/x.html")
WRITTEN = date(2026, 1, 1)
HEAD = TopicHead(id="gout", title="Gout", kind="disease", written=WRITTEN, sources=(SOURCE,))
PASSAGE = Passage(HEAD, "symptoms", ("Gout causes sudden pain and swelling.",), SOURCE)


def vectors(texts: Sequence[str]) -> np.ndarray:
    """Letters as vectors: alike words are near."""
    rows = np.zeros((len(texts), 26), np.float32)
    for row, text in enumerate(texts):
        for letter in text:
            if "a" <= letter <= "z":
                rows[row, ord(letter) - 97] += 1
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


@pytest.fixture
def meanings() -> Meanings:
    return Meanings([PASSAGE], vectors, vectors)


def test_a_word_that_stands_there_is_covered_wholly(meanings: Meanings) -> None:
    assert meanings.near(["pain", "gout", "symptom"], 0) == [1.0, 1.0, 1.0]


def test_a_word_alike_is_covered_in_part(meanings: Meanings) -> None:
    near, far = meanings.near(["swells", "hubbub"], 0)
    assert 0.5 < near < 1
    assert far < near


def test_nothing_asked_is_covered_and_rare_words_weigh_more(meanings: Meanings) -> None:
    assert meanings.covered([], [], 0).mean == 1.0
    light = meanings.covered(["pain", "hubbub"], [1.0, 0.1], 0)
    heavy = meanings.covered(["pain", "hubbub"], [0.1, 1.0], 0)
    assert heavy.mean < light.mean
    assert heavy.least == light.least
