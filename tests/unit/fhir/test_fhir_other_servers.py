"""An address of another server is another person's, whatever its last two parts are."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.fhir.access import Access
from services.fhir.load import load_path
from services.fhir.routes import router
from services.fhir.store import FhirStore

OURS = "http://testserver/fhir"
THEIRS = "https://other.example.org/fhir"
PATIENT = {"resourceType": "Patient", "id": "p01"}


def pulse(reference: str) -> dict:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "pulse"},
        "subject": {"reference": reference},
    }


@pytest.fixture
def client(store: FhirStore):
    store.put(PATIENT)
    app = FastAPI()
    everything = Access(allows=lambda _kind, _letter: True)
    app.include_router(router(lambda: store, lambda: everything))
    with TestClient(app) as opened:
        yield opened


def found(client: TestClient) -> int:
    return client.get("/fhir/Observation?patient=p01").json()["total"]


@pytest.mark.parametrize(
    ("reference", "counts"),
    [
        ("Patient/p01", 1),
        (f"{OURS}/Patient/p01", 1),
        (f"{THEIRS}/Patient/p01", 0),
        (f"{OURS}.example.org/Patient/p01", 0),
        ("http://testserver/fhir2/Patient/p01", 0),
    ],
)
def test_only_our_own_address_leads_into_the_chart(client, store, reference, counts):
    body = pulse(reference)
    made = client.post("/fhir/Observation", json=body)
    assert made.status_code == 201, made.text
    assert found(client) == counts
    record = {r["resourceType"] for r in store.everything("p01")}
    assert ("Observation" in record) is bool(counts)
    where = made.headers["location"].partition("/_history")[0]
    client.put(where, json={**body, "id": where.rpartition("/")[2], "status": "amended"})
    patch = [{"op": "replace", "path": "/status", "value": "corrected"}]
    client.patch(where, json=patch, headers={"content-type": "application/json-patch+json"})
    assert found(client) == counts


def test_entries_of_a_transaction_are_read_the_same_way(client):
    entries = [
        {"resource": pulse(reference), "request": {"method": "POST", "url": "Observation"}}
        for reference in (f"{OURS}/Patient/p01", f"{THEIRS}/Patient/p01")
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert client.post("/fhir", json=bundle).status_code == 200
    assert found(client) == 1


def test_a_conditional_update_is_read_the_same_way(client):
    body = {**pulse(f"{OURS}/Patient/p01"), "identifier": [{"system": "urn:x", "value": "1"}]}
    assert client.put("/fhir/Observation?identifier=urn:x|1", json=body).status_code == 201
    assert found(client) == 1


def test_a_bundle_from_elsewhere_keeps_together_what_it_holds(store, tmp_path):
    entry = [
        {"fullUrl": f"{THEIRS}/Patient/q", "resource": {"resourceType": "Patient", "id": "q"}},
        {
            "fullUrl": f"{THEIRS}/Observation/o",
            "resource": {**pulse(f"{THEIRS}/Patient/q"), "id": "o"},
        },
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entry}
    (tmp_path / "bundle.json").write_text(json.dumps(bundle))
    assert load_path(store, tmp_path).rejected == []
    assert store.search("Observation", patient="q").total == 1
