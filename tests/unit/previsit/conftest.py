"""A hospital on both databases with one person, who writes before a visit."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from support.trail import Trail

from services.fhir.intake.questionnaires import ANSWERS, URL
from services.hospital.app import create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

HOST = "http://localhost"
PASSWORD = "a long enough password"
SUBJECT = {"reference": "Patient/me"}
RECORD: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "me",
        "name": [{"given": ["Ada"], "family": "Test"}],
        "gender": "female",
        "birthDate": "1960-05-01",
        "generalPractitioner": [{"reference": "Practitioner/ana"}],
    },
    {"resourceType": "Patient", "id": "other", "name": [{"family": "Other"}]},
    {"resourceType": "Practitioner", "id": "ana", "name": [{"family": "Ruiz"}]},
    {
        "resourceType": "MedicationRequest",
        "id": "lisinopril",
        "status": "active",
        "intent": "order",
        "subject": SUBJECT,
        "medicationCodeableConcept": {"text": "Lisinopril 10 MG Oral Tablet"},
        "authoredOn": "2026-01-05",
    },
    {
        "resourceType": "MedicationRequest",
        "id": "amoxicillin",
        "status": "active",
        "intent": "order",
        "subject": SUBJECT,
        "medicationCodeableConcept": {"text": "Amoxicillin 500 MG Oral Capsule"},
        "authoredOn": "2026-11-20",
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "peanut",
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                    "code": "active",
                }
            ]
        },
        "patient": SUBJECT,
        "code": {"text": "Peanut"},
    },
]


class _Node:
    """Triage alone: nothing is consulted here."""

    def __init__(self, triage) -> None:
        self.triage = triage


@pytest.fixture
def hospital(tmp_path, database_url, triage_rules, monkeypatch):
    from services.consult.triage import Triager

    settings = HospitalSettings(
        data=tmp_path / "hospital", database=database_url, second_factor="optional"
    )
    made = Hospital(settings, _Node(Triager(triage_rules)))
    assert not made.records.put_many(RECORD).rejected
    made.accounts.add_user("ana", PASSWORD, "Ana", "clinician", acts_as=["Practitioner/ana"])
    made.accounts.add_user("bo", PASSWORD, "Bo", "clinician", acts_as=["Practitioner/bo"])
    made.intake.audit = Trail()
    yield made
    made.database.close()


class Caller:
    """A program or a person at the hospital's addresses."""

    def __init__(self, hospital, headers) -> None:
        self._hospital, self._headers = hospital, headers

    async def send(self, method, path, body=None, **headers):
        transport = httpx.ASGITransport(app=create(self._hospital.settings, self._hospital))
        async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
            sent = {"content-type": "application/fhir+json"} | self._headers | headers
            content = None if body is None else json.dumps(body)
            return await client.request(method, path, content=content, headers=sent)

    async def answer(self, response, **headers):
        return await self.send("POST", "/fhir/QuestionnaireResponse", response, **headers)


@pytest.fixture
def app(hospital):
    """An app of the patient."""
    scopes = "patient/*.rs patient/QuestionnaireResponse.cruds"
    key = hospital.accounts.new_key("app", scopes, patient="me")
    return Caller(hospital, {"authorization": f"Bearer {key}"})


def chosen(code):
    return [{"valueCoding": {"system": ANSWERS, "code": code}}]


def said(*texts):
    return [{"valueString": text} for text in texts]


def item(link, answer=None, *inner):
    made = {"linkId": link}
    if answer:
        made["answer"] = answer
    if inner:
        made["item"] = list(inner)
    return made


def response(form, *items, **fields):
    values = {"status": "completed", "subject": SUBJECT, "authored": "2026-11-26T10:00:00Z"}
    made = {"resourceType": "QuestionnaireResponse", "questionnaire": URL + form, "item": [*items]}
    return made | values | fields


ALLERGIES = item("allergies", None, item("has-allergy", chosen("yes")))


def new_visit(reason="My knee hurts when I walk.", *more, **fields):
    return response("new-visit", item("reason", said(reason)), ALLERGIES, *more, **fields)
