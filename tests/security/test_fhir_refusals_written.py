"""What a program may not have is on the trail, under its own name."""

from __future__ import annotations

import httpx
import pytest

from services.fhir.sandbox import generate
from services.hospital.app import create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(HospitalSettings(data=tmp_path / "hospital"))
    made.records.put_many(r for r in generate() if r["id"].startswith(("p01", "p02")))
    yield made
    made.database.close()


@pytest.fixture
def events(hospital, monkeypatch):
    kept: list[dict] = []
    monkeypatch.setattr(hospital.intake.audit, "record_all", kept.extend)
    return kept


@pytest.fixture
async def http(hospital):
    transport = httpx.ASGITransport(app=create(hospital.settings, hospital))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as opened:
        yield opened


def refused(events: list[dict]) -> list[str]:
    things = (e["entity"][0]["what"] for e in events if e["outcome"] == "8")
    return [what.get("reference") or what["identifier"]["value"] for what in things]


BATCH = {
    "resourceType": "Bundle", "type": "batch",
    "entry": [{"request": {"method": "GET", "url": "Patient/p02"}}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        (("GET", "/fhir/Patient/p02", None), "Patient/p02"),
        (("GET", "/fhir/Patient/p02/$everything", None), "Patient/p02"),
        (("GET", "/fhir/Condition?patient=p01", None), "Condition"),
        (("DELETE", "/fhir/Patient/p01", None), "Patient/p01"),
        (("POST", "/fhir", BATCH), "Patient/p02"),
    ],
)
async def test_a_refusal_names_what_was_asked_for(hospital, http, events, asked, what):
    key = hospital.accounts.new_key(
        "app", "patient/Patient.rs patient/Observation.rs", patient="p01"
    )
    events.clear()
    headers = {"authorization": f"Bearer {key}"}
    method, path, body = asked
    answer = await http.request(method, path, json=body, headers=headers)
    assert answer.status_code in {200, 403, 404}
    told = refused(events)
    assert len(told) == 1
    assert told[0].endswith(what)
    assert events[-1]["agent"]


async def test_what_is_simply_not_there_is_no_refusal_for_who_may_read_all(hospital, http, events):
    key = hospital.accounts.new_key("app", "system/*.rs")
    events.clear()
    headers = {"authorization": f"Bearer {key}"}
    assert (await http.get("/fhir/Patient/nobody", headers=headers)).status_code == 404
    assert refused(events) == []
