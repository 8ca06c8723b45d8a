"""The page of one resource: of the record of this person alone, audited, and never active."""

from __future__ import annotations

import base64
import hashlib

import pytest

from compliance.audit import AuditError

ME = {"resourceType": "Patient", "id": "me", "name": [{"family": "Test"}]}
OTHER = {"resourceType": "Patient", "id": "you", "name": [{"family": "Sombra"}]}
MINE = {"reference": "Patient/me"}
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
PDF = b"%PDF-1.7 nothing"


def sodium(id_: str = "na", patient: str = "me", **more):
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"text": "Sodium", "coding": [{"system": "http://loinc.org", "code": "2951-2"}]},
        "effectiveDateTime": "2026-02-01",
        "performer": [{"reference": "Practitioner/doc", "display": "Dr. Doc"}],
        "valueQuantity": {"value": 141.50, "unit": "mmol/L"},
        "referenceRange": [{"low": {"value": 135}, "high": {"value": 145}}],
    } | more


def paper(*attached, id_: str = "doc1"):
    return {
        "resourceType": "DocumentReference",
        "id": id_,
        "status": "current",
        "subject": MINE,
        "content": [{"attachment": one} for one in attached],
    }


def held(kind: str, body: bytes, **more):
    return {"contentType": kind, "data": base64.b64encode(body).decode()} | more


@pytest.fixture
def record(clinic):
    clinic.record(ME, OTHER, sodium(), sodium("theirs", "you"))
    clinic.record({"resourceType": "Practitioner", "id": "doc", "name": [{"family": "Doc"}]})
    clinic.record({"resourceType": "Practitioner", "id": "stranger", "name": [{"family": "X"}]})


def at(reference: str) -> str:
    return f"/portal/patients/me/resources/{reference}"


async def test_a_resource_is_said_in_words_with_its_links_and_its_json(ana, record):
    page = (await ana.get(at("Observation/na"))).text
    for said in ("Sodium", "LOINC 2951-2", "141.5 mmol/L", "135 – 145", "Version 1"):
        assert said in page
    assert f'href="{at("Practitioner/doc")}"' in page
    assert f'href="{at("Patient/me")}"' in page
    assert '<details class="card" id="raw">' in page


async def test_what_the_record_names_opens_and_a_stranger_does_not(ana, record):
    assert (await ana.get(at("Practitioner/doc"))).status_code == 200
    assert (await ana.get(at("Practitioner/stranger"))).status_code == 404


@pytest.mark.parametrize(
    "reference",
    ["Observation/theirs", "Patient/you", "Observation/none", "Nothing/na", "Observation/%00"],
)
async def test_what_is_another_persons_is_as_unknown_as_what_nobody_has(ana, record, reference):
    answer = await ana.get(at(reference))
    assert answer.status_code == 404
    assert "Sombra" not in answer.text


async def test_a_result_about_somebody_else_in_which_this_person_had_a_part_stays_shut(ana, clinic):
    clinic.record(ME, OTHER, sodium("both", "you", performer=[MINE]))
    assert (await ana.get(at("Observation/both"))).status_code == 404


async def test_an_opening_is_audited_before_it_is_shown(ana, clinic, record):
    await ana.get(at("Observation/na"))
    assert clinic.charts_read == [("ana", "Patient/me")]
    clinic.audit_fails = AuditError("The disk is full.")
    answer = await ana.get(at("Observation/na"))
    assert answer.status_code == AuditError.status
    assert "Sodium" not in answer.text


@pytest.mark.parametrize("role", ["op", "pri"])
async def test_only_clinicians_open_a_resource(open_browser, record, role):
    browser = open_browser()
    await browser.sign_in(role)
    assert (await browser.get(at("Observation/na"))).status_code == 403


async def test_earlier_versions_are_listed_and_say_that_they_are_old(ana, clinic, record):
    clinic.record(sodium(valueQuantity={"value": 139, "unit": "mmol/L"}))
    page = (await ana.get(at("Observation/na"))).text
    assert "139 mmol/L" in page
    assert "?version=1" in page
    old = (await ana.get(at("Observation/na") + "?version=1")).text
    assert "141.5 mmol/L" in old
    assert "This is an earlier version" in old
    assert (await ana.get(at("Observation/na") + "?version=9")).status_code == 404


async def test_a_version_that_was_another_persons_then_stays_shut(ana, clinic, record):
    clinic.record(sodium("theirs", "me"))
    page = (await ana.get(at("Observation/theirs"))).text
    assert "?version=1" not in page
    assert (await ana.get(at("Observation/theirs") + "?version=1")).status_code == 404


async def test_a_narrative_is_words_alone(ana, clinic):
    div = (
        '<div xmlns="http://www.w3.org/1999/xhtml"><p>Seen <b>today</b></p>'
        '<p><a href="https://example.org/x">here</a></p></div>'
    )
    clinic.record(ME, sodium(text={"status": "generated", "div": div}))
    page = (await ana.get(at("Observation/na"))).text
    narrative = page.partition('id="narrative"')[2].partition("</section>")[0]
    assert "Seen today\nhere" in narrative
    assert "example.org" not in narrative
    assert "<b>" not in narrative


async def test_a_picture_is_given_from_here_in_a_sandbox(ana, clinic):
    clinic.record(ME, paper(held("image/png", PNG)))
    page = (await ana.get(at("DocumentReference/doc1"))).text
    address = "/portal/patients/me/attachments/DocumentReference/doc1/0"
    assert f'src="{address}"' in page
    answer = await ana.get(address)
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert answer.headers["content-disposition"].startswith("inline;")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_pdf_is_a_download_alone(ana, clinic):
    clinic.record(ME, paper(held("application/pdf", PDF)))
    answer = await ana.get("/portal/patients/me/attachments/DocumentReference/doc1/0")
    assert answer.headers["content-disposition"].startswith("attachment;")


async def test_a_hash_that_fits_is_said_and_one_that_does_not_shuts_the_attachment(ana, clinic):
    good = base64.b64encode(hashlib.sha1(b"It is well.", usedforsecurity=False).digest()).decode()
    bad = base64.b64encode(b"0" * 20).decode()
    clinic.record(ME, paper(held("text/plain", b"It is well.", hash=good)))
    page = (await ana.get(at("DocumentReference/doc1"))).text
    assert "It is well." in page
    assert "matches the check sum" in page
    clinic.record(ME, paper(held("text/plain", b"Changed words", hash=bad)))
    page = (await ana.get(at("DocumentReference/doc1"))).text
    assert "Changed words" not in page
    assert "does not match the check sum" in page


@pytest.mark.parametrize(
    "attached",
    [
        held("text/html", b"<script>alert(1)</script>"),
        held("image/svg+xml", b"<svg onload='x'/>"),
        held("image/png", b"<html>"),
        held("application/pdf", b"<html>"),
        {"contentType": "image/png", "url": "https://example.org/x.png"},
        {"contentType": "image/png", "url": "Binary/nobodys"},
        {"contentType": "text/plain"},
    ],
)
async def test_nothing_active_and_nothing_from_elsewhere_is_given_out(ana, clinic, attached):
    binary = {"resourceType": "Binary", "id": "nobodys", "contentType": "image/png"}
    clinic.record(ME, paper(attached), binary | {"data": "iVBORw0KGgo="})
    page = (await ana.get(at("DocumentReference/doc1"))).text
    assert "alert(1)" not in page.partition('id="raw"')[0]
    answer = await ana.get("/portal/patients/me/attachments/DocumentReference/doc1/0")
    assert answer.status_code == 404


@pytest.mark.parametrize("place", ["1", "-1", "x", "99999999999"])
async def test_an_attachment_that_is_not_there_is_unknown(ana, clinic, place):
    clinic.record(ME, paper(held("image/png", PNG)))
    answer = await ana.get(f"/portal/patients/me/attachments/DocumentReference/doc1/{place}")
    assert answer.status_code == 404


async def test_an_attachment_in_a_binary_of_this_record_is_shown(ana, clinic):
    binary = {
        "resourceType": "Binary",
        "id": "pic",
        "contentType": "image/png",
        "securityContext": MINE,
        "data": base64.b64encode(PNG).decode(),
    }
    clinic.record(ME, binary, paper({"contentType": "image/png", "url": "Binary/pic"}))
    answer = await ana.get("/portal/patients/me/attachments/DocumentReference/doc1/0")
    assert answer.content == PNG
