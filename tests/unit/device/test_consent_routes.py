"""Consents over the device's API: given for a purpose, withdrawn, and given out as FHIR."""

from __future__ import annotations

import httpx
import pytest
from fhir.resources.R4B.bundle import Bundle

from patient_app.app import create
from patient_app.service import Device
from patient_app.settings import DeviceSettings

PASSPHRASE = "correct horse"
GIVEN = {"purpose": "research", "destinations": ["hospital"], "days": 30}


@pytest.fixture
def device(tmp_path):
    made = Device(DeviceSettings(data=tmp_path / "device"))
    made.add("ana", PASSPHRASE)
    yield made
    made.lock("ana")


@pytest.fixture
async def http(device):
    transport = httpx.ASGITransport(create(device.settings, device))
    token = (device.settings.data / "token").read_text("utf-8").strip()
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers=headers
    ) as made:
        yield made


async def test_a_consent_is_given_for_one_purpose_withdrawn_and_exported_as_fhir(http):
    given = (await http.post("/api/consent", json=GIVEN)).json()
    assert (given["purpose"], given["destinations"], given["version"]) == (
        "research",
        ["hospital"],
        1,
    )
    assert given["expires"] is not None
    withdrawn = await http.post(f"/api/consent/{given['id']}/withdraw")
    assert withdrawn.json()["consents"][0]["version"] == 2
    bundle = (await http.get("/api/consent/fhir")).json()
    Bundle.model_validate(bundle)
    assert [e["resource"]["status"] for e in bundle["entry"]] == ["inactive"]
    whole = (await http.get("/api/export")).json()
    assert [e["resource"]["id"] for e in whole["entry"]] == ["me", given["id"]]


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": "marketing"},
        {"destinations": []},
        {"destinations": ["device"]},
        {"days": 0},
        {"days": 99999},
        {"standing": False},
    ],
    ids=lambda change: "-".join(f"{k}={v}" for k, v in change.items()),
)
async def test_what_is_no_consent_is_refused_and_nothing_is_kept(http, change):
    reply = await http.post("/api/consent", json=GIVEN | change)
    assert reply.status_code == 422
    assert (await http.get("/api/consent")).json() == {"consents": []}
