"""Canaries: a person's identifiers go through the whole system, and no sink has kept them.

Device, clinic and hospital run in this process over ASGI; a question that the clinic answers and
one that a clinician signs go all the way and back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from clinic_edge.app import create as create_clinic
from clinic_edge.service import Clinic
from clinic_edge.settings import ClinicSettings
from compliance.sealing import KeyBundle
from patient_app.delivery import Delivery
from patient_app.disclosure import Discloser
from patient_app.member import Member
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from patient_app.vault import KdfParameters, vault
from services.consult.messages import Answer, Level, Status
from services.exchange.courier import Courier
from services.exchange.link import Link, enrol
from services.hospital.app import create as create_hospital
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from tests.support.canary import RECORD

CANARIES = (
    "Zephyrine",
    "Quackenbush",
    "7391846",
    "Larkspur",
    "415-555-0137",
    "4155550137",
    "zephyrine.q@example.org",
    "1961-03-17",
)
"""What identifies the person; each as it may have been written."""
SECRET = "marmalade"
"""A word of the question: its readers may see it, and no log, relay or figure."""
WHO = (
    "I am Zephyrine Quackenbush, MRN 7391846, of 482 Larkspur Hollow Lane, born 1961-03-17,"
    " phone 415-555-0137, mail zephyrine.q@example.org, and I eat marmalade."
)
FOR_CLINIC = f"{WHO} What are the symptoms of shingles?"
FOR_HOSPITAL = f"{WHO} Should I change the dose of my metformin?"
PATIENT = RECORD[0]


@dataclass
class World:
    """All three tiers, their lines, and the folder where everything lies."""

    data: Path
    device: Device
    member: Member
    clinic: Clinic
    hospital: Hospital
    to_clinic: httpx.ASGITransport
    to_hospital: httpx.ASGITransport

    async def carry(self) -> None:
        """One beat of every courier and worker."""
        peer = self.clinic.keys.fingerprint
        line = Link("http://127.0.0.1", self.member.identity, peer, transport=self.to_clinic)
        await Delivery(self.member, self.device.audit, line).once()
        for row in self.clinic.intake.due("received"):
            await self.clinic._guarded(row)
        up = Link(
            "http://127.0.0.1",
            self.clinic.keys.identity,
            self.hospital.keys.fingerprint,
            transport=self.to_hospital,
        )
        await Courier(self.clinic.intake, up, Level.HOSPITAL).once()
        for job in self.hospital.jobs.due():
            await self.hospital.do(job)
        await line.close()
        await up.close()

    async def until(self, consult: str, done: Callable[[Answer], bool]) -> Answer:
        """Carry until a consult is as wanted."""
        for _ in range(40):
            await self.carry()
            kept = self.member.vault.get("consult", consult)
            answer = Answer.model_validate(kept["answer"])
            if done(answer):
                return answer
            await asyncio.sleep(0.2)
        raise AssertionError(f"It came to no end: {answer.status}.")


@pytest.fixture
async def world(tmp_path, monkeypatch, caplog, node_of, deidentifier):
    caplog.set_level(logging.DEBUG)
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(vault, "KdfParameters", lambda: cheap)
    data = tmp_path / "data"
    hospital = Hospital(HospitalSettings(data=data / "hospital"), node_of("hospital"))
    clinic = Clinic(ClinicSettings(data=data / "clinic"), node_of("clinic"))
    to_hospital = httpx.ASGITransport(create_hospital(hospital.settings, hospital))
    to_clinic = httpx.ASGITransport(create_clinic(clinic.settings, clinic))
    code = hospital.clinic_code()
    above, _ = await enrol("http://127.0.0.1", code, clinic.keys.bundle(), transport=to_hospital)
    (clinic.settings.data / "hospital.json").write_text(above.model_dump_json())
    device = Device(DeviceSettings(data=data / "device"), node_of("device"))
    device.__dict__["discloser"] = Discloser(deidentifier, device.audit)
    member = device.add("p01", "correct horse")
    member.import_record([PATIENT])
    await _enrol_device(member, clinic, to_clinic)
    yield World(data, device, member, clinic, hospital, to_clinic, to_hospital)
    device.lock("p01")
    clinic.database.close()
    hospital.database.close()


async def _enrol_device(member: Member, clinic: Clinic, line: httpx.ASGITransport) -> None:
    from support.exchange import DeviceKeys

    bundle: KeyBundle = DeviceKeys(member.identity).bundle()
    parent, above = await enrol("http://127.0.0.1", clinic.device_code(), bundle, transport=line)
    member.link_to("http://127.0.0.1", parent, above[0])


async def send(world: World, text: str) -> Answer:
    offer = await world.device.preview(world.member, text)
    found = [c for c in CANARIES if c.lower() in offer.disclosure.text.lower()]
    assert not found
    return await asyncio.to_thread(world.device.discloser.send, world.member, offer.preview_id)


async def whole_way(world: World) -> None:
    """A question that the clinic answers, and one that a clinician signs."""
    sent = await send(world, FOR_CLINIC)
    over = {Status.ANSWERED, Status.ABSTAINED}
    first = await send(world, FOR_HOSPITAL)
    for _ in range(10):
        await world.carry()
    user = world.hospital.accounts.add_user("doc", "a long password", "Dr Test", "clinician")
    for item in world.hospital.desk.inbox():
        world.hospital.audit_read(user, item.id)
        world.hospital.desk.sign(item.id, "Please call us.", version=item.version, user=user)
    assert world.hospital.desk.counts()["signed"] >= 1
    await world.until(first.id, lambda a: a.status in over)
    await world.until(sent.id, lambda a: a.status in over)


def leaked(text: bytes, *words: str) -> list[str]:
    low = text.lower()
    return [w for w in words if w.lower().encode() in low]


def files(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


async def test_no_sink_keeps_who_the_person_is(world, caplog):
    await whole_way(world)
    kept = files(world.data)
    assert len(kept) > 10
    assert {p: leaked(b, *CANARIES) for p, b in kept.items() if leaked(b, *CANARIES)} == {}
    logs = "\n".join(f"{r.getMessage()} {r.args!r} {r.exc_text}" for r in caplog.records).encode()
    assert leaked(logs, *CANARIES, SECRET) == []


async def test_a_word_of_the_question_stands_on_the_desk_and_in_no_file(world):
    await whole_way(world)
    desk = world.hospital.desk
    shown = [desk.item(item.id).question.text for item in desk.inbox("signed")]
    assert any(SECRET in text for text in shown)  # the reader whom the preview named
    where = [p for p, b in files(world.data).items() if leaked(b, SECRET, *CANARIES)]
    assert where == []  # sealed even in the database of the desk
    assert any("audit" in p for p in files(world.data))


async def test_metrics_descriptions_and_problems_tell_nothing(world):
    await whole_way(world)
    pages = b""
    for transport in (world.to_clinic, world.to_hospital):
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            for path in (
                "/metrics",
                "/openapi.json",
                "/readyz",
                f"/v1/referrals/{SECRET}",
                f"/v1/{SECRET}?name=Quackenbush",
            ):
                pages += (await http.get(path)).content
            for body in (f'{{"code": "{WHO}"}}', f'{{"{SECRET}": 1, "bundle": "{SECRET}"', WHO):
                reply = await http.post(
                    "/v1/enrol", content=body, headers={"content-type": "application/json"}
                )
                assert reply.status_code >= 400
                pages += reply.content
            await http.request(SECRET.upper(), "/healthz")
            pages += (await http.get("/metrics")).content
    assert leaked(pages, *CANARIES, SECRET) == []


async def test_every_file_of_every_tier_is_its_users_alone(world):
    await whole_way(world)
    open_ = [
        str(p.relative_to(world.data))
        for p in world.data.rglob("*")
        if p.is_file() and p.stat().st_mode & 0o077 and world.data / "device" not in p.parents
    ]
    folders = [world.data / tier for tier in ("device", "clinic", "hospital")]
    assert {oct(f.stat().st_mode & 0o777) for f in folders} == {"0o700"}
    assert [p for p in open_ if p.endswith((".db", ".db-wal", ".db-shm", ".key", ".jsonl"))] == []


async def test_an_error_of_the_database_does_not_repeat_the_values(world):
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    with pytest.raises(SQLAlchemyError) as raised, world.hospital.database.reading() as session:
        session.execute(text("SELECT :v FROM no_such_table"), {"v": "Quackenbush"})
    assert leaked(str(raised.value).encode(), "Quackenbush") == []
