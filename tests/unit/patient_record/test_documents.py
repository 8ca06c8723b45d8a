"""Documents of a record, as far as their text lies in it; and what a person enters in an export."""

from __future__ import annotations

import base64
from datetime import date

from fhir.resources.R4B.bundle import Bundle

from patient_app.medicines import own
from patient_app.summary import documents_of
from patient_app.vault.takeout import bundle_of
from patient_app.visits import drafts

PATIENT = {"resourceType": "Patient", "id": "me"}


def document(id_="d", **attachment):
    return {
        "resourceType": "DocumentReference",
        "id": id_,
        "status": "current",
        "subject": {"reference": "Patient/me"},
        "date": "2026-01-02T10:00:00Z",
        "description": "Letter",
        "content": [{"attachment": attachment}],
    }


def packed(text: bytes) -> str:
    return base64.b64encode(text).decode()


def test_plain_text_is_shown_whatever_it_looks_like():
    kind = "text/plain; charset=utf-8"
    (found,) = documents_of([document(contentType=kind, data=packed(b"<b>Hello</b>"))])
    assert found["body"] == "<b>Hello</b>"
    assert found["date"] == "2026-01-02"


def test_what_is_no_plain_text_or_is_broken_is_not_shown():
    for attachment in (
        {"contentType": "text/html", "data": packed(b"<script>")},
        {"contentType": "text/plain", "data": "%%%"},
        {"contentType": "text/plain", "data": packed(b"\xff\xfe\x00")},
        {"contentType": "application/pdf", "url": "https://example.org/x.pdf"},
    ):
        (found,) = documents_of([document(**attachment)])
        assert found["body"] is None


def test_a_document_of_somebody_else_is_left_out():
    stray = {**document(), "subject": {"reference": "Patient/other"}}
    assert documents_of([PATIENT, stray]) == []


def test_an_export_holds_what_the_person_entered_and_prepared(ill):
    own.enter(ill, "Vitamin C", "1 a day", "", date(2026, 1, 1))
    drafts.begin(ill, "new-visit")
    bundle = bundle_of(ill.vault)
    Bundle.model_validate(bundle)
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert "MedicationStatement" in kinds
    assert "QuestionnaireResponse" in kinds
