from __future__ import annotations

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from support.balp import PREFIX, flaws

from compliance.audit import Agent, crossing
from compliance.audit.events import repair
from compliance.errors import BadInputError

PERSON = Agent("person", "patient-7", role="patient")
APPLICATION = Agent("application", "device-app", name="caretier device")
MODEL = Agent("model", "sha256:abc", name="smollm2")


def build(**changes):
    arguments = {
        "action": "send",
        "referral": "ref-1",
        "person": PERSON,
        "application": APPLICATION,
        "model": MODEL,
        "source": "device",
        "destination": "hospital",
        "detail": {"receipt": "r-1"},
    }
    return crossing(**(arguments | changes))


@pytest.mark.parametrize(
    "action", ["send", "receive", "answer", "enrol", "sign", "read", "withdraw"]
)
@pytest.mark.parametrize("model", [MODEL, None], ids=["model", "no-model"])
def test_every_crossing_is_a_valid_fhir_audit_event(action, model):
    event = build(action=action, model=model)
    AuditEvent.model_validate(event)
    assert event["subtype"][0]["code"] == action


def test_person_application_and_model_are_separate_agents():
    agents = build()["agent"]
    assert [agent["type"]["text"] for agent in agents] == ["person", "application", "model", "node"]
    assert [agent["who"]["identifier"]["value"] for agent in agents] == [
        "patient-7",
        "device-app",
        "sha256:abc",
        "hospital",
    ]


@pytest.mark.parametrize(
    ("action", "destination", "profile"),
    [
        ("send", "hospital", "PrivacyDisclosure.Source"),
        ("receive", "hospital", "PrivacyDisclosure.Recipient"),
        ("receive", "device", None),
        ("answer", "device", None),
    ],
)
def test_a_disclosure_fits_the_balp_profile_and_an_answer_to_the_person_claims_none(
    action, destination, profile
):
    event = build(action=action, destination=destination)
    claimed = event.get("meta", {}).get("profile")
    assert claimed == ([PREFIX + profile] if profile else None)
    assert flaws(event) == []
    patients = [e for e in event["entity"] if e["what"].get("type") == "Patient"]
    assert [p["what"]["identifier"]["value"] for p in patients] == ["patient-7"]


def test_a_chart_that_is_read_is_named_by_its_reference():
    event = build(action="read", referral="Patient/p1", patient="Patient/p1")
    assert [e["what"]["reference"] for e in event["entity"]] == ["Patient/p1", "Patient/p1"]


def test_only_the_person_is_the_requestor():
    assert [agent["requestor"] for agent in build()["agent"]] == [True, False, False, False]


def test_source_destination_and_detail_are_told():
    detail = build()["entity"][0]["detail"]
    assert {item["type"]: item["valueString"] for item in detail} == {
        "source": "device",
        "destination": "hospital",
        "receipt": "r-1",
    }


def test_the_referral_is_named():
    assert build()["entity"][0]["what"]["identifier"]["value"] == "ref-1"


def test_a_failure_is_told():
    assert build(outcome="8")["outcome"] == "8"


def test_each_event_has_its_own_id():
    assert build()["id"] != build()["id"]


@pytest.mark.parametrize(
    "change",
    [
        {"person": APPLICATION},
        {"application": MODEL},
        {"model": PERSON},
        {"referral": ""},
        {"source": ""},
        {"destination": ""},
        {"detail": {"receipt": ""}},
        {"detail": {"": "x"}},
        {"person": Agent("person", "")},
    ],
)
def test_what_is_no_crossing_is_bad_input(change):
    with pytest.raises(BadInputError):
        build(**change)


def test_a_repair_is_a_valid_fhir_audit_event():
    AuditEvent.model_validate(repair("clinic-1", 17))
