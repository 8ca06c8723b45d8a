"""Blind questions to charts: never a wrong answer, and not too many without any.

Of the first set, before the tables were mended from it, 25 of 60 came out right, 33 without an
answer and 2 wrong; of the second, before anything was mended from that, 39, 18 and 3; of the third
42 of 44 and 2 wrong; of the fourth 55 of 91, 34 and 2; of the fifth 35 of 40, 5 and none. From the
fourth on an answer must cite all of its entries, and none that belongs to another answer.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chart_blind import answered, figures, outcome, questions, view

SETS = ("first", "second", "third", "fourth", "fifth")
SILENT = 10
"""Most questions of a set that may stay without an answer."""


@pytest.mark.parametrize("name", SETS)
def test_no_blind_question_is_answered_wrongly(name):
    rows = questions(name)
    assert [row for row in rows if outcome(row) == "wrong"] == []
    assert figures(rows)["silent"] <= SILENT


@pytest.mark.parametrize("name", SETS)
def test_every_line_of_an_answer_names_an_entry_of_this_person(name):
    for person, language, question, *_ in questions(name):
        for line in answered(view(person, language), question).reply.lines:
            assert all(source.partition("/")[2].startswith(person) for source in line.sources)


def test_of_an_allergy_that_is_not_recorded_this_is_said_before_those_that_are():
    first, *rest = answered(view("p06", "en"), "any penicillin allergy").reply.lines
    assert first.text == "No allergy to this is recorded: penicillin. What is recorded:"
    assert [line.text for line in rest] == ["Codeine"]
    assert answered(view("p07", "en"), "amoxicillin allergy").reply.lines[0].text == "Penicillin"
    assert answered(view("p13", "en"), "any penicillin allergy").reply.outcome == "none"


def test_what_is_taken_for_something_is_no_reading_of_it():
    said = answered(view("p12", "en"), "is she on anything for blood pressure").reply
    assert [line.text for line in said.lines] == ["losartan potassium 50 MG Oral Tablet"]
    assert answered(view("p13", "en"), "anything for blood pressure").reply.outcome == "none"
    for other in (
        "anything for his pain",
        "is he on anything for potassium",
        "algo para el potasio",
    ):
        assert answered(view("p15", "en"), other).reply.outcome == "unclear"
    assert answered(view("p06", "en"), "meds for af").reply.outcome == "answered"


@pytest.mark.parametrize(
    ("question", "days"),
    [
        ("a1c since march", ["2026-10-12"]),
        ("a1c since december", ["2026-10-12", "2026-02-19"]),
        ("a1c before 2026", ["2025-05-15"]),
        ("a1c in may", ["2025-05-15"]),
        ("a1c in february 2026", ["2026-02-19"]),
        ("a1c this year", ["2026-10-12", "2026-02-19"]),
        ("a1c last year", ["2025-05-15"]),
        ("glicada en febrero de 2026", ["2026-02-19"]),
        ("glicada antes de octubre", ["2026-02-19", "2025-05-15"]),
    ],
)
def test_months_and_years_bound_what_is_told(question, days):
    assert [line.day for line in answered(view("p01", "en"), question).reply.lines] == days


def test_a_slip_that_was_mended_is_said():
    assert answered(view("p01", "en"), "metfromin dose").about == "metformin"
    assert answered(view("p01", "en"), "metformin dose").about == ""


def test_an_allergy_stands_before_the_orders_of_a_medicine_like_it():
    lines = answered(view("p07", "en"), "amoxicillin").reply.lines
    assert [line.text for line in lines] == ["Penicillin"]


def test_what_cannot_be_asked_of_a_thing_is_said_to_be_not_understood():
    said = answered(view("p01", "en"), "metformin level").reply
    assert (said.outcome, said.unknown) == ("unclear", ("level",))


def test_an_illness_is_no_vaccine_unless_it_is_given():
    assert answered(view("p01", "en"), "had shingles?").reply.outcome == "unclear"
    assert answered(view("p01", "en"), "shingles shot").reply.outcome == "answered"


def test_results_of_the_last_visit_are_those_of_its_day():
    said = answered(view("p03", "en"), "weight at last visit").reply
    assert [line.day for line in said.lines] == ["2026-09-17"]
    assert answered(view("p01", "en"), "height at last visit").reply.outcome == "none"


def test_months_and_counts_bound_the_results_that_are_told():
    days = [line.day for line in answered(view("p01", "en"), "a1c last 12 months").reply.lines]
    assert days == ["2026-10-12", "2026-02-19"]
    assert len(answered(view("p01", "en"), "last 2 a1c").reply.lines) == 2
