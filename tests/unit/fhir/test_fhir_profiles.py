"""What ``$validate`` and the US Core profiles say of a resource."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.fhir.routes import router
from services.fhir.store import FhirStore
from services.fhir.validate import faults, resource_types
from services.fhir.validate.plan import plan_of
from services.fhir.validate.profiles import BASE, Profile, fitting, lacks, named, profiles

Resource = dict[str, Any]
PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "a",
    "gender": "female",
    "identifier": [{"system": "http://example.org/mrn", "value": "1"}],
    "name": [{"family": "x"}],
}
BARE = {
    "resourceType": "Patient",
    "id": "a",
    "identifier": [{"value": "1"}],
    "name": [{"text": "x"}],
}
ABSENT = {"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]}


def profile(name: str) -> Profile:
    found = named(name)
    assert found is not None
    return found


def missing(resource: Resource, name: str) -> set[str]:
    return {lack.fault.element for lack in lacks(resource, profile(name)) if lack.needed}


@pytest.fixture
def client(store: FhirStore) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router(lambda: store, lambda: None))
    with TestClient(app, headers={"content-type": "application/fhir+json"}) as opened:
        yield opened


def issues(client: TestClient, address: str, body: Any) -> list[dict[str, Any]]:
    text = body if isinstance(body, str) else json.dumps(body)
    response = client.post(f"/fhir/{address}", content=text)
    assert response.status_code == 200, response.text
    outcome = response.json()
    assert faults(outcome, identified=False) == ()
    return list(outcome["issue"])


def said(client: TestClient, address: str, body: Any) -> list[tuple[str, str]]:
    found = issues(client, address, body)
    return [(i["severity"], i.get("expression", [""])[0]) for i in found]


def test_every_profile_names_elements_of_its_type():
    for one in profiles().values():
        assert one.type in resource_types()
        paths = (*one.required, *one.supported, *one.coded, *one.one_of_each)
        for path in (*paths, *(name for names in one.one_of for name in names)):
            plan = plan_of(one.type)
            for name in path.split("."):
                stem = name.removesuffix("[x]")
                found = [e for e in plan.elements.values() if stem in {e.key, e.choice}]
                assert found, f"{one.name}: {path}"
                plan = plan_of(found[0].child) if found[0].child else plan


def test_a_profile_is_known_by_url_with_version_and_by_name():
    assert named(f"{BASE}us-core-patient|6.1.0") is profile("us-core-patient")
    assert profile("us-core-patient").url == f"{BASE}us-core-patient"
    assert named("http://example.org/us-core-patient") is None


def test_what_a_profile_requires_is_named_where_it_is_missing():
    assert missing(PATIENT, "us-core-patient") == set()
    assert missing(BARE, "us-core-patient") == {
        "Patient.gender",
        "Patient.identifier[0].system",
        "Patient.name[0]",
    }
    assert missing(PATIENT, "us-core-location") == {"resourceType"}


def test_a_reason_for_being_absent_stands_for_the_element():
    absent = {k: v for k, v in PATIENT.items() if k != "gender"} | {"_gender": ABSENT}
    assert missing(absent, "us-core-patient") == set()
    assert missing({**absent, "name": [ABSENT]}, "us-core-patient") == set()


def test_a_fixed_category_and_one_of_several_values_are_asked_for():
    vital: Resource = {
        "resourceType": "Observation",
        "id": "a",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/a"},
        "effectiveDateTime": "2020",
        "category": [{"coding": [{"code": "laboratory"}]}],
    }
    assert missing(vital, "us-core-vital-signs") == {"Observation", "Observation.category"}
    assert [p.name for p in fitting(vital)] == ["us-core-observation-lab"]
    assert [p.name for p in fitting({**vital, "category": []})] == [
        "us-core-observation-clinical-result"
    ]
    claimed = {**vital, "meta": {"profile": [f"{BASE}us-core-vital-signs"]}}
    assert [p.name for p in fitting(claimed)] == ["us-core-vital-signs"]
    assert fitting({"resourceType": "Basic", "id": "a"}) == ()


def test_a_sound_resource_is_told_so_and_not_stored(client: TestClient, store: FhirStore):
    assert said(client, "Patient/$validate", PATIENT) == [("information", "")]
    assert store.entry("Patient", "a") is None


def test_each_fault_is_an_error_with_element_and_rule(client: TestClient):
    broken = {**PATIENT, "gender": "zzz", "contact": [{"gender": "male"}]}
    found = issues(client, "Patient/$validate", broken)
    assert [(i["severity"], i["expression"]) for i in found] == [
        ("error", ["Patient.gender"]),
        ("error", ["Patient.contact[0]"]),
    ]
    assert "pat-1" in found[1]["diagnostics"]


def test_claimed_profiles_give_warnings_and_named_ones_errors(client: TestClient):
    claimed = {**BARE, "meta": {"profile": [f"{BASE}us-core-patient"]}}
    warned = said(client, "Patient/$validate", claimed)
    assert ("warning", "Patient.gender") in warned
    assert ("information", "Patient.birthDate") in warned
    assert "error" not in {severity for severity, _ in warned}
    for name in (f"{BASE}us-core-patient", "us-core"):
        address = f"Patient/$validate?profile={name}"
        assert ("error", "Patient.gender") in said(client, address, BARE)
    unknown = issues(client, "Patient/$validate?profile=http://example.org/p", PATIENT)
    assert [(i["severity"], i["code"]) for i in unknown] == [("error", "not-supported")]


def test_parameters_carry_resource_mode_and_profile(client: TestClient):
    without = {k: v for k, v in BARE.items() if k != "id"}
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "resource", "resource": without},
            {"name": "mode", "valueCode": "create"},
            {"name": "profile", "valueUri": f"{BASE}us-core-patient"},
        ],
    }
    assert ("error", "Patient.gender") in said(client, "Patient/$validate", body)
    body["parameter"][1] = {"name": "mode", "valueCode": "update"}
    assert said(client, "Patient/$validate", body) == [("error", "Patient.id")]


def test_an_update_is_checked_against_its_address(client: TestClient):
    assert said(client, "Patient/b/$validate", PATIENT) == [("error", "Patient.id")]
    assert said(client, "Patient/a/$validate", PATIENT) == [("information", "")]
    assert said(client, "Observation/$validate", PATIENT) == [("error", "resourceType")]


@pytest.mark.parametrize(
    ("address", "body", "status"),
    [
        ("Nonsense/$validate", "{}", 404),
        ("Patient/$validate", "{", 400),
        ("Patient/$validate", '{"a":1,"a":2}', 400),
        ("Patient/$validate?mode=delete", "{}", 400),
        ("Patient/$validate?gender=female", "{}", 400),
    ],
)
def test_what_cannot_be_validated_is_refused(
    client: TestClient, address: str, body: str, status: int
):
    response = client.post(f"/fhir/{address}", content=body)
    assert response.status_code == status
    assert response.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("body", ["[]", "5", "null", '"x"', '{"resourceType":"Parameters"}'])
def test_a_body_that_is_no_resource_of_the_type_is_an_error_in_the_outcome(
    client: TestClient, body: str
):
    assert ("error", "resourceType") in said(client, "Patient/$validate", body)
