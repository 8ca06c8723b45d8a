"""The reading level of the packs is measured, and plain words read more easily than long ones."""

from __future__ import annotations

from statistics import median

import pytest

from services.bricks.knowledge import Knowledge
from services.bricks.reading import grade, syllables


@pytest.mark.parametrize(
    ("word", "count"), [("pain", 1), ("asthma", 2), ("table", 2), ("breathe", 1), ("medicine", 3)]
)
def test_syllables_are_groups_of_vowels(word: str, count: int) -> None:
    assert syllables(word) == count


def test_long_words_raise_the_grade() -> None:
    assert grade(["Drink water and rest."]) < 3
    assert grade(["Pharmacological prophylaxis necessitates individualised consideration."]) > 12
    assert grade([]) == 0.0


def test_the_packs_read_at_grade_nine_or_below() -> None:
    grades = [grade(p.sentences) for p in Knowledge.load("hospital").passages]
    assert median(grades) <= 9
