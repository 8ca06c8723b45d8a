"""Knowledge for people answers no question about animals."""

from __future__ import annotations

import pytest

from services.consult.animals import unmet


@pytest.mark.parametrize(
    ("question", "passage", "is_unmet"),
    [
        ("asthma in the horses, how is it treated", "Inhaled medicines treat asthma.", True),
        ("can my dog have ibuprofen", "Ibuprofen eases pain.", True),
        ("can I catch ringworm from my cat", "Pets can carry ringworm.", False),
        ("is chicken soup good for a cold", "Warm drinks soothe a sore throat.", False),
        ("does fish oil help", "Omega-3 lowers triglycerides.", False),
        ("How is asthma treated?", "Inhaled medicines treat asthma.", False),
    ],
)
def test_an_animal_must_be_spoken_of(question: str, passage: str, is_unmet: bool) -> None:
    assert unmet(question, passage) is is_unmet
