"""What the server's frame refuses is said in FHIR on FHIR addresses, and nowhere else."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient

from services.fhir.access import Access
from services.fhir.outcome import as_outcome
from services.fhir.routes import router, unmatched
from services.fhir.store import FhirStore
from services.web.app import create_app


@contextmanager
def served(store):
    app = create_app("x", ready=dict, limit=1000, large={"/fhir": 2000}, dress=as_outcome)
    app.include_router(router(lambda: store, lambda: Access(allows=lambda _k, _l: True)))
    app.include_router(unmatched())
    with TestClient(
        app, "http://localhost", headers={"content-type": "application/fhir+json"}
    ) as client:
        yield client


def outcome(response):
    assert response.headers["content-type"].startswith("application/fhir+json")
    body = response.json()
    assert body["resourceType"] == "OperationOutcome"
    return response.status_code, body["issue"][0]["code"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read(store: FhirStore):
    with served(store) as client:
        assert outcome(client.post("/fhir/Patient", content="x" * 1001)) == (413, "too-long")
        assert outcome(client.post("/fhir", content=b"x" * 2001)) == (413, "too-long")
        assert outcome(client.post("/fhir", content=b"x" * 2000))[0] == 400
        parts = iter([b"x" * 900, b"x" * 900])
        assert outcome(client.post("/fhir/Patient", content=parts)) == (413, "too-long")
        elsewhere = client.post("/elsewhere", content="x" * 1001)
        assert elsewhere.headers["content-type"] == "application/problem+json"


def test_what_nobody_expected_tells_nothing_of_itself(store: FhirStore, monkeypatch):
    def fail(*_args):
        raise RuntimeError("Zebediah")

    with served(store) as client:
        monkeypatch.setattr(FhirStore, "version", fail)
        response = client.get("/fhir/Patient/p")
        assert outcome(response) == (500, "exception")
        assert "Zebediah" not in response.text


@pytest.mark.parametrize("host", ["evil.example.org"])
def test_another_host_name_is_refused_in_fhir_too(store: FhirStore, host):
    with served(store) as client:
        assert outcome(client.get("/fhir/metadata", headers={"host": host}))[0] == 400
