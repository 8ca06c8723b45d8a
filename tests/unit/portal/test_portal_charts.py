"""Charts at the portal: looked up by number, audited before they are read, never guessed."""

from __future__ import annotations

import pytest

from compliance.audit import AuditError
from services.consult.messages import Fact

PERSON = {
    "resourceType": "Patient",
    "id": "me",
    "birthDate": "1960-05-01",
    "name": [{"given": ["Ada"], "family": "Test"}],
    "identifier": [{"system": "urn:mrn", "value": "MRN-77"}],
}
GOUT = {
    "resourceType": "Condition",
    "id": "gout",
    "subject": {"reference": "Patient/me"},
    "clinicalStatus": {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                "code": "active",
            }
        ]
    },
    "code": {"text": "Gout"},
}
CHART = "/portal/patients/me"
JSON = "/portal/api/patients/me/summary"


@pytest.fixture
def record(clinic):
    clinic.record(PERSON, GOUT)


async def find(browser, number: str, **form: str):
    fields = {"csrf": await browser.csrf(), "number": number, **form}
    return await browser.post("/portal/patients", fields)


async def test_every_line_of_the_page_leads_to_its_resource(ana, record):
    page = (await ana.get(CHART)).text
    assert "Gout" in page
    assert 'href="/portal/patients/me/resources/Condition/gout"' in page
    assert 'aria-label="Source: Condition/gout"' in page


async def test_the_json_says_the_same_with_addresses(ana, record):
    body = (await ana.get(JSON)).json()
    problems = next(s for s in body["sections"] if s["id"] == "problems")
    assert problems["lines"][0]["sources"] == ["Condition/gout"]
    assert problems["lines"][0]["links"] == ["/fhir/Condition/gout"]
    assert body["who"]["name"] == "Ada Test"


async def test_the_json_speaks_the_readers_language(ana, record):
    answer = await ana.get(JSON, headers={"Accept-Language": "es"})
    assert answer.json()["sections"][0]["title"] == "Alergias"


@pytest.mark.parametrize("number", ["me", "MRN-77", " me "])
async def test_a_person_is_found_by_id_or_identifier(ana, record, number):
    answer = await find(ana, number)
    assert (answer.status_code, answer.headers["location"]) == (303, CHART)


@pytest.mark.parametrize(
    "number", ["", "m", "MRN", "MRN-7%", "Ada", "*", "' or 1=1 --", "\x00", "9" * 500, "../me"]
)
async def test_a_number_that_is_not_exact_finds_nobody(ana, record, number):
    answer = await find(ana, number)
    assert answer.status_code == 404
    assert "No person has this number." in answer.text
    assert "Ada Test" not in answer.text


async def test_a_number_that_two_people_have_opens_neither(ana, clinic, record):
    clinic.record(PERSON | {"id": "twin"})
    assert (await find(ana, "MRN-77")).status_code == 404


async def test_looking_up_needs_the_sessions_token(ana, record):
    answer = await ana.post("/portal/patients", {"csrf": "wrong", "number": "me"})
    assert answer.status_code == 403


@pytest.mark.parametrize("role", ["op", "pri"])
async def test_others_than_clinicians_cannot_look_up(open_browser, clinic, record, role):
    browser = open_browser()
    await browser.sign_in(role)
    assert (await find(browser, "me")).status_code == 403
    assert clinic.charts_read == []


@pytest.mark.parametrize("path", [CHART, JSON])
async def test_every_opening_is_audited_with_the_reader(ana, clinic, record, path):
    await ana.get(path)
    assert clinic.charts_read == [("ana", "Patient/me")]


@pytest.mark.parametrize("path", [CHART, JSON])
async def test_a_chart_that_cannot_be_audited_is_not_shown(ana, clinic, record, path):
    clinic.audit_fails = AuditError("The disk is full.")
    answer = await ana.get(path)
    assert answer.status_code == AuditError.status
    assert "Gout" not in answer.text


@pytest.mark.parametrize("id_", ["nobody", "%00", "..%2F..", "0" * 500, "me%20", "Patient%2Fme"])
async def test_a_guessed_id_looks_like_nothing(ana, clinic, record, id_):
    page = await ana.get(f"/portal/patients/{id_}")
    assert page.status_code == 404
    body = await ana.get(f"/portal/api/patients/{id_}/summary")
    assert body.status_code == 404
    assert clinic.charts_read == []


async def test_another_persons_entry_is_not_in_a_chart(ana, clinic, record):
    other = {"reference": "Patient/you"}
    clinic.record(
        PERSON | {"id": "you"},
        GOUT | {"id": "theirs", "code": {"text": "Scurvy"}, "subject": other,
                "asserter": {"reference": "Patient/me"}},
    )  # fmt: skip
    assert "Scurvy" not in (await ana.get(JSON)).text


async def test_a_medicine_that_is_named_by_reference_has_its_name(ana, clinic, record):
    clinic.record(
        {"resourceType": "Medication", "id": "drug", "code": {"text": "ibuprofen 400 MG"}},
        {
            "resourceType": "MedicationRequest", "id": "order", "status": "active",
            "intent": "order", "subject": {"reference": "Patient/me"},
            "medicationReference": {"reference": "Medication/drug"},
        },
    )  # fmt: skip
    assert "ibuprofen 400 MG" in (await ana.get(CHART)).text


async def test_markup_in_the_record_stays_text(ana, clinic):
    script = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    clinic.record(
        PERSON | {"name": [{"text": script}], "identifier": [{"value": script}]},
        GOUT | {"code": {"text": script}},
    )
    page = (await ana.get(CHART)).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<img" not in page


async def test_what_came_with_a_referral_leads_nowhere(ana, clinic):
    fact = Fact(id="Condition/gout", kind="condition", text="Your record lists gout.", date="2019")
    id_ = clinic.refer(facts=(fact,))
    body = await ana.get(f"/portal/api/referrals/{id_}/summary")
    assert body.json()["identified"] is False
    assert body.json()["groups"][0]["facts"][0]["text"] == fact.text
    assert body.json()["absent"] == ["allergy", "medicine"]
    page = await ana.get(f"/portal/referrals/{id_}")
    assert "/fhir/" not in body.text + page.text
    assert "Nothing about allergies, medicines came with this question." in page.text
    assert clinic.reads == [("ana", id_)] * 2


async def test_a_hospital_without_a_record_has_no_charts(clinic):
    from services.hospital.portal import portal_router

    made = portal_router(
        clinic.accounts, clinic.desk, secure_cookies=False, audit_read=clinic.audit_read
    )
    paths = {getattr(route, "path", "") for route in made.routes}
    assert not any("patients" in path for path in paths)
