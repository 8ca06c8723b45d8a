"""Events of one node: valid R4, and what BALP asks of those that claim a profile."""

from __future__ import annotations

import base64
import doctest

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from support.balp import PREFIX, flaws

from compliance.audit import acts
from compliance.audit.acts import Actors, Agent
from compliance.errors import BadInputError

BY = Actors(
    application=Agent("application", "caretier-portal"),
    node="hospital",
    person=Agent("person", "u-7", role="clinician"),
    model=Agent("model", "sha256:0", name="expert"),
    client="10.0.0.9",
)
MACHINE = Actors(application=Agent("application", "ehr"), node="hospital", client="ehr.example")

ACTS = {
    "read": (acts.read, ("Observation/o1",), {"patient": "Patient/p1"}, "PatientRead"),
    "read-referral": (acts.read, ("referral:r1",), {}, "Read"),
    "search": (acts.search, ("Observation?patient=p1",), {"patient": "Patient/p1"}, "PatientQuery"),
    "search-all": (acts.search, ("Patient?_count=2",), {}, "Query"),
    "history": (acts.history, ("_history?_count=2",), {"patient": "Patient/p1"}, None),
    "everything": (acts.everything, ("Patient/p1",), {}, "PatientQuery"),
    "create": (acts.change, ("Observation/o1", "create"), {}, "Create"),
    "update": (
        acts.change,
        ("Observation/o1", "update"),
        {"patient": "Patient/p1"},
        "PatientUpdate",
    ),
    "delete": (
        acts.change,
        ("Observation/o1", "delete"),
        {"patient": "Patient/p1"},
        "PatientDelete",
    ),
    "chat": (acts.chat, ("c1",), {"patient": "Patient/p1", "tokens": "64"}, None),
    "sign-in": (acts.sign_in, (), {"method": "password+totp"}, None),
    "sign-out": (acts.sign_out, (), {"method": "idle"}, None),
    "key": (acts.key, ("k1",), {"change": "made"}, None),
    "enrol": (acts.enrol, ("ABCDEFGH",), {"level": "device"}, None),
    "break-glass": (acts.break_glass, ("Patient/p1",), {"why": "unconscious"}, None),
    "export": (acts.export, ("Patient/p1",), {"what": "export:e1", "bytes": "9"}, None),
    "export-of-nobodys": (acts.export, (None,), {"what": "export:e1"}, None),
    "erase": (acts.erase, ("Patient/p1",), {"what": "Patient/p1"}, "PatientDelete"),
}


def build(name, by=BY, **more):
    function, arguments, named, _profile = ACTS[name]
    return function(by, *arguments, **(named | more))


@pytest.mark.parametrize("by", [BY, MACHINE], ids=["person", "machine"])
@pytest.mark.parametrize("name", ACTS)
def test_every_act_is_a_valid_audit_event_and_fits_the_profile_that_it_claims(name, by):
    event = build(name, by)
    AuditEvent.model_validate(event)
    profile = ACTS[name][3]
    assert event.get("meta", {}).get("profile") == ([PREFIX + profile] if profile else None)
    assert flaws(event) == []


@pytest.mark.parametrize("name", [name for name in ACTS if name != "sign-out"])
def test_what_failed_claims_no_profile_of_a_success(name):
    event = build(name, outcome="8")
    AuditEvent.model_validate(event)
    assert event["outcome"] == "8"
    assert "meta" not in event


@pytest.mark.parametrize("name", ACTS)
def test_person_application_model_and_node_are_four_agents_with_codes_of_their_own(name):
    agents = {agent["type"]["text"]: agent for agent in build(name)["agent"]}
    assert set(agents) == {"person", "application", "model", "node"}
    codes = [
        {(c["system"], c["code"]) for c in agents[kind]["type"]["coding"]}
        for kind in ("person", "application", "model")
    ]
    assert not codes[0] & codes[1]
    assert not codes[1] & codes[2]
    assert not codes[0] & codes[2]
    assert agents["application"]["network"] == {"address": "10.0.0.9", "type": "2"}


def test_a_searched_name_or_number_is_not_written_down():
    event = acts.search(BY, "Patient?identifier=MRN-77&name:exact=Ana&_count=5&patient=p1")
    query = base64.b64decode(event["entity"][0]["query"]).decode()
    assert query == "Patient?identifier=*&name%3Aexact=*&_count=5&patient=p1"


def test_a_patient_is_named_by_reference_where_the_record_is_and_by_pseudonym_elsewhere():
    here = acts.read(BY, "Observation/o1", patient="Patient/p1")["entity"][1]["what"]
    there = acts.read(BY, "referral:r1", patient="QWERTY")["entity"][1]["what"]
    assert here == {"reference": "Patient/p1", "type": "Patient"}
    assert there["identifier"]["value"] == "QWERTY"


@pytest.mark.parametrize("what", ["", "referral", "referral:", ":r1"])
def test_what_names_nothing_is_bad_input(what):
    with pytest.raises(BadInputError):
        acts.read(BY, what)


@pytest.mark.parametrize("why", ["", "  "])
def test_emergency_access_without_a_reason_is_bad_input(why):
    with pytest.raises(BadInputError):
        acts.break_glass(BY, "Patient/p1", why=why)


def test_an_agent_without_an_id_is_bad_input():
    with pytest.raises(BadInputError):
        acts.sign_in(Actors(Agent("application", ""), node="n"), method="password")


def test_the_example_of_the_acts_holds():
    assert doctest.testmod(acts).failed == 0
