"""What a person says of an answer, from their thumb to the tier that learns, and back out of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from support.exchange import DeviceKeys, an_answer

from clinic_edge.app import create as create_clinic
from clinic_edge.service import Clinic
from clinic_edge.settings import ClinicSettings
from patient_app import withdrawing
from patient_app.app import create as create_device
from patient_app.delivery import Delivery
from patient_app.disclosure import Discloser
from patient_app.member import Member
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from patient_app.vault import KdfParameters, vault
from services.consult.messages import Level, Status
from services.exchange.courier import Courier
from services.exchange.link import Link, enrol
from services.exchange.models import StoredParcel
from services.hospital.app import create as create_hospital
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.learning.models import Signal
from services.learning.signals import forget_over
from tests.support.canary import MARKS, QUIET, RECORD, WHO, leaked

BASE = "http://127.0.0.1"
CONSULT = "4f9f1c52-7f43-4f1c-9d51-5f0d2b3f8a11"
ANSWER = "Shingles begins with a rash. Zephyrine Quackenbush was seen on 1961-03-17."
NOTE = f"{WHO} My rash was on the left side."


class Nobody:
    """A consult path that nobody asks."""

    async def close(self) -> None:
        """Nothing to close."""


@dataclass
class World:
    """All three tiers, without models."""

    data: Path
    device: Device
    member: Member
    clinic: Clinic
    hospital: Hospital
    to_clinic: httpx.ASGITransport
    to_hospital: httpx.ASGITransport

    def api(self) -> httpx.AsyncClient:
        """The person's own client."""
        transport = httpx.ASGITransport(create_device(self.device.settings, self.device))
        token = (self.data / "device" / "token").read_text("utf-8").strip()
        return httpx.AsyncClient(
            transport=transport, base_url=BASE, headers={"authorization": f"Bearer {token}"}
        )

    async def say(self, **body: str) -> httpx.Response:
        """Say something of the answer."""
        async with self.api() as http:
            return await http.put(f"/api/consults/{CONSULT}/signal", json=body)

    def consents(self, *destinations: str, days: int | None = None, purpose="learning"):
        """Give a standing consent."""
        return withdrawing.give(self.member, purpose, destinations, days=days)

    async def carry(self, beats: int = 3) -> None:
        """So many beats of every courier and worker."""
        peer, above = self.clinic.keys.fingerprint, self.hospital.keys.fingerprint
        for _ in range(beats):
            line = Link(BASE, self.member.identity, peer, transport=self.to_clinic)
            await Delivery(self.member, self.device.audit, line).once()
            for row in self.clinic.intake.due("received"):
                await self.clinic._guarded(row)
            up = Link(BASE, self.clinic.keys.identity, above, transport=self.to_hospital)
            await Courier(self.clinic.intake, up, Level.HOSPITAL).once()
            for job in self.hospital.jobs.due():
                await self.hospital.do(job)
            await line.close()
            await up.close()

    def kept(self, tier: str) -> list[Signal]:
        """The signals of a tier."""
        with {"clinic": self.clinic, "hospital": self.hospital}[tier].database.reading() as session:
            return list(session.scalars(select(Signal)))

    def held(self) -> dict[str, object]:
        """What the vault holds of it."""
        return self.member.vault.get("signal", CONSULT)


@pytest.fixture
async def world(tmp_path, monkeypatch, caplog, deidentifier):
    caplog.set_level(logging.DEBUG)
    for name in QUIET:  # as in services.web.serve
        caplog.set_level(logging.WARNING, logger=name)
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(vault, "KdfParameters", lambda: cheap)
    data = tmp_path / "data"
    hospital = Hospital(HospitalSettings(data=data / "hospital"), Nobody())
    clinic = Clinic(ClinicSettings(data=data / "clinic"), Nobody())
    to_hospital = httpx.ASGITransport(create_hospital(hospital.settings, hospital))
    to_clinic = httpx.ASGITransport(create_clinic(clinic.settings, clinic))
    code = hospital.clinic_code()
    above, _ = await enrol(BASE, code, clinic.keys.bundle(), transport=to_hospital)
    (clinic.settings.data / "hospital.json").write_text(above.model_dump_json())
    device = Device(DeviceSettings(data=data / "device"), Nobody())
    device.__dict__["discloser"] = Discloser(deidentifier, device.audit)
    member = device.add("p01", "correct horse")
    member.import_record(RECORD)
    bundle = DeviceKeys(member.identity).bundle()
    parent, more = await enrol(BASE, clinic.device_code(), bundle, transport=to_clinic)
    member.link_to(BASE, parent, more[0])
    answer_given(member)
    yield World(data, device, member, clinic, hospital, to_clinic, to_hospital)
    device.lock("p01")
    await clinic.close()
    hospital.database.close()


def answer_given(member: Member, *, local_only: bool = False, status=Status.ANSWERED) -> None:
    answer = an_answer(CONSULT, text=ANSWER, tier=Level.DEVICE, status=status)
    row = {
        "question": f"{WHO} What are the symptoms of shingles?",
        "asked": "2026-11-21T10:00:00+00:00",
        "conversation": "talk",
        "answer": answer.model_dump(mode="json"),
        "local_only": local_only,
    }
    with member.vault.write() as tx:
        tx.put("consult", CONSULT, row)


async def test_without_a_consent_for_learning_nothing_leaves(world):
    world.consents("clinic", "hospital", purpose="treatment")
    assert (await world.say(verdict="wrong", note=NOTE)).json()["state"] == "kept"
    await world.carry()
    assert world.kept("clinic") == world.kept("hospital") == []
    assert world.member.vault.items("outbox") == world.member.vault.items("ledger") == []
    # A consent that comes later is for what is said from then on.
    world.consents("clinic")
    await world.carry()
    assert world.kept("clinic") == []
    assert (await world.say(verdict="wrong", note=NOTE)).json()["state"] == "queued"


@pytest.mark.parametrize("destination", ["clinic", "hospital"])
async def test_it_goes_masked_to_the_one_tier_that_the_consent_names(world, caplog, destination):
    consent = world.consents(destination, days=30)
    said = (await world.say(verdict="wrong", note=NOTE)).json()
    assert (said["state"], said["destination"]) == ("queued", destination)
    await world.carry()
    other = {"clinic": "hospital", "hospital": "clinic"}[destination]
    assert world.kept(other) == []
    (signal,) = world.kept(destination)
    assert (signal.kind, signal.consent, signal.better) == ("correction", consent.id, None)
    assert signal.expires == consent.expires
    assert "symptoms of shingles" in signal.question
    assert "begins with a rash" in (signal.worse or "")
    assert "left side" in signal.note
    assert world.held()["state"] == "sent"
    assert world.member.vault.items("outbox") == []
    (entry,) = [entry for _, entry in world.member.vault.items("ledger")]
    assert (entry["state"], entry["readers"]) == ("sent", [destination])
    assert "left side" in entry["text"]
    _nobody_is_named(world, caplog, entry["text"].encode())


def _nobody_is_named(world, caplog, ledger: bytes) -> None:
    """No sink holds an identifier: no file, log or ledger entry, nor an envelope kept too long."""
    marks = MARKS["record"]
    kept = {p: p.read_bytes() for p in world.data.rglob("*") if p.is_file()}
    assert len(kept) > 10
    assert {p.name: leaked(b, *marks) for p, b in kept.items() if leaked(b, *marks)} == {}
    logs = "\n".join(f"{r.getMessage()} {r.args!r} {r.exc_text}" for r in caplog.records)
    assert leaked(logs.encode() + ledger, *marks) == []
    assert "left side" not in logs
    for node in (world.clinic, world.hospital):
        with node.database.reading() as session:
            left = session.scalars(select(StoredParcel).where(StoredParcel.state == "answered"))
            assert {row.envelope for row in left} <= {""}


async def test_metrics_and_descriptions_know_nothing_of_it(world):
    world.consents("clinic")
    await world.say(verdict="wrong", note=NOTE)
    await world.carry()
    pages = b""
    for transport in (world.to_clinic, world.to_hospital):
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
            for path in ("/metrics", "/openapi.json", "/readyz"):
                pages += (await http.get(path)).content
    assert pages
    assert leaked(pages, *MARKS["record"], "left side", CONSULT) == []


@pytest.mark.parametrize("destination", ["clinic", "hospital"])
async def test_a_withdrawn_consent_deletes_it_at_every_tier(world, destination):
    consent = world.consents(destination)
    other = world.consents("clinic", "hospital", purpose="treatment")
    await world.say(verdict="down")
    await world.carry()
    assert len(world.kept(destination)) == 1
    withdrawing.withdraw(world.member, other.id)
    await world.carry()
    assert len(world.kept(destination)) == 1  # another decision
    withdrawing.withdraw(world.member, consent.id)
    await world.carry()
    assert world.kept(destination) == []
    assert (world.held()["state"], world.held()["consent"]) == ("kept", None)


async def test_what_was_not_carried_yet_never_leaves(world):
    consent = world.consents("clinic")
    await world.say(verdict="down")
    withdrawing.withdraw(world.member, consent.id)
    await world.carry()
    assert world.kept("clinic") == []
    assert [e["state"] for _, e in world.member.vault.items("ledger")] == ["withdrawn"]


async def test_an_envelope_that_comes_after_the_withdrawal_is_refused(world):
    consent = world.consents("clinic")
    await world.say(verdict="down")
    row = world.member.vault.items("outbox")
    await world.carry()
    withdrawing.withdraw(world.member, consent.id)
    await world.carry()
    with world.member.vault.write() as tx:  # a copy of the vault that knows nothing of it
        for id_, held in row:
            tx.put("outbox", id_, held)
        tx.put("consent", consent.id, consent.model_dump(mode="json"))
    with world.clinic.database.transaction() as session:
        session.query(StoredParcel).delete()
    await world.carry()
    assert world.kept("clinic") == []


async def test_an_answer_that_was_to_stay_keeps_what_is_said_of_it(world):
    world.consents("clinic")
    answer_given(world.member, local_only=True)
    assert (await world.say(verdict="up")).json()["state"] == "kept"
    answer_given(world.member)
    world.member.set_profile({"local_only": True})
    assert (await world.say(verdict="up")).json()["state"] == "kept"


async def test_what_has_left_cannot_be_said_otherwise_but_what_is_here_can(world):
    assert (await world.say(verdict="up")).json()["verdict"] == "up"
    assert (await world.say(verdict="down")).json()["verdict"] == "down"
    async with world.api() as http:
        path = f"/api/consults/{CONSULT}/signal"
        assert (await http.delete(path)).json() == {"deleted": True}
        assert (await http.delete(path)).status_code == 404
        world.consents("clinic")
        await world.say(verdict="up")
        assert (await http.delete(path)).status_code == 409
        assert (await http.get("/api/consults")).json()["consults"][0]["signal"]["verdict"] == "up"
    assert (await world.say(verdict="down")).json()["type"].endswith("signal-sent")
    await world.carry()
    (signal,) = world.kept("clinic")
    assert (signal.kind, signal.worse) == ("thumb", None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"verdict": "wrong"}, 422),
        ({"verdict": "wrong", "note": "  "}, 422),
        ({"verdict": "wrong", "note": "x" * 2001}, 422),
        ({"verdict": "best"}, 422),
    ],
    ids=["no note", "blank note", "long note", "no such verdict"],
)
async def test_what_makes_no_sense_is_refused(world, body, status):
    assert (await world.say(**body)).status_code == status


async def test_an_answer_that_is_none_has_nothing_said_of_it(world):
    answer_given(world.member, status=Status.ABSTAINED)
    assert (await world.say(verdict="up")).status_code == 422


async def test_erasing_a_person_takes_back_what_they_said(world, monkeypatch):
    world.consents("clinic")
    await world.say(verdict="wrong", note=NOTE)
    await world.carry()
    line = Link(
        BASE, world.member.identity, world.clinic.keys.fingerprint, transport=world.to_clinic
    )
    audit = world.device.audit
    monkeypatch.setattr(
        world.device._carrying, "_delivery", lambda member: Delivery(member, audit, line)
    )
    async with world.api() as http:
        reply = (await http.post("/api/erase", json={"confirm": "erase"})).json()
    assert reply["unlearned"] is True
    assert world.kept("clinic") == []


async def test_what_was_said_is_in_the_persons_own_export_and_names_stay_as_they_wrote_them(world):
    await world.say(verdict="wrong", note=NOTE)
    async with world.api() as http:
        bundle = (await http.get("/api/export")).json()
    said = [e["resource"] for e in bundle["entry"] if e["resource"]["id"].endswith("-said")]
    assert [one["payload"][0]["contentString"] for one in said] == [f"wrong: {NOTE}"]


async def test_what_is_over_is_deleted_by_the_schedule(world):
    world.consents("clinic", days=1)
    await world.say(verdict="down")
    await world.carry()
    with world.clinic.database.transaction() as session:
        for signal in session.scalars(select(Signal)):
            signal.expires = datetime.now(UTC) - timedelta(seconds=1)
    assert world.clinic.tidy()["clinic.signal"] == 1
    assert forget_over(world.clinic.database, datetime.now(UTC)) == 0
