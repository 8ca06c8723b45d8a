"""The privacy officer's way to a person's record, and where readers were."""

from __future__ import annotations

import re

import httpx
import pytest

from services.fhir.sandbox import generate
from services.hospital.app import create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

PASSWORD = "a long enough password"


@pytest.fixture
def hospital(tmp_path, node_of):
    made = Hospital(HospitalSettings(data=tmp_path / "hospital"), node_of("hospital"))
    made.records.put_many(r for r in generate() if r["id"].startswith("p01"))
    made.accounts.add_user("pri", PASSWORD, "Pri", "privacy")
    yield made
    made.database.close()


async def test_the_officer_exports_by_number_and_their_address_is_written_down(hospital):
    transport = httpx.ASGITransport(app=create(hospital.settings, hospital))
    cookies = {"caretier_portal": hospital.accounts.sign_in("pri", PASSWORD)}
    at = "http://localhost"
    async with httpx.AsyncClient(transport=transport, base_url=at, cookies=cookies) as client:
        page = (await client.get("/portal/reviews")).text
        csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]
        asked = {"csrf": csrf, "number": "p01", "form": "json"}
        onward = await client.post("/portal/export", data=asked)
        assert onward.headers["location"] == "/portal/export/p01?form=json"
        assert (await client.get(onward.headers["location"])).json()["resourceType"] == "Bundle"
        missed = await client.post("/portal/export", data=asked | {"number": "nobody"})
        assert missed.status_code == 404
    event = hospital.intake.audit.tail(1)[0].event
    assert "127.0.0.1" in str(event["agent"])
