"""A question that names no topic is answered only by sentences that speak of what it asks."""

from __future__ import annotations

import pytest

from services.consult.ground import Grounder
from services.consult.messages import Question


@pytest.fixture(scope="module")
def grounder(node_of):
    return Grounder(node_of("hospital").index)


def test_a_topic_that_knows_the_word_is_not_enough(grounder):
    material = grounder.ground(Question(text="can I give my baby honey"))
    said = " ".join(q.text for q in material.quotes).lower()
    assert material.reason is not None or "honey" in said


@pytest.mark.parametrize(
    "text", ["how do I fix my car", "who won the world cup", "how many calories in a banana"]
)
def test_nothing_near_is_not_covered(grounder, text):
    assert grounder.ground(Question(text=text)).quotes == ()
