"""The REST surface: what it serves, whom it refuses, and how it says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient

from services.fhir.routes import Access, router
from services.fhir.sandbox import generate
from services.fhir.store import FhirStore
from services.fhir.validate import check, resource_types


def authorise(request: Request) -> Access | None:
    """Let everybody with a token in; a token ``patient:ID`` sees that person only."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not token:
        raise HTTPException(401, "a token is needed", {"WWW-Authenticate": "Bearer"})
    return Access(token.removeprefix("patient:")) if token.startswith("patient:") else None


@pytest.fixture
def client(store: FhirStore) -> Iterator[TestClient]:
    store.put_many(generate())
    app = FastAPI()
    app.include_router(router(lambda: store, authorise))
    with TestClient(app, headers={"authorization": "Bearer all"}) as opened:
        yield opened


def references(bundle: dict[str, Any]) -> list[str]:
    return [
        f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle.get("entry", [])
    ]


def test_metadata_is_open_and_says_what_is_there(client: TestClient):
    response = client.get("/fhir/metadata", headers={"authorization": ""})
    assert response.headers["content-type"].startswith("application/fhir+json")
    statement = response.json()
    assert statement["fhirVersion"] == "4.0.1"
    check({**statement, "id": "x"})
    listed = {r["type"]: r for r in statement["rest"][0]["resource"]}
    assert set(listed) == resource_types()
    assert listed["Patient"]["operation"][0]["name"] == "everything"


def test_a_resource_is_read_as_it_came_with_its_version(client: TestClient, store: FhirStore):
    text = (
        '{"resourceType":"Observation","id":"exact","status":"final",'
        '"code":{"text":"x"},"valueQuantity":{"value":1.50}}'
    )
    store.put(text)
    response = client.get("/fhir/Observation/exact")
    assert response.text == text
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["last-modified"].endswith("GMT")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/fhir/Patient/nobody", 404, "not-found"),
        ("/fhir/Nonsense/x", 404, "not-found"),
        ("/fhir/Nonsense", 404, "not-found"),
        ("/fhir/Patient/nobody/$everything", 404, "not-found"),
        ("/fhir/Patient/%20/$everything", 404, "not-found"),
        ("/fhir/Observation?patiant=p01", 400, "invalid"),
        ("/fhir/Observation?patient=", 400, "invalid"),
        ("/fhir/Observation?_count=1&_count=2", 400, "invalid"),
        ("/fhir/Observation?_count=many", 400, "invalid"),
        ("/fhir/Observation?_count=-1", 400, "invalid"),
        ("/fhir/Observation?patient=a%20b", 400, "invalid"),
    ],
)
def test_refusals_are_operation_outcomes(client: TestClient, path, status, code):
    response = client.get(path)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("application/fhir+json")
    outcome = response.json()
    check({**outcome, "id": "x"})
    assert outcome["issue"][0]["code"] == code


def test_without_authority_nothing_is_shown(client: TestClient):
    for path in ("/fhir/Patient/p01", "/fhir/Patient", "/fhir/Patient/p01/$everything"):
        response = client.get(path, headers={"authorization": ""})
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["issue"][0]["code"] == "login"


def test_a_search_is_walked_by_its_next_links(client: TestClient):
    url, found = "/fhir/Observation?patient=p01&_count=6", []
    while url:
        bundle = client.get(url).json()
        assert bundle["type"] == "searchset"
        found += references(bundle)
        url = next((k["url"] for k in bundle["link"] if k["relation"] == "next"), None)
    assert len(found) == len(set(found)) == bundle["total"]
    assert "Observation/p01-a1c-3" in found
    check({**bundle, "id": "x"})


def test_a_search_without_matches_is_a_bundle_without_entries(client: TestClient):
    bundle = client.get("/fhir/Observation?patient=nobody").json()
    assert bundle["total"] == 0
    assert "entry" not in bundle


def test_a_search_by_id_code_and_identifier(client: TestClient):
    assert references(client.get("/fhir/Patient?_id=p02,p01,zzz").json()) == [
        "Patient/p01",
        "Patient/p02",
    ]
    bundle = client.get("/fhir/Observation?patient=p01&code=http://loinc.org|4548-4").json()
    assert bundle["total"] == 3
    number = client.get("/fhir/Patient/p01").json()["identifier"][0]
    query = f"{number['system']}|{number['value']}"
    assert references(client.get("/fhir/Patient", params={"identifier": query}).json()) == [
        "Patient/p01"
    ]


def test_everything_is_the_whole_record(client: TestClient):
    bundle = client.get("/fhir/Patient/p07/$everything").json()
    found = references(bundle)
    assert found[0] == "Patient/p07"
    assert {"AllergyIntolerance/p07-penicillin", "Practitioner/dr-haverford"} <= set(found)
    assert bundle["total"] == len(found)
    check({**bundle, "id": "x"})


def test_a_caller_with_one_patients_access_sees_that_patient_only(client: TestClient):
    client.headers["authorization"] = "Bearer patient:p07"
    assert client.get("/fhir/Patient/p07").status_code == 200
    assert client.get("/fhir/AllergyIntolerance/p07-penicillin").status_code == 200
    assert client.get("/fhir/Practitioner/dr-haverford").status_code == 200
    assert client.get("/fhir/Patient/p07/$everything").status_code == 200
    assert references(client.get("/fhir/Patient").json()) == ["Patient/p07"]
    for path in (
        "/fhir/Patient/p01", "/fhir/Observation/p01-a1c-3", "/fhir/Practitioner/dr-okafor",
        "/fhir/Patient/p01/$everything", "/fhir/Observation?patient=p01",
    ):  # fmt: skip
        assert client.get(path).status_code == 404, path
    found = references(client.get("/fhir/Observation?_count=500").json())
    assert found
    assert all(reference.startswith("Observation/p07-") for reference in found)
