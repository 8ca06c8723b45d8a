"""Writes over FHIR at the hospital: with a key that may, on the trail before they count."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.balp import PREFIX, flaws

from compliance.audit import AuditError
from services.fhir.sandbox import generate
from services.hospital.app import create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings


class Trail:
    """Keeps events; fails as told."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.fails = False

    def record_all(self, events: list[dict[str, Any]]) -> None:
        if self.fails:
            raise AuditError("The audit trail cannot be written.")
        self.events.extend(events)

    def profiles(self) -> list[str]:
        claimed = [e.get("meta", {}).get("profile", [""])[0] for e in self.events]
        return [profile.removeprefix(PREFIX) for profile in claimed]


@pytest.fixture
def hospital(tmp_path, node_of):
    made = Hospital(HospitalSettings(data=tmp_path / "hospital"), node_of("hospital"))
    made.records.put_many(generate())
    made.intake.audit = Trail()
    yield made
    made.database.close()


@pytest.fixture
async def client(hospital):
    key = hospital.accounts.new_key("lab", "system/*.cruds")
    hospital.intake.audit.events.clear()
    transport = httpx.ASGITransport(app=create(hospital.settings, hospital))
    headers = {"authorization": f"Bearer {key}", "content-type": "application/fhir+json"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as opened:
        yield opened


OBSERVATION = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "code": {"text": "x"},
    "subject": {"reference": "Patient/p01"},
}


async def test_each_write_is_on_the_trail_by_its_pattern(client, hospital):
    trail = hospital.intake.audit
    for body in (OBSERVATION, {**OBSERVATION, "status": "amended"}):
        assert (await client.put("/fhir/Observation/o", json=body)).is_success
    assert (await client.delete("/fhir/Observation/o")).status_code == 204
    basic = {"resourceType": "Basic", "code": {"text": "x"}}
    assert (await client.post("/fhir/Basic", json=basic)).status_code == 201
    assert trail.profiles() == ["PatientCreate", "PatientUpdate", "PatientDelete", "Create"]
    assert [flaw for event in trail.events for flaw in flaws(event)] == []


async def test_a_history_is_on_the_trail_for_each_person_in_it(client, hospital):
    for path in ("_history?_count=3", "Patient/_history?_count=3", "Patient/p01/_history"):
        hospital.intake.audit.events.clear()
        answer = await client.get(f"/fhir/{path}")
        assert answer.status_code == 200
        assert hospital.intake.audit.events
        assert {e["subtype"][0]["code"] for e in hospital.intake.audit.events} == {"history"}


async def test_what_cannot_be_written_down_is_not_written(client, hospital):
    before = hospital.records.entry("Patient", "p01")
    hospital.intake.audit.fails = True
    for answer in (
        await client.put("/fhir/Observation/o", json=OBSERVATION),
        await client.delete("/fhir/Patient/p01"),
        await client.get("/fhir/Patient/p01/_history"),
    ):
        assert answer.status_code == 503
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert hospital.records.entry("Patient", "p01") == before
    assert hospital.records.entry("Observation", "o") is None
