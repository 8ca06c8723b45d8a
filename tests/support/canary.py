"""A journey of marked words through the whole system, and everything that it leaves behind.

    evidence = asyncio.run(travel(folder, node_of, deidentifier))
    leaked(evidence["logs"], "Zephyrine")          # [] where nothing of it is there

Each way into the system has marks of its own, so that what is found somewhere tells how it got
there. Device, clinic and hospital run in this process; every byte between them, every request to a
model's server and everything written to logs is kept; the queue is a real Redis without a worker,
so that what a task is given can be read there.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import redis
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from support.exchange import DeviceKeys

from clinic_edge.app import create as create_clinic
from clinic_edge.service import Clinic
from clinic_edge.settings import ClinicSettings
from compliance.deidentify import Deidentifier
from patient_app.app import create as create_device
from patient_app.delivery import Delivery
from patient_app.disclosure import Discloser
from patient_app.member import Member
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from services.cli.processes import redis_child, wait_port
from services.consult.ground import Grounder, Material
from services.consult.messages import Fact, Level, Question
from services.consult.node import Node
from services.engines.http import HttpEngine
from services.engines.protocol import Authoring
from services.engines.settings import models_folder
from services.exchange.courier import Courier
from services.exchange.link import Link, enrol
from services.hospital.app import create as create_hospital
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

BASE = "http://127.0.0.1"
QUIET = ("httpx", "presidio-analyzer", "alembic")
JSON = {"content-type": "application/json"}

MARKS: dict[str, tuple[str, ...]] = {
    "record": (
        *("Zephyrine", "Quackenbush", "7391846", "Larkspur", "415-555-0137", "4155550137"),
        *("zephyrine.q@example.org", "1961-03-17", "Thessaly", "Fennimore", "SN88213KQ"),
        "XQ7719302",
    ),
    "history": ("628-555-0171", "6285550171", "thessaly.home@example.org"),
    "words": ("marmalade",),
    "reply": ("Thistlewood",),
    "chat": ("Persimmon", "Gallowglass", "510-555-0144"),
    "fhir": ("Hollingsberry", "5522817"),
    "fhir body": ("Ravensdale", "9924417"),
    "bad-input": ("Umberquist", "3310-7742"),
}
"""What is looked for, by the way in. ``words`` is what the patient lets the hospital read."""

RECORD: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "7391846",
        "identifier": [{"system": "urn:mrn", "value": "7391846"}],
        "name": [{"family": "Quackenbush", "given": ["Zephyrine"]}],
        "telecom": [
            {"system": "phone", "value": "415-555-0137"},
            {"system": "email", "value": "zephyrine.q@example.org"},
        ],
        "address": [{"line": ["482 Larkspur Hollow Lane"], "city": "Springfield"}],
        "birthDate": "1961-03-17",
        "gender": "female",
    },
    {
        "resourceType": "RelatedPerson",
        "id": "r1",
        "patient": {"reference": "Patient/7391846"},
        "name": [{"given": ["Thessaly"], "family": "Quackenbush"}],
        "telecom": [
            {"system": "phone", "value": "628-555-0171"},
            {"system": "email", "value": "thessaly.home@example.org"},
        ],
    },
    {
        "resourceType": "Practitioner",
        "id": "d1",
        "name": [{"given": ["Ignatius"], "family": "Fennimore", "prefix": ["Dr."]}],
    },
    {
        "resourceType": "Coverage",
        "id": "c1",
        "status": "active",
        "beneficiary": {"reference": "Patient/7391846"},
        "subscriberId": "XQ7719302",
        "payor": [{"display": "Health plan"}],
    },
    {
        "resourceType": "Device",
        "id": "v1",
        "patient": {"reference": "Patient/7391846"},
        "serialNumber": "SN88213KQ",
    },
    {
        "resourceType": "MedicationStatement",
        "id": "m1",
        "status": "active",
        "subject": {"reference": "Patient/7391846"},
        "medicationCodeableConcept": {"text": "metformin 500 mg"},
    },
]
WHO = (
    "I am Zephyrine Quackenbush, MRN 7391846, of 482 Larkspur Hollow Lane, born 1961-03-17, phone"
    " 415-555-0137, mail zephyrine.q@example.org, plan XQ7719302, pump serial SN88213KQ, patient of"
    " Dr. Fennimore, and I eat marmalade."
)
EARLIER = (
    "My daughter Thessaly, 628-555-0171, thessaly.home@example.org, had shingles. What is shingles?"
)
FOR_CLINIC = f"{WHO} What are the symptoms of shingles?"
FOR_HOSPITAL = f"{WHO} Should I change the dose of my metformin?"
ANSWERABLE = "What are the symptoms of shingles?"
CHAT = "I am Persimmon Gallowglass, 510-555-0144. What are the symptoms of asthma?"
AT_THE_HOSPITAL = {
    "resourceType": "Patient",
    "id": "h1",
    "identifier": [{"system": "urn:mrn", "value": "5522817"}],
    "name": [{"family": "Hollingsberry", "given": ["Aurelian"]}],
    "gender": "male",
}
BODY = {
    "resourceType": "Patient",
    "id": "b1",
    "identifier": [{"system": "urn:mrn", "value": "9924417"}],
    "name": [{"family": "Ravensdale", "given": ["Ottoline"]}],
    "gender": "female",
}
BAD = "Umberquist 3310-7742"


class Wire(httpx.AsyncBaseTransport):
    """Carries calls and keeps every byte of them, there and back."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner, self.seen = inner, bytearray()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        self.seen += f"{request.method} {request.url}\n".encode()
        self.seen += b"".join(name + b": " + value + b"\n" for name, value in request.headers.raw)
        reply = await self._inner.handle_async_request(request)
        answer = await reply.aread()
        self.seen += body + b"\n" + answer + b"\n"
        self.seen += b"".join(name + b": " + value + b"\n" for name, value in reply.headers.raw)
        return httpx.Response(reply.status_code, headers=reply.headers, content=answer)


class Log(logging.Handler):
    """Keeps everything that is logged, with all that a formatter could print of it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self.seen.append(f"{record.name} {record.getMessage()} {record.__dict__!r} {trace}")


@dataclass
class Journey:
    """The three tiers and what listens to them."""

    data: Path
    member: Member
    device: Device
    clinic: Clinic
    hospital: Hospital
    apps: dict[str, FastAPI]
    wires: dict[str, Wire]
    screens: bytearray = field(default_factory=bytearray)
    desk: bytearray = field(default_factory=bytearray)

    def http(self, tier: str, **headers: str) -> httpx.AsyncClient:
        """A caller of one tier, as a browser or program would be."""
        transport = httpx.ASGITransport(self.apps[tier], raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)

    async def carry(self) -> None:
        """One beat of every courier and worker."""
        peer = self.clinic.keys.fingerprint
        line = Link(BASE, self.member.identity, peer, transport=self.wires["device-clinic"])
        await Delivery(self.member, self.device.audit, line).once()
        for row in self.clinic.intake.due("received"):
            await self.clinic._guarded(row)
        up = Link(
            BASE,
            self.clinic.keys.identity,
            self.hospital.keys.fingerprint,
            transport=self.wires["clinic-hospital"],
        )
        await Courier(self.clinic.intake, up, Level.HOSPITAL).once()
        for job in self.hospital.jobs.due():
            await self.hospital.do(job)
        await line.close()
        await up.close()


class Sure(Grounder):
    """Finds the same good material for every question, so that an engine is always asked."""

    def ground(self, question: Question, facts: tuple[Fact, ...] = ()) -> Material:
        plain = question.model_copy(update={"text": ANSWERABLE, "history": ()})
        return super().ground(plain, facts)


def echoing(seen: bytearray) -> FastAPI:
    """A model's server that keeps what it is asked and says it back, the worst that one can do."""
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> StreamingResponse:
        body = await request.body()
        seen.extend(body)
        said = json.loads(body)["messages"][-1]["content"]

        async def stream() -> AsyncIterator[str]:
            for line in said.splitlines():
                yield f"data: {json.dumps({'choices': [{'delta': {'content': f'{line}. '}}]})}\n\n"
            yield "data: [DONE]\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream")

    return app


def with_engine(node: Node, seen: bytearray) -> Node:
    """A node of the same knowledge whose engine may write, and keeps what it is asked."""
    transport = httpx.ASGITransport(echoing(seen))
    engine = HttpEngine(f"{BASE}/v1", "echo", authoring=Authoring.AUTHOR, transport=transport)
    return Node(node.level, node.triage, node.index, engine, grounder=Sure(node.index))


async def travel(
    folder: Path, node_of: Callable[[str], Node], deidentifier: Deidentifier
) -> dict[str, bytes]:
    """Send every marked word on its way; returns what is left behind, by sink."""
    log, engines = Log(), {"clinic": bytearray(), "hospital": bytearray()}
    cached = _files(models_folder())
    with _listening(log), _redis(folder) as (broker, queue):
        journey = await _start(folder / "data", queue, node_of, deidentifier, engines)
        try:
            await _ask(journey)
            await _hospital(journey)
            problems = await _wrong(journey)
            metrics = await _pages(
                journey, "/metrics", "/openapi.json", "/readyz", "/fhir/metadata"
            )
            tasks = _tasks(broker)
            backups = _backups(journey, folder / "backups")
        finally:
            journey.device.lock("p01")
            journey.clinic.database.close()
            journey.hospital.database.close()
    written = _files(folder / "data")
    new = {p: b for p, b in _files(models_folder()).items() if cached.get(p) != b}
    return {
        "device files": _joined(written, "device"),
        "clinic files": _joined(written, "clinic"),
        "hospital files": _joined(written, "hospital"),
        "audit": b"".join(b for p, b in written.items() if "audit" in Path(p).parts),
        "logs": "\n".join(log.seen).encode("utf-8", "replace"),
        "metrics and descriptions": metrics,
        "problems": problems,
        "caches": _joined(new),
        **backups,
        "device-clinic wire": bytes(journey.wires["device-clinic"].seen),
        "clinic-hospital wire": bytes(journey.wires["clinic-hospital"].seen),
        **{f"{tier} engine": bytes(seen) for tier, seen in engines.items()},
        "queue": tasks,
        "screens": bytes(journey.screens),
        "desk": bytes(journey.desk),
    }


async def _start(
    data: Path,
    queue: str,
    node_of: Callable[[str], Node],
    deidentifier: Deidentifier,
    engines: Mapping[str, bytearray],
) -> Journey:
    hospital = Hospital(
        HospitalSettings(data=data / "hospital", redis=queue, treatment_relation="off"),
        with_engine(node_of("hospital"), engines["hospital"]),
    )
    clinic = Clinic(
        ClinicSettings(data=data / "clinic"), with_engine(node_of("clinic"), engines["clinic"])
    )
    device = Device(DeviceSettings(data=data / "device"), node_of("device"))
    device.__dict__["discloser"] = Discloser(deidentifier, device.audit)
    apps = {
        "device": create_device(device.settings, device),
        "clinic": create_clinic(clinic.settings, clinic),
        "hospital": create_hospital(hospital.settings, hospital),
    }
    wires = {
        "device-clinic": Wire(httpx.ASGITransport(apps["clinic"])),
        "clinic-hospital": Wire(httpx.ASGITransport(apps["hospital"])),
    }
    code = hospital.clinic_code()
    up = wires["clinic-hospital"]
    above, _ = await enrol(BASE, code, clinic.keys.bundle(), transport=up)
    (clinic.settings.data / "hospital.json").write_text(above.model_dump_json())
    member = device.add("p01", "correct horse")
    keys, down = DeviceKeys(member.identity).bundle(), wires["device-clinic"]
    parent, more = await enrol(BASE, clinic.device_code(), keys, transport=down)
    member.link_to(BASE, parent, more[0])
    return Journey(data, member, device, clinic, hospital, apps, wires)


async def _ask(journey: Journey) -> None:
    """Import the record, ask in one conversation, send to clinic and hospital."""
    token = (journey.data / "device" / "token").read_text("utf-8").strip()
    async with journey.http("device", authorization=f"Bearer {token}") as http:
        reply = await http.post("/api/record", content=json.dumps(RECORD), headers=JSON)
        assert reply.json() == {"imported": len(RECORD)}
        talk = "conversation-1"
        await http.post(
            "/api/ask", json={"text": EARLIER, "conversation": talk, "local_only": True}
        )
        for text in (FOR_CLINIC, FOR_HOSPITAL):
            offer = await http.post("/api/preview", json={"text": text, "conversation": talk})
            assert offer.is_success, offer.text
            journey.screens += offer.json()["disclosure"]["text"].encode()
            preview = offer.json()["preview_id"]
            assert (await http.post(f"/api/send/{preview}", json={})).is_success
    for _ in range(10):
        await journey.carry()
        await asyncio.sleep(0.15)


async def _hospital(journey: Journey) -> None:
    """Sign a reply, chat, load a record and look it up."""
    hospital = journey.hospital
    user = hospital.accounts.add_user("doc", "a long password", "Dr Test", "clinician")
    items = hospital.desk.inbox()
    assert items
    for item in items:
        hospital.audit_read(user, item.id)
        journey.desk += hospital.desk.item(item.id).question.model_dump_json().encode()
        text = "Please keep your dose and ask for Mr Thistlewood at the desk."
        hospital.desk.sign(item.id, text, version=item.version, user=user)
        journey.desk += text.encode()
    for _ in range(12):
        await journey.carry()
        await asyncio.sleep(0.3)
    told = [kept["answer"]["text"] for _, kept in journey.member.vault.items("consult")]
    journey.screens += "\n".join(told).encode()
    hospital.records.put(AT_THE_HOSPITAL)
    key = hospital.accounts.new_key("ehr", "system/*.rs chat")
    async with journey.http("hospital", authorization=f"Bearer {key}") as http:
        said = {"model": "caretier", "messages": [{"role": "user", "content": CHAT}]}
        assert (await http.post("/v1/chat/completions", json=said)).is_success
        streamed = await http.post("/v1/chat/completions", json={**said, "stream": True})
        assert streamed.is_success
        found = await http.get("/fhir/Patient", params={"identifier": "urn:mrn|5522817"})
        assert "Hollingsberry" in found.text, found.text
        journey.screens += found.content
        # De-identified where the hospital does that, else refused: it is kept nowhere either way.
        for path in ("/fhir/$de-identify", "/fhir/Patient"):
            given = await http.post(path, content=json.dumps(BODY), headers=JSON)
            journey.screens += given.content


async def _wrong(journey: Journey) -> bytes:
    """Send what is refused to every door of every tier; what they say to it."""
    token = (journey.data / "device" / "token").read_text("utf-8").strip()
    key = journey.hospital.accounts.new_key("more", "system/*.rs chat")
    doors: list[tuple[str, str, str, str]] = [
        ("device", "POST", "/api/record", f'[{{"resourceType": "{BAD}"}}]'),
        ("device", "POST", "/api/record", f'{{"{BAD}": '),
        ("device", "POST", "/api/ask", f'{{"text": ["{BAD}"]}}'),
        ("device", "POST", f"/api/send/{quote(BAD)}", "{}"),
        ("device", "GET", f"/api/consults/{quote(BAD)}", ""),
        ("device", "PUT", "/api/profile", f'{{"language": "{BAD}"}}'),
        ("clinic", "POST", "/v1/enrol", f'{{"code": "{BAD}"}}'),
        ("clinic", "POST", "/v1/referrals", f'{{"id": "{BAD}"}}'),
        ("clinic", "GET", f"/v1/referrals/{quote(BAD)}", ""),
        ("hospital", "POST", "/v1/referrals", f'{{"id": "{BAD}", "'),
        ("hospital", "POST", "/v1/chat/completions", f'{{"model": "{BAD}", "messages": [1]}}'),
        ("hospital", "POST", "/v1/chat/completions", f'{{"messages": [{{"role": "{BAD}"}}]}}'),
        ("hospital", "GET", f"/fhir/Patient/{quote(BAD)}", ""),
        ("hospital", "GET", f"/fhir/Patient?birthdate={quote(BAD)}", ""),
        ("hospital", "GET", f"/fhir/{quote(BAD)}", ""),
        ("hospital", "GET", f"/{quote(BAD)}", ""),
        ("hospital", "POST", "/portal/sign-in", f"user={quote(BAD)}&password={quote(BAD)}"),
    ]
    said = bytearray()
    for tier, method, path, body in doors:
        bearer = {"device": token, "hospital": key}.get(tier, BAD)
        async with journey.http(tier, authorization=f"Bearer {bearer}") as http:
            form = path == "/portal/sign-in"
            kind = "application/x-www-form-urlencoded" if form else "application/json"
            headers = {"content-type": kind, "origin": BASE, "sec-fetch-site": "same-origin"}
            reply = await http.request(method, path, content=body.encode(), headers=headers)
            assert reply.status_code >= 400, (tier, method, path, reply.status_code)
            said += reply.content + repr(reply.headers.raw).encode()
    async with journey.http("hospital", authorization=f"Bearer {key}") as http:
        # Nobody of that name: only the caller is told what was looked for, in the link of the page.
        assert (await http.get("/fhir/Patient", params={"name": BAD})).is_success
    return bytes(said)


async def _pages(journey: Journey, *paths: str) -> bytes:
    found = bytearray()
    for tier in journey.apps:
        async with journey.http(tier) as http:
            for path in paths:
                found += (await http.get(path)).content
    return bytes(found)


def _backups(journey: Journey, folder: Path) -> dict[str, bytes]:
    """Backups of the three tiers, as an operator would make them."""
    folder.mkdir()
    journey.member.vault.backup(folder / "vault")
    for tier in ("clinic", "hospital"):
        source = sqlite3.connect(journey.data / tier / f"{tier}.db")
        target = sqlite3.connect(folder / f"{tier}.db")
        with contextlib.closing(source), contextlib.closing(target):
            source.backup(target)
    return {
        "device backup": _joined(_files(folder / "vault")),
        "clinic backup": (folder / "clinic.db").read_bytes(),
        "hospital backup": (folder / "hospital.db").read_bytes(),
    }


def _tasks(broker: redis.Redis) -> bytes:
    """Everything in the queue, with the bodies of the tasks decoded."""
    found = bytearray()
    for key in broker.keys("*"):
        kind = broker.type(key)
        values = {
            b"list": lambda k: broker.lrange(k, 0, -1),
            b"hash": lambda k: [x for pair in broker.hgetall(k).items() for x in pair],
            b"zset": lambda k: broker.zrange(k, 0, -1),
            b"set": lambda k: list(broker.smembers(k)),
            b"string": lambda k: [broker.get(k)],
        }[kind](key)
        for value in values:
            found += key + b" " + value + b"\n"
            with contextlib.suppress(ValueError, KeyError, TypeError):
                found += base64.b64decode(json.loads(value)["body"]) + b"\n"
    return bytes(found)


@contextlib.contextmanager
def _listening(log: Log) -> Iterator[None]:
    root = logging.getLogger()
    # As in services.web.serve; the tests' own client would log the addresses that it calls.
    loggers = {root: logging.DEBUG, **{logging.getLogger(n): logging.WARNING for n in QUIET}}
    before = {logger: logger.level for logger in loggers}
    root.addHandler(log)
    for logger, level in loggers.items():
        logger.setLevel(level)
    try:
        yield
    finally:
        root.removeHandler(log)
        for logger, level in before.items():
            logger.setLevel(level)


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[tuple[redis.Redis, str]]:
    """A real Redis, as `caretier up` starts it."""
    assert shutil.which("redis-server"), "the test needs redis-server"
    made = redis_child(folder / "queue")
    assert made is not None
    child, url = made
    child.start()
    try:
        wait_port(child, urlsplit(url).port or 0)
        with contextlib.closing(redis.Redis.from_url(url)) as broker:
            yield broker, url
    finally:
        assert child.process is not None
        child.process.terminate()
        child.process.wait(10)


def _files(folder: Path) -> dict[str, bytes]:
    """Every file by its path below the folder, sockets and links left out."""
    if not folder.is_dir():
        return {}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".onnx", ".npy"}
    }


def _joined(files: Mapping[str, bytes], first: str | None = None) -> bytes:
    """Names and contents of files, those below one folder where it is named."""
    return b"\n".join(
        path.encode() + b"\n" + content
        for path, content in files.items()
        if first is None or Path(path).parts[0] == first
    )


def spellings(word: str) -> set[bytes]:
    """A word as it may stand in a file: plain, JSON, address, UTF-16, hex, base64 at any place."""
    plain = word.encode()
    found = {plain.lower(), quote(word).lower().encode(), json.dumps(word)[1:-1].lower().encode()}
    for text in {word, word.lower(), word.upper()}:
        raw = text.encode()
        found |= {raw.hex().encode(), text.lower().encode("utf-16-le")}
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + raw)
            inside = coded[(0, 2, 3)[shift] : len(coded) - (len(coded) % 4) - 4]
            found.add(inside.lower()) if len(inside) >= 6 else None
    return found


def leaked(content: bytes, *words: str) -> list[str]:
    """Which of the words the content holds, in any spelling."""
    low = content.lower()
    return [word for word in words if any(s in low for s in spellings(word))]
