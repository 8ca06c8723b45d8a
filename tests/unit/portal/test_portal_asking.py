"""Asking a chart and looking through its documents: audited, by form, one person's facts alone."""

from __future__ import annotations

import pytest

from compliance.audit import AuditError

ME = {"resourceType": "Patient", "id": "me", "name": [{"given": ["Ada"], "family": "Test"}]}
OTHER = {"resourceType": "Patient", "id": "you", "name": [{"family": "Sombra"}]}
ASK = "/portal/patients/me/ask"
PAPERS = "/portal/patients/me/documents"


def creatinine(id_: str, day: str, value: float, patient: str = "me"):
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]},
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": "mg/dL"},
    }


def letter(id_: str, text: str, patient: str = "me"):
    return {
        "resourceType": "DocumentReference",
        "id": id_,
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "description": text,
        "date": "2026-03-01T10:00:00Z",
        "content": [{"attachment": {"contentType": "text/plain"}}],
    }


@pytest.fixture
def record(clinic):
    clinic.record(
        ME, OTHER, creatinine("c1", "2026-01-05", 1.1), creatinine("c2", "2026-04-05", 1.4)
    )
    clinic.record(creatinine("c9", "2026-05-05", 9.9, "you"))
    clinic.record(letter("l1", "Discharge letter"), letter("l9", "Strange letter", "you"))


async def put(browser, path: str, **form: str):
    return await browser.post(path, {"csrf": await browser.csrf(), **form})


async def test_an_answer_cites_its_entries_and_says_what_was_searched(ana, record):
    page = (await put(ana, ASK, question="Since when is the creatinine rising?")).text
    assert "since 2026-01-05: from 1.1 mg/dL to 1.4 mg/dL" in page
    assert 'href="/portal/patients/me/resources/Observation/c2"' in page
    assert "Searched: 2 results" in page
    assert "9.9" not in page


async def test_a_question_that_is_not_understood_gets_no_answer(ana, record):
    page = (await put(ana, ASK, question="Should she stop creatinine?")).text
    assert "The question was not understood" in page
    assert "1.4 mg/dL" not in page


async def test_what_is_not_recorded_is_said_as_not_recorded(ana, record):
    page = (await put(ana, ASK, question="Which anticoagulants did she have?")).text
    assert "The record says nothing of this" in page


async def test_a_follow_up_goes_on_from_the_question_before_it(ana, record):
    page = (await put(ana, ASK, question="And the highest?", before="last creatinine")).text
    assert "Highest recorded: Creatinine 1.4 mg/dL" in page
    assert "Taken as a question about: creatinine" in page


async def test_every_question_is_audited_before_it_is_answered(ana, clinic, record):
    await put(ana, ASK, question="last creatinine")
    assert clinic.charts_read == [("ana", "Patient/me")]
    clinic.audit_fails = AuditError("The disk is full.")
    answer = await put(ana, ASK, question="last creatinine")
    assert "1.4 mg/dL" not in answer.text


@pytest.mark.parametrize("path", [ASK, PAPERS])
async def test_a_form_needs_the_sessions_token(ana, record, path):
    answer = await ana.post(path, {"csrf": "wrong", "question": "last creatinine"})
    assert answer.status_code == 403


@pytest.mark.parametrize("role", ["op", "pri"])
async def test_only_clinicians_ask_a_chart(open_browser, clinic, record, role):
    browser = open_browser()
    await browser.sign_in(role)
    assert (await browser.get(ASK)).status_code == 403
    assert (await put(browser, ASK, question="last creatinine")).status_code == 403
    assert (await browser.get(PAPERS)).status_code == 403
    assert clinic.charts_read == []


async def test_what_is_asked_is_escaped(ana, record):
    page = (await put(ana, ASK, question="<script>alert(1)</script>")).text
    assert "<script>alert(1)" not in page


async def test_documents_are_this_persons_alone(ana, record):
    page = (await ana.get(PAPERS)).text
    assert "Discharge letter" in page
    assert "Strange letter" not in page
    assert 'href="/portal/patients/me/resources/DocumentReference/l1"' in page


async def test_documents_are_found_by_words_and_kind(ana, record):
    assert "Discharge letter" in (await put(ana, PAPERS, words="discharge 2026")).text
    assert "No document has these words" in (await put(ana, PAPERS, words="strange")).text
    missed = await put(ana, PAPERS, kind="Communication")
    assert "No document has these words" in missed.text
    assert "Discharge letter" in (await put(ana, PAPERS, kind="DocumentReference")).text


async def test_a_record_without_documents_says_where_else_to_look(ana, clinic):
    clinic.record(ME)
    assert "No document is recorded" in (await ana.get(PAPERS)).text
