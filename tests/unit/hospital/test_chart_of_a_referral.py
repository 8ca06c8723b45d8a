"""What came of a record with a referral, and what stands in it against a draft."""

from __future__ import annotations

from datetime import date

import pytest

from services.consult.messages import Fact, Person
from services.exchange.messages import ReferredQuestion
from services.hospital.chart.referred import absent, cautions, groups, read_facts

TODAY = date(2026, 11, 21)
IBUPROFEN = "Ibuprofen can bring the fever down."


def asked(*facts: Fact, **person) -> ReferredQuestion:
    return ReferredQuestion(
        referral="r", text="?", person=Person(**person), facts=facts, reply_to="k"
    )


def fact(kind: str, text: str, **more) -> Fact:
    return Fact(id="Observation", kind=kind, text=text, **more)


def found(sentence: str, *facts: Fact, **person) -> list[str]:
    told = cautions(sentence, read_facts(asked(*facts, **person), TODAY), "en")
    return [caution.rule.id if caution.rule else "came" for caution in told]


WARFARIN = fact("medicine", "Your record lists warfarin 5 MG among your active medicines.")
KIDNEY = fact(
    "result",
    "Kidney function (eGFR): your last result was 47 mL/min/1.73 m2.",
    date="2026",
    warning=True,
)


@pytest.mark.parametrize(
    ("one", "rule"),
    [
        (WARFARIN, "nsaid-anticoagulant"),
        (KIDNEY, "nsaid-kidney-function"),
        (fact("condition", "Your record lists heart failure."), "nsaid-heart-failure"),
        (fact("allergy", "Your record lists an allergy to aspirin.", warning=True), "nsaid-cross"),
    ],
)
def test_a_fact_that_stands_against_general_advice_is_named_with_its_rule(one, rule):
    assert rule in found(IBUPROFEN, one)


def test_the_fact_itself_is_shown_with_the_caution():
    told = cautions(IBUPROFEN, read_facts(asked(WARFARIN), TODAY), "en")
    assert told[0].fact == WARFARIN
    assert told[0].rule.url.startswith("https://")


def test_a_medicine_that_the_patient_entered_counts_like_one_of_the_record():
    own = Fact(id="MedicationStatement/own-1", kind="medicine", text="Your list has Coumadin.")
    (told,) = cautions(IBUPROFEN, read_facts(asked(own), TODAY), "en")
    assert told.fact == own
    assert told.text.startswith("Your list has warfarin:")


def test_pregnancy_stands_against_it_without_any_fact():
    assert "nsaid-pregnancy" in found(IBUPROFEN, pregnant=True, sex="female", age_years=30)


def test_a_warning_that_came_and_names_the_medicine_is_said_once():
    came = fact("interaction", "Your record lists lisinopril. Ibuprofen can harm.", warning=True)
    assert found(IBUPROFEN, came) == ["came"]


@pytest.mark.parametrize(
    "harmless",
    [
        fact("condition", "Your record lists heart failure in the past; it is not marked active."),
        fact("result", "Creatinine: your last result was 47 mg/dL.", date="2019"),
        fact("result", "Kidney function (eGFR): your last result was 95 mL/min.", date="2026"),
        fact("vaccine", "Your record lists this vaccine: Tdap."),
    ],
)
def test_what_does_not_bear_on_it_is_no_caution(harmless):
    assert found(IBUPROFEN, harmless) == []


def test_a_sentence_without_a_medicine_has_no_caution():
    assert found("Rest and drink enough.", WARFARIN, KIDNEY) == []


def test_warnings_come_first_then_kinds_in_their_order():
    other = fact("something", "x")
    problem = fact("condition", "Your record lists asthma.")
    kinds = [group.kind for group in groups(asked(other, problem, WARFARIN, KIDNEY))]
    assert kinds == ["warning", "medicine", "condition", "other"]


def test_what_did_not_come_is_named():
    assert absent(asked(WARFARIN)) == ["allergy", "condition"]
    assert absent(asked()) == ["allergy", "medicine", "condition"]
