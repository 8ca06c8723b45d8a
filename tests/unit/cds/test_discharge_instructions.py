"""Instructions to take home: quoted, cited, labelled, and none where nothing is known."""

from __future__ import annotations

import pytest
from support.cds import (
    ABOUT,
    PATIENT,
    TODAY,
    bundle,
    cards_of,
    condition,
    medicine,
    person,
    said,
)

from services.bricks.knowledge import Knowledge
from services.fhir.validate import check

ENCOUNTER = {
    "resourceType": "Encounter", "id": "enc-1", "status": "in-progress", "subject": ABOUT,
    "class": {"code": "AMB"},
}  # fmt: skip
AT = {"encounter": {"reference": "Encounter/enc-1"}}


def leaving(*conditions, encounter=ENCOUNTER, medicines=(), **patient):
    return {
        "hook": "encounter-discharge",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/doc-1", "patientId": PATIENT, "encounterId": "enc-1",
        },
        "prefetch": {
            "patient": person(**patient), "encounter": encounter,
            "conditions": bundle(list(conditions)), "medications": bundle(list(medicines)),
        },
    }  # fmt: skip


def drafted(cards):
    (card,) = [c for c in cards if "suggestions" in c]
    (action,) = card["suggestions"][0]["actions"]
    return action["resource"]


def text_of(cards):
    return drafted(cards)["payload"][0]["contentString"]


@pytest.fixture(scope="module")
def sentences():
    return {s for p in Knowledge.load("hospital").passages for s in p.sentences}


def test_every_statement_is_a_sentence_of_a_source(sentences):
    request = leaving(condition("Asthma (disorder)", **AT), medicines=[medicine("Warfarin 5 MG")])
    quoted = [line[2:] for line in text_of(cards_of(request)).splitlines() if line[:2] == "- "]
    assert len(quoted) > 5
    assert set(quoted) <= sentences


def test_each_part_names_its_source():
    text = text_of(cards_of(leaving(condition("Asthma (disorder)", **AT))))
    assert "Source: MedlinePlus, https://medlineplus.gov/asthma.html" in text


def test_when_to_seek_care_is_quoted_whole():
    text = text_of(cards_of(leaving(condition("Asthma (disorder)", **AT))))
    assert "Call 911 if a person with asthma cannot speak in full sentences" in text


def test_no_medicine_is_named_in_what_is_said_of_an_illness():
    text = text_of(cards_of(leaving(condition("Asthma (disorder)", **AT))))
    assert "Aspirin" not in text
    assert "corticosteroids" not in text


def test_the_draft_is_labelled_and_waits_to_be_read():
    made = drafted(cards_of(leaving(condition("Asthma (disorder)", **AT))))
    assert made["resourceType"] == "Communication"
    assert made["status"] == "preparation"
    assert made["meta"]["security"][0]["code"] == "AIAST"
    assert "put together by software" in made["payload"][0]["contentString"]
    assert made["encounter"]["reference"] == "Encounter/enc-1"
    check(made | {"id": "x"})


def test_a_spanish_speaking_patient_gets_a_spanish_frame_and_is_told_of_the_language():
    spanish = [{"language": {"coding": [{"code": "es-US"}]}, "preferred": True}]
    cards = cards_of(leaving(condition("Asthma (disorder)", **AT), communication=spanish))
    assert drafted(cards)["language"] == "es"
    assert "Las fuentes están en inglés" in text_of(cards)
    assert "have to be interpreted" in said(cards)


@pytest.mark.parametrize(
    "pointing",
    [
        {"reasonCode": [{"text": "Asthma"}]},
        {"diagnosis": [{"condition": {"reference": "Condition/con-1"}}]},
        {"diagnosis": [{"condition": {"reference": "https://ehr/fhir/Condition/con-1"}}]},
    ],
)
def test_a_diagnosis_is_found_however_the_encounter_names_it(pointing):
    cards = cards_of(leaving(condition("Asthma (disorder)"), encounter=ENCOUNTER | pointing))
    assert "asthma action plan" in text_of(cards)


@pytest.mark.parametrize(
    "other",
    [
        condition("Asthma (disorder)"),
        condition("Asthma (disorder)", encounter={"reference": "Encounter/enc-2"}),
        condition("Asthma (disorder)", clinical="resolved", **AT),
        condition("Asthma", verificationStatus={"coding": [{"code": "provisional"}]}, **AT),
        condition("Family history of asthma", **AT),
        condition("Zorbinoid fever", **AT),
        condition("Diabetic retinopathy", **AT),
    ],
    ids=["other day", "other encounter", "over", "unconfirmed", "family", "unknown", "another"],
)
def test_nothing_is_suggested_where_nothing_is_known_of_it(other):
    assert cards_of(leaving(other)) == []


def test_what_is_written_for_adults_is_not_given_to_a_child():
    request = leaving(medicines=[medicine("Warfarin 5 MG")], born=f"{TODAY.year - 8}-01-01")
    assert cards_of(request) == []


def test_an_encounter_of_another_patient_is_not_used():
    other = ENCOUNTER | {"subject": {"reference": "Patient/x"}, "reasonCode": [{"text": "Asthma"}]}
    cards = cards_of(leaving(encounter=other))
    assert "asthma" not in said(cards).lower()
    assert "another person" in said(cards)
