"""What a second reading of the FHIR API found, each held by a test of its own."""
# ruff: noqa: F811  # fixtures are imported by their names

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from support.smart import (  # noqa: F401  # fixtures
    app_of,
    hospital,
    http,
    person,
    redeem,
    seeded,
)

JSON = {"content-type": "application/fhir+json"}
PATCH = {"content-type": "application/json-patch+json"}
SOON_SECONDS = 2.0


@pytest.fixture
def key(hospital) -> Callable[..., dict[str, str]]:
    """Makes headers with a fresh key of these scopes."""

    def make(scopes: str = "system/*.cruds", patient: str | None = None) -> dict[str, str]:
        text = hospital.accounts.new_key("review", scopes, patient=patient)
        return {"authorization": f"Bearer {text}"}

    return make


@pytest.fixture
async def clinician(person, app_of, redeem, http) -> dict[str, str]:
    """Headers of an app that acts for a clinician who treats p07 and p01."""
    app, _ = app_of("user/*.rs")
    told = await person.allow(app.id, "user/*.rs")
    http.cookies.clear()
    token = (await redeem(app.id, told["code"])).json()["access_token"]
    return {"authorization": f"Bearer {token}"}


async def made(http: httpx.AsyncClient, headers: dict[str, str], resource: Any) -> str:
    """Create a resource; its address below ``/fhir``."""
    kind = resource["resourceType"]
    answer = await http.post(f"/fhir/{kind}", headers=headers | JSON, content=json.dumps(resource))
    assert answer.status_code == 201, answer.text
    return f"{kind}/{answer.json()['id']}"


@pytest.mark.parametrize("length", [3_000, 30_000])
async def test_a_date_that_is_none_is_refused_at_once(http, key, length):
    began = time.perf_counter()
    form = JSON | {"content-type": "application/x-www-form-urlencoded"}
    answer = await http.post(
        "/fhir/Patient/_search", headers=key() | form, content="birthdate=" + "T" * length
    )
    assert answer.status_code == 400
    assert time.perf_counter() - began < SOON_SECONDS


async def test_a_zone_whose_plus_was_lost_is_still_understood(http, key):
    asked = "/fhir/Patient?_lastUpdated=gt2000-01-01T00:00:00 01:00&_count=0"
    assert (await http.get(asked, headers=key())).json()["total"] > 0


@pytest.mark.parametrize("header", ["accept", "content-type"])
async def test_a_header_without_end_is_refused_before_it_is_taken_apart(http, key, header):
    began = time.perf_counter()
    headers = key() | JSON | {header: 'application/fhir+json;"' + ";" * 60_000}
    answer = await http.post("/fhir/Patient", headers=headers, content='{"resourceType":"Patient"}')
    assert answer.status_code in {406, 415}
    assert time.perf_counter() - began < SOON_SECONDS


NOBODYS = {
    "GuidanceResponse": {"moduleUri": "http://x.example.org", "status": "success"},
    "Contract": {"title": "a secret"},
    "VerificationResult": {"status": "attested"},
    "Parameters": {"parameter": [{"name": "a", "valueString": "a secret"}]},
}


@pytest.mark.parametrize("kind", NOBODYS)
async def test_what_may_be_about_anybody_is_not_shown_to_a_clinician_of_others(
    http, key, clinician, kind
):
    where = await made(http, key(), {"resourceType": kind, **NOBODYS[kind]})
    assert (await http.get(f"/fhir/{where}", headers=clinician)).status_code == 404
    assert (await http.get(f"/fhir/{kind}", headers=clinician)).status_code == 400
    assert (await http.get(f"/fhir/{kind}/_history", headers=clinician)).status_code == 400


async def test_a_patch_of_many_copies_does_not_hold_the_writers_up(http, key):
    parts = [{"url": "http://x.example.org", "valueString": "a"} for _ in range(10_000)]
    big = {"resourceType": "Basic", "code": {"text": "x"}, "extension": parts}
    where = await made(http, key(), big)
    copies = [{"op": "copy", "from": "/code", "path": "/code"} for _ in range(400)]
    began = time.perf_counter()
    answer = await http.patch(f"/fhir/{where}", headers=key() | PATCH, content=json.dumps(copies))
    assert answer.status_code == 200
    assert time.perf_counter() - began < SOON_SECONDS
    growing = [{"op": "copy", "from": "/extension", "path": f"/a{n}"} for n in range(400)]
    answer = await http.patch(f"/fhir/{where}", headers=key() | PATCH, content=json.dumps(growing))
    assert answer.status_code == 422
    assert "too large" in answer.text


@pytest.fixture
def trail(hospital, monkeypatch) -> list[dict[str, Any]]:
    """The events that are written down from now on."""
    events: list[dict[str, Any]] = []
    write = hospital.auditor._record_all  # what goes to the trail

    def record(made: Any) -> None:
        events.extend(made)
        write(made)

    monkeypatch.setattr(hospital.auditor, "_record_all", record)
    return events


def patients(events: list[dict[str, Any]]) -> set[str]:
    """The patients whom events name."""
    named = (
        e["what"].get("reference", "")
        for event in events
        for e in event.get("entity", ())
        if "what" in e
    )
    return {one for one in named if one.count("/") == 1 and one.startswith("Patient/")}


@pytest.mark.parametrize(
    "query", ["Observation?patient=p01&_summary=count", "Condition?subject=Patient/p01&code=none"]
)
async def test_that_nothing_was_found_or_how_much_is_on_the_trail_of_who_was_asked_for(
    http, key, trail, query
):
    assert (await http.get(f"/fhir/{query}", headers=key())).status_code == 200
    assert patients(trail) == {"Patient/p01"}


async def test_an_empty_search_of_a_bound_app_is_on_the_trail_of_its_patient(http, key, trail):
    headers = key("patient/*.rs", "p01")
    assert (await http.get("/fhir/Condition?code=none", headers=headers)).status_code == 200
    assert patients(trail) == {"Patient/p01"}


async def test_a_conditional_read_is_on_the_trail_whatever_the_answer(http, key, trail):
    answer = await http.get("/fhir/Patient/p01", headers=key() | {"if-none-match": "*"})
    assert answer.status_code == 304
    assert patients(trail) == {"Patient/p01"}


async def test_a_create_that_finds_its_match_is_on_the_trail(http, key, trail):
    headers = key() | JSON | {"if-none-exist": "_id=p02", "prefer": "return=minimal"}
    answer = await http.post("/fhir/Patient", headers=headers, content='{"resourceType":"Patient"}')
    assert answer.status_code == 200
    assert patients(trail) == {"Patient/p02"}


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "/fhir/Patient?identifier=a"),
        ("PUT", "/fhir/Patient/new?identifier=a"),
        ("DELETE", "/fhir/Patient/p01?_cascade=delete"),
        ("GET", "/fhir/Patient/p01?name=a"),
        ("GET", "/fhir/Patient/p01/_history/1?_elements=name"),
    ],
)
async def test_a_parameter_that_would_do_nothing_is_refused(http, key, method, url):
    body = '{"resourceType":"Patient","id":"new"}' if method in {"POST", "PUT"} else None
    answer = await http.request(method, url, headers=key() | JSON, content=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert (await http.get("/fhir/Patient/p01", headers=key())).status_code == 200


async def test_a_condition_in_the_address_of_a_create_of_a_transaction_is_refused(http, key):
    request = {"method": "POST", "url": "Patient?identifier=a"}
    entry = {"resource": {"resourceType": "Patient"}, "request": request}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    answer = await http.post("/fhir", headers=key() | JSON, content=json.dumps(bundle))
    assert answer.status_code == 400


YES = {"valueBoolean": True}
DAILY = {"valueCoding": {"code": "LA6571-9", "display": "Nearly every day"}}


@pytest.mark.parametrize(
    ("question", "answer", "flagged"),
    [
        ("Do you have crushing chest pain spreading to your left arm?", YES, True),
        (
            "Do you have crushing chest pain spreading to your left arm?",
            {"valueBoolean": False},
            False,
        ),
        ("Thoughts of hurting yourself or that you would be better off dead", DAILY, True),
        (
            "Thoughts of hurting yourself or that you would be better off dead",
            {"valueCoding": {"code": "LA6568-5", "display": "Not at all"}},
            False,
        ),
        ("What is the matter?", {"valueCoding": {"display": "Crushing chest pain"}}, True),
        ("Trouble falling asleep", DAILY, False),
    ],
)
async def test_an_emergency_that_is_agreed_with_on_a_foreign_form_surfaces(
    http, key, question, answer, flagged
):
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": {"reference": "Patient/p01"},
        "item": [{"linkId": "1", "text": question, "answer": [answer]}],
    }
    sent = await http.post(
        "/fhir/QuestionnaireResponse", headers=key() | JSON, content=json.dumps(response)
    )
    assert sent.status_code == 201, sent.text
    assert ("urn:caretier:triage" in sent.text) is flagged


async def test_a_form_of_words_without_end_does_not_hold_the_writers_up(http, key):
    items = [{"linkId": str(n), "answer": [{"valueString": f"answer {n}"}]} for n in range(5_000)]
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": {"reference": "Patient/p01"},
        "item": items,
    }
    began = time.perf_counter()
    sent = await http.post(
        "/fhir/QuestionnaireResponse", headers=key() | JSON, content=json.dumps(response)
    )
    assert sent.status_code == 422
    assert "in parts" in sent.text
    assert time.perf_counter() - began < SOON_SECONDS


@pytest.mark.parametrize(("kind", "write"), [("batch", "413"), ("transaction", "201")])
async def test_a_bundle_of_many_whole_records_is_not_answered_without_end(
    http, key, monkeypatch, kind, write
):
    monkeypatch.setattr("services.fhir.rest.bundles.MAX_ANSWER", 60_000)
    reads = [{"request": {"method": "GET", "url": "Patient/p01/$everything"}}] * 5
    new = {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": kind, "entry": [*reads, new]}
    answer = await http.post("/fhir", headers=key() | JSON, content=json.dumps(bundle))
    assert answer.status_code == 200, answer.text
    told = [entry["response"] for entry in answer.json()["entry"]]
    assert [one["status"][:3] for one in told] == ["200", "200", "413", "413", "413", write]
    assert told[2]["outcome"]["issue"][0]["code"] == "too-costly"
