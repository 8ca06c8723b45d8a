"""Orders beside one another, what is suggested, and what cannot be recognised."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support.cds import (
    ABOUT,
    KEYS,
    allergy,
    bundle,
    cards_of,
    creatinine,
    draft,
    egfr,
    medicine,
    person,
    said,
    select,
    service,
    sign,
)

from services.hospital.cds.kidney import egfr as estimate
from services.hospital.cds.names import named
from services.hospital.cds.record import _prepared
from services.hospital.cds.tables import RXNORM

DATA = Path(os.environ.get("CARETIER_TEST_DATA") or Path(__file__).parents[4] / "shared" / "data")
SYNTHEA = DATA / "synthea-10" / "MedicationRequest.000.ndjson"


def test_two_orders_that_do_not_go_together_are_said_once():
    cards = cards_of(sign(draft("Warfarin 5 MG"), draft("Ibuprofen 400 MG", "d2")))
    assert len([c for c in cards if "bleeding" in c["summary"]]) == 1
    assert "Also being ordered" in said(cards)


def test_two_orders_of_one_class_are_said_once():
    cards = cards_of(sign(draft("Simvastatin 20 MG"), draft("Atorvastatin 20 MG", "d2")))
    assert len(cards) == 1
    assert "class" in cards[0]["summary"]


def test_at_order_select_only_what_was_chosen_is_in_question():
    orders = (draft("Amoxicillin 500 MG"), draft("Metformin 500 MG", "d2"))
    record = (allergy("Penicillin"), egfr(20))
    cards = cards_of(select(*orders, record=record, chosen=["MedicationRequest/d2"]))
    assert "eGFR" in said(cards)
    assert "Penicillin" not in said(cards)


def test_what_was_not_chosen_still_counts_beside_it():
    orders = (draft("Warfarin 5 MG"), draft("Ibuprofen 400 MG", "d2"))
    cards = cards_of(select(*orders, chosen=["MedicationRequest/d2"]))
    assert "bleeding" in said(cards)


def test_an_order_that_takes_the_place_of_another_does_not_double_it():
    prior = {"priorPrescription": {"reference": "MedicationRequest/med-1"}}
    old = medicine("Lisinopril 10 MG")
    assert said(cards_of(sign(draft("Lisinopril 20 MG", **prior), record=(old,)))) == ""
    assert "same ingredient" in said(cards_of(sign(draft("Lisinopril 20 MG"), record=(old,))))


def test_an_order_that_the_record_holds_already_is_not_its_own_double():
    assert (
        said(
            cards_of(
                sign(draft("Lisinopril 10 MG", "med-1"), record=(medicine("Lisinopril 10 MG"),))
            )
        )
        == ""
    )


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "stopped"])
def test_an_order_that_is_none_is_not_checked(status):
    order = draft("Amoxicillin 500 MG") | {"status": status}
    assert said(cards_of(sign(order, record=(allergy("Penicillin"),)))) == ""


def test_leaving_the_order_out_is_suggested_where_it_can_be_found():
    card = cards_of(sign(draft("Amoxicillin 500 MG"), record=(allergy("Penicillin"),)))[0]
    action = card["suggestions"][0]["actions"][0]
    assert (action["type"], action["resourceId"]) == ("delete", "MedicationRequest/draft-1")
    assert card["selectionBehavior"] == "at-most-one"
    assert card["suggestions"][0]["uuid"]


def test_an_order_without_an_id_is_checked_but_nothing_is_suggested():
    order = draft("Amoxicillin 500 MG")
    del order["id"]
    card = cards_of(sign(order, record=(allergy("Penicillin"),)))[0]
    assert card["indicator"] == "critical"
    assert "suggestions" not in card
    assert "selectionBehavior" not in card


@pytest.mark.parametrize("name", ["Zorbinol 20 MG", "???", "Epoetin Alfa 4000 UNT/ML"])
def test_a_medicine_that_is_not_known_is_said_not_to_be_checked(name):
    card = cards_of(sign(draft(name)))[0]
    assert card["summary"].startswith("Could not be checked")
    assert card["indicator"] == "info"


def test_an_unknown_part_of_a_combination_is_said_too():
    cards = cards_of(
        sign(draft("Ibuprofen 200 MG / Zorbinol 5 MG"), record=(medicine("Warfarin 5 MG"),))
    )
    assert "Could not be checked: Zorbinol 5 MG" in said(cards)
    assert "bleeding" in said(cards)


def test_an_active_medicine_that_is_not_known_is_said_not_to_be_checked_against():
    cards = cards_of(sign(draft("Ibuprofen 400 MG"), record=(medicine("Zorbinol 5 MG"),)))
    assert "Not checked against what the rules do not know: Zorbinol 5 MG" in said(cards)


def test_an_active_medicine_without_a_name_is_said_by_its_reference():
    nameless = medicine("x", medicationCodeableConcept=None, medicationReference={"reference": "m"})
    assert "MedicationRequest/med-1" in said(cards_of(sign(draft("Ibuprofen"), record=(nameless,))))


def test_an_allergy_to_a_medicine_that_is_not_known_is_said():
    record = (allergy("Zorbinol", category=["medication"]),)
    assert "Zorbinol" in said(cards_of(sign(draft("Amoxicillin 500 MG"), record=record)))


def test_an_allergy_that_the_rules_do_not_know_is_found_by_its_name():
    cards = cards_of(sign(draft("Zorbinol 20 MG"), record=(allergy("Zorbinol"),)))
    assert cards[0]["indicator"] == "critical"
    assert "recorded allergy" in cards[0]["summary"]


def test_an_order_without_any_medicine_is_said_not_to_be_checked():
    assert "Could not be checked" in said(cards_of(sign(draft(None))))


def test_a_code_without_a_name_is_known_by_its_number():
    coded = {"coding": [{"system": RXNORM, "code": "723"}]}
    order = draft(None, medicationCodeableConcept=coded)
    assert "class" in said(cards_of(sign(order, record=(allergy("Penicillin"),))))


def test_an_allergy_by_code_alone_counts():
    coded = allergy("x", code={"coding": [{"system": RXNORM, "code": "7984"}]})
    assert "class" in said(cards_of(sign(draft("Amoxicillin 500 MG"), record=(coded,))))


def test_a_number_of_another_system_is_no_rxnorm_code():
    assert named({"coding": [{"system": "urn:local", "code": "723"}]}).generics == ()


def test_a_contained_medication_is_followed():
    order = draft(
        None,
        medicationReference={"reference": "#m"},
        contained=[{"resourceType": "Medication", "id": "m", "code": {"text": "Amoxicillin"}}],
    )
    assert "class" in said(cards_of(sign(order, record=(allergy("Penicillin"),))))


@pytest.mark.parametrize("reference", ["urn:uuid:0c1d", "Medication/m"])
def test_a_medication_beside_the_order_in_the_bundle_is_followed(reference):
    request = sign(
        draft(None, medicationReference={"reference": reference}), record=(allergy("Penicillin"),)
    )
    medication = {"resourceType": "Medication", "id": "m", "code": {"text": "Amoxicillin"}}
    request["context"]["draftOrders"]["entry"].append(
        {"fullUrl": "urn:uuid:0c1d", "resource": medication}
    )
    assert "class" in said(cards_of(request))


def test_a_medication_that_is_only_pointed_at_is_known_by_what_the_order_calls_it():
    order = draft(
        None, medicationReference={"reference": "Medication/far", "display": "Amoxicillin"}
    )
    assert "class" in said(cards_of(sign(order, record=(allergy("Penicillin"),))))


def test_a_medication_that_cannot_be_found_is_said_not_to_be_checked():
    order = draft(None, medicationReference={"reference": "Medication/far"})
    assert "Could not be checked" in said(cards_of(sign(order)))


def test_an_open_order_for_the_same_service_is_said():
    known = service("Chest X-ray", "sr-1", status="active", authoredOn="2026-05-20")
    cards = cards_of(sign(service("Chest x-ray"), record=(known,)))
    assert "open order" in said(cards)
    assert "ServiceRequest/sr-1" in said(cards)


@pytest.mark.parametrize(
    ("status", "day"),
    [("completed", "2026-05-20"), ("revoked", "2026-05-20"), ("active", "2024-01-01")],
)
def test_an_order_for_a_service_that_is_over_or_old_is_no_double(status, day):
    known = service("Chest X-ray", "sr-1", status=status, authoredOn=day)
    assert said(cards_of(sign(service("Chest X-ray"), record=(known,)))) == ""


def test_a_laboratory_order_is_not_taken_for_a_medicine():
    order = service("Potassium [Moles/volume] in Serum or Plasma")
    assert said(cards_of(sign(order, record=(medicine("Lisinopril 10 MG"),)))) == ""


def test_contrast_is_held_against_metformin():
    order = service("CT of abdomen with IV contrast")
    assert (
        "metformin" in said(cards_of(sign(order, record=(medicine("Metformin 500 MG"),)))).lower()
    )


def test_a_scan_without_contrast_is_not():
    order = service("CT of head without contrast")
    assert said(cards_of(sign(order, record=(medicine("Metformin 500 MG"),)))) == ""


def test_an_allergy_that_nobody_confirmed_is_shown_as_such():
    record = (allergy("Penicillin", verificationStatus={"coding": [{"code": "unconfirmed"}]}),)
    assert "unconfirmed" in said(cards_of(sign(draft("Amoxicillin 500 MG"), record=record)))


def test_a_card_names_the_entry_with_its_day_and_value():
    cards = cards_of(sign(draft("Metformin 500 MG"), record=(egfr(25),)))
    assert "eGFR: 25" in said(cards)
    assert "of 2026-05-01 (Observation/obs-98979-8-2026-05-01)" in said(cards)


def test_an_estimate_names_the_creatinine_that_it_was_made_of():
    cards = cards_of(
        sign(draft("Metformin 500 MG"), record=(person("1950-01-01"), creatinine(3.0)))
    )
    assert "estimated by CKD-EPI 2021 from creatinine 3 mg/dL" in said(cards)
    assert "Observation/obs-2160-0-2026-05-01" in said(cards)


@pytest.mark.parametrize(
    ("value", "age", "sex", "expected"),
    [
        (1.0, 50, "male", 92),
        (1.0, 50, "female", 69),
        (0.6, 30, "female", 124),
        (3.0, 76, "male", 21),
    ],
)
def test_the_estimate_is_that_of_the_published_equation(value, age, sex, expected):
    assert round(estimate(value, age, sex)) == expected


def test_many_warnings_are_at_most_five_cards_and_none_is_lost():
    record = (
        person("1940-01-01", "female"), medicine("Warfarin 5 MG"),
        medicine("Lisinopril 10 MG", "m2"),
        medicine("Lithium Carbonate 300 MG", "m3"), medicine("Sertraline 50 MG", "m4"), egfr(40),
        medicine("Alendronic acid 10 MG", "m5"),
    )  # fmt: skip
    cards = cards_of(
        sign(
            draft("Ibuprofen 400 MG"),
            draft("Diphenhydramine 25 MG", "d2"),
            draft("Omeprazole 20 MG", "d3"),
            draft("Codeine 30 MG", "d4"),
            record=record,
        )
    )
    assert len(cards) == 5
    assert "further notices" in cards[-1]["summary"]
    order = {"critical": 0, "warning": 1, "info": 2}
    ranks = [order[card["indicator"]] for card in cards[:-1]]
    assert ranks == sorted(ranks)


def test_critical_warnings_are_never_folded_away():
    record = (
        allergy("Penicillin"), allergy("Sulfa drugs", "a2"), allergy("Aspirin", "a3"), egfr(12),
        medicine("Nitroglycerin 0.4 MG", "m1"), medicine("Simvastatin 40 MG", "m2"),
    )  # fmt: skip
    orders = ("Amoxicillin", "Bactrim", "Ibuprofen", "Metformin", "Sildenafil", "Clarithromycin")
    cards = cards_of(sign(*(draft(name, f"d{n}") for n, name in enumerate(orders)), record=record))
    assert sum(card["indicator"] == "critical" for card in cards) >= 6


def test_no_card_says_that_all_is_well():
    for cards in (cards_of(sign(draft("Acetaminophen 325 MG"))), cards_of(sign())):
        assert cards == []


@pytest.mark.skipif(not SYNTHEA.exists(), reason="the sample data is not here")
def test_what_is_not_recognised_of_real_names_is_always_said():
    lines = SYNTHEA.read_text("utf-8").splitlines()
    names = {json.loads(line)["medicationCodeableConcept"]["text"] for line in lines}
    for name in sorted(names):
        known = named({"text": name})
        assert known.generics or known.unknown, name
    recognised = [name for name in names if named({"text": name}).generics]
    assert len(recognised) / len(names) > 0.75


@pytest.mark.skipif(not SYNTHEA.exists(), reason="the sample data is not here")
def test_every_entry_of_a_real_export_can_be_read():
    unread = []
    for file in sorted(SYNTHEA.parent.glob("*.ndjson")):
        for line in file.read_text("utf-8").splitlines():
            resource = json.loads(line)
            if resource["resourceType"] in KEYS and _prepared(resource) is None:
                unread.append(resource["resourceType"])
    assert unread == []


def test_the_bundle_may_be_empty():
    request = sign()
    request["context"]["draftOrders"] = bundle([])
    assert cards_of(request) == []


def test_the_subject_may_be_an_absolute_address():
    order = draft(
        "Amoxicillin 500 MG",
        subject={"reference": f"https://ehr.example.org/fhir/{ABOUT['reference']}"},
    )
    assert "class" in said(cards_of(sign(order, record=(allergy("Penicillin"),))))
