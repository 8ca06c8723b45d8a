"""A person's own data over the device's API: taken along, recovered, erased; each is audited."""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle
from support.balp import flaws

from compliance.errors import BadInputError
from compliance.sealing import IdentityPublic
from compliance.sealing.encoding import canonical_json, from_text
from compliance.sealing.errors import SealingError
from compliance.sealing.identity import signed_bytes
from patient_app.app import create
from patient_app.own_data import ERASURE
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from patient_app.vault import (
    VaultAnchorMissingError,
    VaultOuterKeyMissingError,
    VaultRolledBackError,
    WrongPassphraseError,
)
from patient_app.vault.anchor import anchor_folder
from patient_app.vault.outer import from_recovery

PASSPHRASE = "correct horse"
PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Ruiz"}]}


@pytest.fixture
def device(tmp_path):
    made = Device(DeviceSettings(data=tmp_path / "device"))
    made.add("ana", PASSPHRASE).import_record([PATIENT])
    yield made
    made.lock("ana")


@pytest.fixture
def ana(device):
    return device.members["ana"]


@pytest.fixture
async def http(device):
    transport = httpx.ASGITransport(create(device.settings, device))
    token = (device.settings.data / "token").read_text("utf-8").strip()
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers=headers
    ) as made:
        yield made


@pytest.mark.parametrize(
    ("query", "kind", "name"),
    [
        ("", "application/fhir+json", "caretier-export.fhir.json"),
        ("?format=fhir", "application/fhir+json", "caretier-export.fhir.json"),
        ("?format=html", "text/html", "caretier-export.html"),
        ("?format=vault", "application/json", "caretier-vault.json"),
    ],
)
async def test_an_export_is_a_file_of_its_kind_that_no_cache_keeps(http, ana, query, kind, name):
    reply = await http.get(f"/api/export{query}")
    assert reply.headers["content-type"].split(";")[0] == kind
    assert reply.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert reply.headers["cache-control"] == "no-store"
    assert "Ruiz" in reply.text
    assert ana.vault.get("keys", "identity") not in reply.text


async def test_the_fhir_export_is_a_bundle_of_the_record(http):
    bundle = (await http.get("/api/export")).json()
    Bundle.model_validate(bundle)
    assert bundle["entry"][0]["resource"] == PATIENT


async def test_the_page_is_in_the_persons_language_and_the_rows_hold_the_settings(http, ana):
    ana.set_profile({"language": "es"})
    assert "Mis datos de salud" in (await http.get("/api/export?format=html")).text
    kinds = (await http.get("/api/export?format=vault")).json()["kinds"]
    assert kinds["profile"]["me"]["language"] == "es"
    assert set(kinds) == {"brick", "profile", "record"}


async def test_an_unknown_form_is_refused_and_nothing_is_written_down(http, device):
    assert (await http.get("/api/export?format=pdf")).status_code == 422
    assert list(device.audit.export()) == []


async def test_the_recovery_text_is_the_vaults_and_is_not_cached(http, ana):
    reply = await http.post("/api/recovery")
    assert reply.json() == {"text": ana.vault.recovery_text()}
    assert from_recovery(reply.json()["text"])
    assert reply.headers["cache-control"] == "no-store"


async def test_everything_is_written_down_first_under_a_pseudonym(http, device, ana):
    person, text = ana.identity.public.fingerprint, ana.vault.recovery_text()
    assert (await http.get("/api/export")).status_code == 200
    assert (await http.post("/api/recovery")).status_code == 200
    assert (await http.post("/api/erase", json={"confirm": "erase"})).status_code == 200
    events = list(device.audit.export())
    for event in events:
        AuditEvent.model_validate(event)
        assert flaws(event) == []
    assert [event["action"] for event in events] == ["R", "R", "D"]
    assert {e["entity"][1]["what"]["identifier"]["value"] for e in events} == {person}
    assert "Ruiz" not in json.dumps(events)
    assert text not in json.dumps(events)


async def test_what_cannot_be_written_down_is_not_done(http, device):
    assert (await http.get("/api/export")).status_code == 200
    device.audit.path.unlink()
    assert (await http.get("/api/export")).status_code == 503
    assert (await http.post("/api/recovery")).status_code == 503
    assert (await http.post("/api/erase", json={"confirm": "erase"})).status_code == 503
    assert device.people() == ["ana"]
    assert "ana" in device.members


async def test_erasing_gives_a_receipt_signed_by_the_key_that_is_gone(http, device, ana):
    person, vault = ana.identity.public, ana.vault.id
    reply = (await http.post("/api/erase", json={"confirm": "erase"})).json()
    receipt = reply["receipt"]
    body = {key: value for key, value in receipt.items() if key != "signature"}
    signed = signed_bytes(ERASURE, canonical_json(body))
    IdentityPublic.from_text(receipt["device"]).verify(from_text(receipt["signature"]), signed)
    assert (receipt["device"], receipt["vault"]) == (person.to_text(), vault)
    trail = [json.loads(line) for line in device.audit.path.read_text("utf-8").splitlines()]
    assert receipt["audit"] == trail[-1]["hash"]
    assert device.people() == []
    forged = signed_bytes(ERASURE, canonical_json({**body, "vault": "other"}))
    with pytest.raises(SealingError):
        person.verify(from_text(receipt["signature"]), forged)


def moved(device, tmp_path, monkeypatch) -> Device:
    """The same vaults on another device, which has neither their outer keys nor their anchors."""
    device.lock("ana")
    settings = DeviceSettings(data=tmp_path / "other")
    shutil.copytree(device.settings.vaults, settings.vaults)
    monkeypatch.setenv("CARETIER_ANCHORS", str(tmp_path / "other-anchors"))
    return Device(settings)


def test_a_moved_vault_opens_with_its_recovery_text_once_and_then_without(
    device, ana, tmp_path, monkeypatch
):
    text = ana.vault.recovery_text()
    other = moved(device, tmp_path, monkeypatch)
    with pytest.raises(VaultOuterKeyMissingError):
        other.unlock("ana", PASSPHRASE)
    with pytest.raises(BadInputError):
        other.unlock("ana", PASSPHRASE, text[:-2])
    with pytest.raises(WrongPassphraseError):
        other.unlock("ana", "guess", text)
    assert other.unlock("ana", PASSPHRASE, text.lower()).resources() == [PATIENT]
    other.lock("ana")
    assert other.unlock("ana", PASSPHRASE).resources() == [PATIENT]
    other.lock("ana")


def test_a_recovery_text_does_not_bring_an_older_copy_back_unseen(device, ana, tmp_path):
    text, folder = ana.vault.recovery_text(), ana.vault.folder
    ana.vault.backup(tmp_path / "older")
    ana.set_profile({"country": "MX"})
    device.lock("ana")
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "older", folder)
    with pytest.raises(VaultRolledBackError):
        device.unlock("ana", PASSPHRASE, text)


def test_a_device_that_lost_its_anchor_alone_still_asks(device, ana):
    (anchor_folder() / ana.vault.id).unlink()
    device.lock("ana")
    with pytest.raises(VaultAnchorMissingError):
        device.unlock("ana", PASSPHRASE)


def previews(member) -> list[str]:
    return [id_ for id_, _ in member.vault.items("preview")]


def lay_previews(member) -> None:
    now = datetime.now(UTC)
    with member.vault.write() as tx:
        for id_, hours in (("old", 25), ("young", 23)):
            tx.put("preview", id_, {"made": (now - timedelta(hours=hours)).isoformat()})


def test_unlocking_deletes_what_is_over(device, ana):
    lay_previews(ana)
    device.lock("ana")
    assert previews(device.unlock("ana", PASSPHRASE)) == ["young"]


async def test_an_open_vault_is_tidied_every_hour_and_one_that_fails_holds_up_no_other(
    device, ana, monkeypatch
):
    ana.vault.close()
    bo = device.add("bo", PASSPHRASE)
    lay_previews(bo)
    naps = []

    async def nap(seconds):
        naps.append(seconds)
        if len(naps) > 1:
            raise asyncio.CancelledError

    monkeypatch.setattr("patient_app.service.asyncio.sleep", nap)
    with pytest.raises(asyncio.CancelledError):
        await device.tidy_loop()
    assert naps == [3600.0, 3600.0]
    assert previews(bo) == ["young"]
    device.lock("bo")
