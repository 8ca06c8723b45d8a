"""A question that names no topic is answered only by sentences that speak of what it asks."""

from __future__ import annotations

import pytest

from services.consult.asked import make_ready
from services.consult.ground import Grounder
from services.consult.messages import Question
from services.consult.reader import Reader


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


@pytest.mark.parametrize(
    "text",
    ["is 160/100 high", "150/90 ok at 70?", "is 95 / 60 too low", "¿160/100 es muy alto?"],
)
def test_two_numbers_that_are_a_pressure_are_asked_as_one(grounder, text):
    material = grounder.ground(Question(text=text))
    assert {q.passage.topic.id for q in material.quotes} == {"blood-pressure-reading"}


@pytest.mark.parametrize(
    "text",
    ["what does 20/40 vision mean", "can I come on 11/21", "is 90/100 a good grade", "is 200/5 ok"],
)
def test_other_pairs_of_numbers_are_none(grounder, text):
    assert grounder.ground(Question(text=text)).quotes == ()


def test_a_pressure_that_is_named_is_left_as_it_was_asked(grounder):
    asked = make_ready(Question(text="my bp is 160/100"), grounder.index, Reader.load())
    assert asked.said == "my bp is 160/100"


@pytest.mark.parametrize("text", ["get my hemoglobin down", "how do I get my hemoglobin down"])
def test_a_test_of_many_values_answers_how_to_move_one_only_where_it_says_so(grounder, text):
    assert grounder.ground(Question(text=text)).quotes == ()


@pytest.mark.parametrize("text", ["how do I lower my bp", "foods to lower triglycerides"])
def test_how_to_move_a_value_is_answered_where_it_is_told(grounder, text):
    assert grounder.ground(Question(text=text)).quotes
