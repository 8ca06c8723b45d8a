"""``$de-identify`` over HTTP: whom it answers, with whose pseudonyms, and what it writes down."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient

from compliance.deidentify import Deidentifier
from compliance.deidentify.fhir import FhirDeidentifier
from compliance.deidentify.pseudonyms import StudyKey
from services.fhir.access import Access, Disclosure
from services.fhir.deidentify import router
from services.fhir.routes import router as read_router
from services.fhir.sandbox import SANDBOX_DAY, generate
from services.fhir.store import FhirStore
from services.fhir.validate import check

KEY = StudyKey.from_root(bytes(32), "asthma")
RECORDS = [r for r in generate() if not r["id"].startswith("p") or r["id"][:3] in {"p01", "p13"}]


@pytest.fixture(scope="session")
def study(deidentifier: Deidentifier) -> FhirDeidentifier:
    return FhirDeidentifier(deidentifier, KEY, today=SANDBOX_DAY)


@pytest.fixture
def disclosed() -> list[Disclosure]:
    return []


@pytest.fixture
def client(
    store: FhirStore,
    study: FhirDeidentifier,
    deidentifier: Deidentifier,
    disclosed: list[Disclosure],
) -> Iterator[TestClient]:
    store.put_many(RECORDS)

    def authorise(request: Request) -> Access:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            raise HTTPException(401, "a token is needed")
        patient = token.removeprefix("patient:") if token.startswith("patient:") else None
        return Access(patient, whole=token != "part", disclose=disclosed.append)

    def once() -> FhirDeidentifier:
        key = StudyKey.from_root(secrets.token_bytes(32), "once")
        return FhirDeidentifier(deidentifier, key, today=SANDBOX_DAY)

    app = FastAPI()
    app.include_router(router(lambda: store, authorise, study=lambda: study, once=once))
    app.include_router(read_router(lambda: store, authorise))
    with TestClient(app, headers={"authorization": "Bearer all"}) as opened:
        yield opened


def resources(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle.get("entry", [])]


def test_a_record_is_given_out_under_pseudonyms_and_written_down(
    client: TestClient, disclosed: list[Disclosure]
):
    response = client.get("/fhir/Patient/p01/$de-identify")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/fhir+json")
    assert response.headers["cache-control"] == "no-store"
    bundle = response.json()
    check({**bundle, "id": "x"})
    kinds = [r["resourceType"] for r in resources(bundle)]
    whole = resources(client.get("/fhir/Patient/p01/$everything").json())
    assert kinds == [r["resourceType"] for r in whole]
    assert resources(bundle)[0]["id"] == KEY.pseudonym("patient", "Patient/p01")
    assert "Whitcombe" not in response.text
    assert disclosed[0] == Disclosure(
        "de-identify", "Patient/p01/$de-identify", ("p01",), entries=len(whole)
    )


def test_digits_of_a_decimal_are_kept(client: TestClient, store: FhirStore):
    store.put(
        '{"resourceType":"Observation","id":"exact","status":"final","code":{"text":"x"},'
        '"subject":{"reference":"Patient/p13"},"valueQuantity":{"value":1.50}}'
    )
    assert '"value":1.50' in client.get("/fhir/Patient/p13/$de-identify").text


@pytest.mark.parametrize(
    ("token", "path", "status"),
    [
        ("", "/fhir/Patient/p01/$de-identify", 401),
        ("patient:p02", "/fhir/Patient/p01/$de-identify", 404),
        ("part", "/fhir/Patient/p01/$de-identify", 403),
        ("all", "/fhir/Patient/nobody/$de-identify", 404),
        ("all", "/fhir/Patient/%20/$de-identify", 404),
    ],
)
def test_who_may_not_read_a_record_may_not_have_it_de_identified(
    client: TestClient, disclosed: list[Disclosure], token: str, path: str, status: int
):
    headers = {"authorization": f"Bearer {token}" if token else ""}
    assert client.get(path, headers=headers).status_code == status
    assert disclosed == []


def test_nothing_is_given_out_when_it_cannot_be_written_down(
    store: FhirStore, study: FhirDeidentifier
):
    store.put_many(RECORDS)

    def refuse(_: Disclosure) -> None:
        raise HTTPException(503, "no audit")

    app = FastAPI()
    app.include_router(
        router(
            lambda: store,
            lambda: Access(disclose=refuse),
            study=lambda: study,
            once=study.__class__,
        )
    )
    with TestClient(app) as client:
        assert client.get("/fhir/Patient/p01/$de-identify").status_code == 503


def test_a_server_without_a_study_says_so(store: FhirStore, study: FhirDeidentifier):
    store.put_many(RECORDS)
    app = FastAPI()
    app.include_router(router(lambda: store, Access, study=lambda: None, once=lambda: study))
    with TestClient(app) as client:
        assert client.get("/fhir/Patient/p01/$de-identify").status_code == 501


def test_a_body_never_gets_the_pseudonyms_of_the_study(client: TestClient):
    patient = {"resourceType": "Patient", "id": "p01", "name": [{"family": "Whitcombe"}]}
    one, two = (client.post("/fhir/$de-identify", json=patient).json() for _ in range(2))
    ids = [resources(bundle)[0]["id"] for bundle in (one, two)]
    assert ids[0] != ids[1]
    assert KEY.pseudonym("patient", "Patient/p01") not in ids


def test_a_posted_bundle_comes_back_with_notes_of_what_was_left_out(client: TestClient):
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"resource": {"resourceType": "Basic", "id": "b", "code": {"text": "Whitcombe"}}},
            {"resource": {"resourceType": "Patient", "id": "p", "name": [{"family": "Whitcombe"}],
                          "photo": [{"title": "Whitcombe"}]}},
        ],
    }  # fmt: skip
    response = client.post("/fhir/$de-identify", json=bundle)
    patient, outcome = resources(response.json())
    assert patient["resourceType"] == "Patient"
    said = {i["expression"][0]: i["diagnostics"] for i in outcome["issue"]}
    assert said == {
        "Basic": "withheld: may hold anything (1)",
        "Patient.photo": "dropped (1)",
    }
    assert "hitcombe" not in response.text
    check({**response.json(), "id": "x"})


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"\xff", b'{"resourceType": 1}', b"[" * 100_000,
     b'{"resourceType":"Bundle","entry":{}}', b'{"resourceType":"Bundle","entry":[NaN]}',
     b'{"resourceType":"Bundle","entry":[{"resource":{"x":1}}]}'],
    ids=lambda body: str(body[:60]),
)  # fmt: skip
def test_a_body_that_is_no_resource_is_refused(client: TestClient, body: bytes):
    response = client.post("/fhir/$de-identify", content=body)
    assert response.status_code == 422
    assert response.json()["resourceType"] == "OperationOutcome"


def test_an_empty_bundle_stays_one(client: TestClient):
    response = client.post("/fhir/$de-identify", json={"resourceType": "Bundle", "type": "batch"})
    assert response.json() == {"resourceType": "Bundle", "type": "batch"}
