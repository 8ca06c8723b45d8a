"""Faults of real processes: dead links, killed processes, a lost queue, a full disk, bad vaults."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.processes import Child, wait_port, wait_ready
from tests.support.stack import Patient, Stack, eventually, free_ports

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("stack")]

FOR_THE_CLINIC = "What are the symptoms of shingles?"
FOR_A_CLINICIAN = "Should I stop taking my metformin?"
KILLS = 50
SHARE = {"device": 10, "clinic": 14, "hospital": 14, "worker": 12}
"""How many of the kills each process gets."""
WORKER_SECONDS = 5.0
"""Until a worker that was started works."""
KILL_SECONDS = 600.0
"""What fifty kills may take, with everything that waits delivered in the end."""
REPLY = "Please keep taking it until we have talked."


def on_desk(stack: Stack, consult: str) -> list[tuple[Any, ...]]:
    return stack.rows("hospital", "select state from hospital_referral where id=?", consult)


def sign(stack: Stack, *consults: str) -> None:
    clinician = stack.clinician()
    for consult in consults:
        eventually(lambda c=consult: on_desk(stack, c))
        clinician.sign(consult, REPLY)
    clinician.close()


def answers(patient: Patient, consult: str) -> int:
    """How many consults and ledger entries of this id the device shows as answered."""
    shown = [c for c in patient.get("consults")["consults"] if c["id"] == consult]
    entries = [e for e in patient.get("ledger")["entries"] if e["consult"] == consult]
    assert len(entries) == 1
    assert entries[0]["state"] == "answered"
    return len(shown)


def test_a_dead_clinic_queues_the_question_and_answers_it_once_on_return(stack: Stack) -> None:
    patient = stack.patient("p02")
    with stack.without("clinic"):
        consult = patient.refer(FOR_THE_CLINIC)
        eventually(lambda: patient.answer(consult)["degraded_from"] == "clinic")
        assert patient.answer(consult)["status"] == "queued"
        # What the device itself covers it goes on answering.
        assert patient.ask("What are the signs of asthma?")["tier"] == "device"
    answer = patient.wait(consult, "answered")
    assert (answer["tier"], answer["degraded_from"]) == ("clinic", None)
    assert answers(patient, consult) == 1


def test_a_dead_hospital_is_named_and_the_question_waits_at_the_clinic(stack: Stack) -> None:
    patient = stack.patient("p01")
    with stack.without("hospital", "worker"):
        consult = patient.refer(FOR_A_CLINICIAN)
        eventually(lambda: patient.answer(consult)["degraded_from"] == "hospital")
        assert patient.answer(consult)["status"] == "queued"
        # The clinic goes on answering what it covers.
        covered = patient.refer(FOR_THE_CLINIC)
        assert patient.wait(covered, "answered")["tier"] == "clinic"
    sign(stack, consult)
    answer = patient.wait(consult, "answered")
    assert (answer["tier"], answer["text"], answer["degraded_from"]) == ("hospital", REPLY, None)
    assert answers(patient, consult) == 1


def test_with_both_dead_nothing_is_lost_and_each_is_answered_once(stack: Stack) -> None:
    patient = stack.patient("p01")
    with stack.without("clinic", "hospital", "worker"):
        first, second = patient.refer(FOR_THE_CLINIC), patient.refer(FOR_A_CLINICIAN)
        eventually(lambda: patient.answer(first)["degraded_from"] == "clinic")
        eventually(lambda: patient.answer(second)["degraded_from"] == "hospital")
        assert {patient.answer(c)["status"] for c in (first, second)} == {"queued"}
    sign(stack, second)
    assert patient.wait(first, "answered")["tier"] == "clinic"
    assert patient.wait(second, "answered")["tier"] == "hospital"
    assert [answers(patient, c) for c in (first, second)] == [1, 1]


class Chaos:
    """Asks while processes are killed at random and started again without waiting for them."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.stack, self.dice = stack, random.Random(seed)  # noqa: S311 - when to kill is no secret
        self.asked: dict[str, str] = {}
        self.unsent: list[dict[str, Any]] = []
        self.kills: Counter[str] = Counter()
        self._last: dict[str, float] = {}

    def ask(self) -> None:
        """Refer a question; where the device dies meanwhile, finish that later."""
        text = self.dice.choice((FOR_THE_CLINIC, FOR_A_CLINICIAN))
        patient = self.stack.patient("p01")
        try:
            answer = patient.ask(text)
        except (httpx.HTTPError, IndexError, ValueError):
            return  # it was never offered, so nothing was promised
        self.asked[answer["id"]] = text
        self.unsent.append(answer)
        self.send()

    def send(self) -> None:
        """Send what was offered and not taken yet, as a person would who taps again."""
        patient = self.stack.patient("p01")
        for answer in list(self.unsent):
            try:
                if patient.answer(answer["id"])["status"] == "abstained":
                    patient.send(answer)
            except httpx.HTTPError:
                return
            self.unsent.remove(answer)

    def kill(self) -> None:
        """``kill -9`` one process that is up, at a random moment of what it is doing."""
        names = [n for n in ("device", "clinic", "hospital") if self.stack.ready(n)]
        idle = time.monotonic() - self._last.get("worker", 0)
        if self.stack.child("worker").alive() and idle > WORKER_SECONDS:
            names.append("worker")
        names = [n for n in names if self.kills[n] < SHARE[n]]
        if not names:
            time.sleep(0.1)
            return
        name = self.dice.choice(names)
        time.sleep(self.dice.uniform(0, 0.5))
        self.stack.kill(name)
        self.stack.start(name, ready=False)
        self._last[name] = time.monotonic()
        self.kills[name] += 1


@pytest.mark.timeout(KILL_SECONDS + 200)
def test_fifty_kills_at_random_points_lose_no_referral_and_answer_none_twice(stack: Stack) -> None:
    chaos = Chaos(stack, seed=20)
    deadline = time.monotonic() + KILL_SECONDS
    while chaos.kills.total() < KILLS and time.monotonic() < deadline:
        chaos.ask()
        chaos.kill()
    for name in ("hospital", "worker", "clinic", "device"):
        stack.start(name)
    eventually(lambda: chaos.send() or not chaos.unsent)
    clinical = [c for c, text in chaos.asked.items() if text == FOR_A_CLINICIAN]
    sign(stack, *clinical)
    patient = stack.patient("p01")
    for consult, text in chaos.asked.items():
        answer = patient.wait(consult, "answered", "abstained", seconds=150)
        wanted = "hospital" if text == FOR_A_CLINICIAN else "clinic"
        assert (answer["status"], answer["tier"]) == ("answered", wanted)
    check_once(stack, chaos.asked, clinical)
    print(f"\n{dict(chaos.kills)} kills, {len(chaos.asked)} referrals")  # noqa: T201 - a figure
    assert chaos.kills.total() == KILLS
    assert dict(chaos.kills) == SHARE
    assert len(chaos.asked) >= 10


def check_once(stack: Stack, asked: dict[str, str], clinical: list[str]) -> None:
    """Each consult once everywhere: history, ledger, the clinic's and the hospital's tables."""
    patient = stack.patient("p01")
    shown = Counter(c["id"] for c in patient.get("consults")["consults"])
    ledger = Counter(e["consult"] for e in patient.get("ledger")["entries"])
    assert {shown[c] for c in asked} == {1}
    assert {ledger[c] for c in asked} == {1}
    rows = stack.rows("clinic", "select id, state from exchange_parcel")
    assert {state for id_, state in rows if id_ in asked} == {"answered"}
    desk = {row[0] for row in stack.rows("hospital", "select id from hospital_referral")}
    assert desk & set(asked) == set(clinical), "a question the clinic answered is on the desk too"
    done = stack.run("audit", "verify", "--data", str(stack.data))
    assert done.returncode == 0, done.stdout + done.stderr


def redis_port(stack: Stack) -> tuple[int, str]:
    url = httpx.URL(stack.environment["CARETIER_HOSPITAL_REDIS"])
    return int(url.port or 0), url.password


def redis(stack: Stack, *command: str) -> bytes:
    """Say something to Redis; what it answers."""
    port, password = redis_port(stack)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(f"AUTH {password}\r\n{' '.join(command)}\r\n".encode())
        time.sleep(0.3)
        return line.recv(65536)


def test_a_flushed_queue_loses_no_referral(stack: Stack) -> None:
    patient = stack.patient("p01")
    stack.kill("worker")
    consults = [patient.refer(FOR_A_CLINICIAN) for _ in range(3)]
    for consult in consults:
        patient.wait(consult, "referred")
    assert redis(stack, "FLUSHALL").count(b"+OK") == 2
    stack.start("worker")
    sign(stack, *consults)
    for consult in consults:
        assert patient.wait(consult, "answered")["text"] == REPLY


def test_without_redis_the_hospital_does_the_jobs_itself(stack: Stack) -> None:
    patient = stack.patient("p01")
    stack.kill("worker")
    stack.kill("redis")
    try:
        consult = patient.refer(FOR_A_CLINICIAN)
        sign(stack, consult)
        assert patient.wait(consult, "answered")["text"] == REPLY
    finally:
        stack.start("redis")
        wait_port(stack.child("redis"), redis_port(stack)[0])
        stack.start("worker")


@contextmanager
def unwritable(trail: Path) -> Iterator[None]:
    """A trail whose anchor cannot be replaced, as when its file system takes no more."""
    anchor = trail.with_name(trail.name + ".anchor")
    kept = anchor.read_bytes()
    anchor.unlink()
    (anchor / "full").mkdir(parents=True)
    try:
        yield
    finally:
        shutil.rmtree(anchor)
        anchor.write_bytes(kept)


def test_a_crossing_that_cannot_be_audited_on_the_device_does_not_happen(stack: Stack) -> None:
    patient = stack.patient("p03")
    offered = patient.ask(FOR_THE_CLINIC)
    parcels = stack.rows("clinic", "select count(*) from exchange_parcel")
    preview = offered["offer"]["preview_id"]
    with unwritable(stack.data / "device" / "audit" / "device.jsonl"), patient.client() as client:
        reply = client.post(f"/api/send/{preview}", json={})
        assert reply.status_code == 503
        assert reply.json()["type"] == "urn:caretier:problem:audit-unavailable"
        time.sleep(2)
        assert stack.rows("clinic", "select count(*) from exchange_parcel") == parcels
        assert patient.get("ledger")["entries"] == []
        assert patient.answer(offered["id"])["offer"]["preview_id"] == preview
    # The question was kept: the same preview leaves once the trail can be written again.
    consult = patient.send(offered)["id"]
    assert patient.wait(consult, "answered")["tier"] == "clinic"


def test_what_a_clinic_cannot_audit_it_does_not_take(stack: Stack) -> None:
    patient = stack.patient("p02")
    parcels = stack.rows("clinic", "select count(*) from exchange_parcel")
    with unwritable(stack.data / "clinic" / "audit" / "clinic.jsonl"):
        consult = patient.refer(FOR_THE_CLINIC)
        eventually(lambda: patient.answer(consult)["degraded_from"] == "clinic")
        assert stack.rows("clinic", "select count(*) from exchange_parcel") == parcels
    assert patient.wait(consult, "answered")["tier"] == "clinic"
    assert answers(patient, consult) == 1


# Vaults: a second device on a copy of the first one's data.


@pytest.fixture
def copy(stack: Stack, tmp_path: Path) -> Path:
    """A copy of the device's folder and of its anchors, to be damaged."""
    shutil.copytree(stack.data / "device", tmp_path / "data" / "device")
    shutil.copytree(stack.folder / "anchors", tmp_path / "anchors")
    for path in (tmp_path / "data" / "device" / "vaults").iterdir():
        if path.name != "p01":
            shutil.rmtree(path)
    return tmp_path / "data"


@contextmanager
def serving(stack: Stack, data: Path) -> Iterator[httpx.Client]:
    """A device process on a data folder, and a client with its token."""
    port = free_ports(1)[0]
    command = [sys.executable, "-m", "services.cli", "device", "--data", str(data)]
    surroundings = {**stack.environment, "CARETIER_ANCHORS": str(data.parent / "anchors")}
    child = Child("device", [*command, "--port", str(port)], data / "device.log", surroundings)
    child.start()
    try:
        wait_ready(child, f"http://127.0.0.1:{port}")
        token = (data / "device" / "token").read_text(encoding="utf-8").strip()
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"authorization": f"Bearer {token}"},
            timeout=30,
            trust_env=False,
        ) as client:
            yield client
    finally:
        child.stop()


def flip(data: Path) -> None:
    """Turn one bit in the middle of the largest row of the vault's file."""
    path = next((data / "device" / "vaults" / "p01").glob("*.sqlite3"))
    with contextlib.closing(sqlite3.connect(path)) as vault:
        vault.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        tables = [r[0] for r in vault.execute("select name from sqlite_master where type='table'")]
        rows = [row for table in tables for row in vault.execute(f"select * from {table}")]
    largest = max((v for row in rows for v in row if isinstance(v, bytes)), key=len)
    content = bytearray(path.read_bytes())
    content[content.index(largest[:64]) + 40] ^= 1
    path.write_bytes(content)


def wrong_passphrase(data: Path) -> None:
    """Another passphrase than the vault's."""
    (data / "device" / "passphrase").write_text("not the passphrase\n", encoding="utf-8")


def grown(stack: Stack, data: Path) -> None:
    """Put the vault back as it was before the newest question."""
    vault = data / "device" / "vaults" / "p01"
    older = data.parent / "older"
    shutil.copytree(vault, older)
    done = ask_copy(stack, data)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(vault)
    shutil.copytree(older, vault)


def ask_copy(stack: Stack, data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return stack.run(
        "ask",
        "What are the signs of asthma?",
        "--data",
        str(data),
        *options,
        CARETIER_ANCHORS=str(data.parent / "anchors"),
    )


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        ("wrong-passphrase", {"vault-locked"}),
        ("flipped-bit", {"vault-damaged"}),
        ("older-copy", {"vault-rolled-back"}),
    ],
)
def test_a_vault_that_cannot_be_trusted_gives_one_clear_error_and_no_content(
    stack: Stack, copy: Path, damage: str, kinds: set[str]
) -> None:
    if damage == "flipped-bit":
        flip(copy)
    elif damage == "wrong-passphrase":
        wrong_passphrase(copy)
    else:
        grown(stack, copy)
    done = ask_copy(stack, copy, "--json")
    assert done.returncode == 10
    error = json.loads(done.stdout)["error"]
    assert error["type"].removeprefix("urn:caretier:problem:") in kinds
    said = ask_copy(stack, copy)
    assert said.returncode == 10
    assert len(said.stderr.strip().splitlines()) == 1
    with serving(stack, copy) as client:
        reply = client.post("/api/ask", json={"text": "What are the signs of asthma?"})
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["type"].removeprefix("urn:caretier:problem:") in kinds
        http = reply.text
    log = (copy / "device.log").read_text(encoding="utf-8")
    patient = stack.record("p01")["Patient"][0]
    for output in (done.stdout, done.stderr, said.stdout, said.stderr, http, log):
        assert "Traceback" not in output
        for canary in (patient["name"][0]["family"], patient["birthDate"], "metformin"):
            assert canary not in output
