"""A person's medicines: the record's and their own, what is doubtful, and what to ask about."""

from __future__ import annotations

from datetime import date

import pytest

from compliance.errors import NotFoundError
from patient_app.asking import question_of
from patient_app.medicines import own
from patient_app.medicines.listing import doubt_of, listing
from services.consult.record import Record
from services.fhir.validate import check

TODAY = date(2026, 11, 26)


def named(found, part):
    return {one["name"]: one for one in found[part]}


def test_an_entry_of_ones_own_is_valid_fhir_and_marked(ill, of_medicines):
    made = own.enter(ill, "Ibuprofen 400 mg", "1 tablet", "knee", date(2026, 1, 2))
    check(made)
    found = named(listing(ill, of_medicines, TODAY), "active")
    assert found["Ibuprofen 400 mg"]["own"]
    assert found["Ibuprofen 400 mg"]["since"] == "2026-01-02"
    assert not found["lisinopril 10 MG Oral Tablet"]["own"]


def test_warnings_of_the_rules_carry_their_source(ill, of_medicines):
    own.enter(ill, "Ibuprofen 400 mg", "", "", None)
    found = named(listing(ill, of_medicines, TODAY), "active")["Ibuprofen 400 mg"]
    assert any("lisinopril" in w["text"] for w in found["warnings"])
    assert all(w["source"] and w["url"] for w in found["warnings"])


def test_two_that_hold_the_same_are_named(ill, of_medicines):
    own.enter(ill, "Glucophage 500 mg", "1 tablet", "", None)
    (twice,) = listing(ill, of_medicines, TODAY)["twice"]
    assert "metformin" in twice["text"]


def test_a_stopped_entry_moves_and_comes_back(ill, of_medicines):
    id_ = own.enter(ill, "Vitamin C", "", "", None)["id"]
    check(own.stop(ill, id_, TODAY))
    found = listing(ill, of_medicines, TODAY)
    assert "Vitamin C" in named(found, "stopped")
    assert "Vitamin C" not in named(found, "active")
    check(own.stop(ill, id_, None))
    assert "Vitamin C" in named(listing(ill, of_medicines, TODAY), "active")


def test_what_the_record_says_cannot_be_stopped_or_deleted_here(ill):
    order = next(r["id"] for r in ill.resources() if r["resourceType"] == "MedicationRequest")
    for act in (lambda: own.stop(ill, order, TODAY), lambda: own.forget(ill, order)):
        with pytest.raises(NotFoundError):
            act()


@pytest.mark.parametrize(
    ("dose", "doubt"),
    [
        (None, "missing"),
        ("", "missing"),
        ("Take as directed", "vague"),
        ("Tomar según indicación médica", "vague"),
        ("1 tablet by mouth twice a day", None),
    ],
)
def test_a_dose_that_is_not_understood_is_doubted_and_never_guessed(dose, doubt):
    assert doubt_of(dose) == doubt


def test_the_leaflet_is_the_sources_or_there_is_none(ill, of_medicines):
    own.enter(ill, "Zzyx drops", "", "", None)
    found = named(listing(ill, of_medicines, TODAY), "active")
    assert found["Zzyx drops"]["leaflet"] is None
    leaflet = found["metformin hydrochloride 500 MG Oral Tablet"]["leaflet"]
    assert leaflet["title"] == "Metformin"
    assert all(p["source"] for p in leaflet["passages"])


def test_an_empty_vault_lists_nothing(member, of_medicines):
    found = listing(member, of_medicines, TODAY)
    assert not any(found.values())


def test_a_question_is_held_against_what_was_entered_and_not_against_what_was_stopped(ill):
    asked = "can I take ibuprofen with my medicines?"

    def told():
        question = question_of(ill, asked, None)
        facts = Record(question.record, today=TODAY).facts_for(asked, "en")
        return " ".join(fact.text for fact in facts)

    assert "warfarin" not in told()
    id_ = own.enter(ill, "warfarin", "", "", None)["id"]
    assert "raise the risk of serious bleeding" in told()
    own.stop(ill, id_, TODAY)
    assert "raise the risk of serious bleeding" not in told()
