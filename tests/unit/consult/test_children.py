"""No dose for adults is told of a child."""

from __future__ import annotations

import pytest

from services.bricks.knowledge import Knowledge
from services.consult import children
from services.consult.ground import Grounder
from services.consult.messages import Person, Question


@pytest.fixture(scope="module")
def grounder(node_of):
    return Grounder(node_of("device").index)


@pytest.fixture(scope="module")
def medicines():
    topics = Knowledge.load("device").by_id.values()
    return [topic for topic in topics if topic.head.kind == "medicine"]


@pytest.mark.parametrize(
    ("text", "age", "child"),
    [
        ("How much ibuprofen can he take?", 1, True),
        ("How much ibuprofen can he take?", 40, False),
        ("How much ibuprofen can I give my 3 year old?", 40, True),
        ("¿Cuánto paracetamol le doy a mi bebé?", 35, True),
        ("My 45 year old son takes metformin", 70, False),
        ("How much Tylenol can my mom take?", 10, False),
        ("What is the highest dose of melatonin?", None, False),
        ("How much ibuprofen can I take? I'm 16", None, True),
        ("I am 17 and pregnant, how much Tylenol?", None, True),
        ("Tengo 15, ¿cuánto ibuprofeno?", None, True),
        ("I'm 6 months pregnant, how much Tylenol?", 30, False),
        ("I'm 5 feet tall. How much ibuprofen?", 30, False),
        ("I'm 5.5 feet tall. How much ibuprofen?", 30, False),
        ("I have had pain for 2 years. How much ibuprofen?", 40, False),
        ("I am on day 3 of 7. How much amoxicillin is left?", 40, False),
        ("What is the highest dose of ibuprofen for adults?", 10, False),
    ],
)
def test_whom_a_question_is_about(text, age, child):
    assert children.meant(text, Person(age_years=age)) is child


def test_of_no_medicine_a_child_is_told_a_dose_that_is_for_adults(grounder, medicines):
    told = {}
    for topic in medicines:
        asked = Question(
            text=f"How much {topic.head.title} can she take a day?", person=Person(age_years=4)
        )
        material = grounder.ground(asked)
        for quote in (*material.quotes, *material.more):
            if "mg" in quote.text and not children.named(quote.text):
                told[topic.head.id] = quote.text
    assert told == {}


def test_what_the_source_says_of_children_stands_in_the_place_of_the_dose(grounder):
    text = "How much ibuprofen can he take?"
    of_child = grounder.ground(Question(text=text, person=Person(age_years=2)))
    assert of_child.reason is None
    assert "by weight" in of_child.quotes[0].text
    of_adult = grounder.ground(Question(text=text, person=Person(age_years=40)))
    assert "1,200 mg" in of_adult.quotes[0].text
