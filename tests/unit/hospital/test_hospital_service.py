"""The hospital as a whole: from a sealed referral to a draft on the desk; hints; the chat."""

from __future__ import annotations

import json

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from support.exchange import DeviceKeys, FailingAudit
from typer.testing import CliRunner

from compliance.audit import AuditError
from compliance.audit.registry import registered
from compliance.retention import Schedule
from services.bricks.store import BrickStore
from services.consult.messages import Level
from services.exchange.messages import ParcelState
from services.exchange.models import StoredParcel
from services.experts import Experts
from services.fhir.access import Disclosure
from services.hospital import queue
from services.hospital.audited import Caller
from services.hospital.commands import app
from services.hospital.gateway import Gateway, ModelUser
from services.hospital.gateway.routes import gateway_router
from services.hospital.models import Job
from services.hospital.queue import Hints
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.store.database import Database
from services.web.app import create_app


@pytest.fixture
def hospital(tmp_path, database_url, node_of):
    settings = HospitalSettings(data=tmp_path / "hospital", database=database_url)
    made = Hospital(settings, node_of("hospital"))
    yield made
    made.database.close()


@pytest.fixture
def referral(hospital):
    made = DeviceKeys().refer("What is asthma?", hospital.keys)
    hospital.intake.accept(made.envelope, "CLINIC")
    return made


def job_of(referral) -> str:
    return f"open-referral:{referral.id}"


async def test_a_referral_comes_with_its_job_and_becomes_a_draft(hospital, referral):
    assert hospital.jobs.due() == [job_of(referral)]
    assert await hospital.do(job_of(referral))
    item = hospital.desk.item(referral.id)
    assert "airways" in item.text
    assert item.draft.citations
    assert hospital.jobs.counts() == {"done": 1}
    assert hospital.intake.state(referral.id, "CLINIC").reply is None


async def test_doing_a_job_twice_makes_one_draft(hospital, referral):
    assert await hospital.do(job_of(referral))
    assert not await hospital.do(job_of(referral))
    assert len(hospital.desk.inbox()) == 1


async def test_what_the_person_said_urgently_stays_urgent(hospital):
    made = DeviceKeys().refer("What is asthma?", hospital.keys, urgency="urgent")
    hospital.intake.accept(made.envelope, "CLINIC")
    await hospital.do(job_of(made))
    assert hospital.desk.item(made.id).urgency == "urgent"


async def test_a_referral_that_cannot_be_opened_is_refused_and_not_tried_again(hospital):
    other = HospitalSettings(data=hospital.settings.data / "other")
    from services.exchange.keys import NodeKeys

    keys = NodeKeys.load_or_create(other.data, name="X", level="hospital")
    made = DeviceKeys().refer("What is asthma?", keys)
    hospital.intake.accept(made.envelope, "CLINIC")
    assert await hospital.do(job_of(made))
    assert hospital.intake.state(made.id, "CLINIC").state is ParcelState.REFUSED
    assert hospital.jobs.due() == []


async def test_a_failing_draft_is_tried_again_later(hospital, referral, monkeypatch):
    async def broken(_asked):
        raise RuntimeError("Ana has asthma")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(hospital.node, "consult", broken)
        assert not await hospital.do(job_of(referral))
    with hospital.database.reading() as session:
        job = session.scalars(select(Job)).one()
    assert (job.state, job.attempts, job.error) == ("pending", 1, "RuntimeError")
    assert hospital.desk.inbox() == []


async def test_when_reading_cannot_be_written_down_nothing_is_laid_on_the_desk(hospital, referral):
    audit = FailingAudit()
    audit.fails = True
    hospital.intake.audit = audit
    assert not await hospital.do(job_of(referral))
    assert hospital.desk.inbox() == []


async def test_a_result_that_was_fenced_off_is_thrown_away(hospital, referral, monkeypatch):
    monkeypatch.setattr(hospital.jobs, "finish", lambda *_: False)
    await hospital.do(job_of(referral))
    assert hospital.desk.inbox() == []


async def test_a_withdrawal_while_the_draft_is_made_leaves_nothing_on_the_desk(
    hospital, referral, monkeypatch
):
    closed = []
    with hospital.database.reading() as session:
        parcel = session.get_one(StoredParcel, referral.id)

    async def consult(_question):
        try:
            hospital.intake.withdrawals.remove(parcel.device, parcel.consent)
            yield "a sentence"
            yield "another"
        finally:
            closed.append(True)

    monkeypatch.setattr(hospital.node, "consult", consult)
    assert await hospital.do(job_of(referral))
    assert closed == [True]
    assert hospital.desk.inbox() == []
    assert hospital.jobs.due() == []


def test_the_trail_is_in_the_register_and_is_not_begun_anew_when_it_vanishes(hospital):
    trail = hospital.intake.audit
    assert registered(hospital.settings.data) == {trail.path: hospital.settings.name}
    for path in trail.path.parent.glob("hospital*"):
        path.unlink()
    with pytest.raises(AuditError):
        Hospital(hospital.settings, hospital.node)


def test_a_new_key_is_taken_by_the_running_hospital_and_the_former_one_is_kept(hospital):
    former = hospital.keys.sealing.current.key_id
    state = hospital.settings.data
    done = CliRunner().invoke(
        app,
        ["--data", str(state.parent), "rotate"],
        env={"CARETIER_HOSPITAL_NAME": "Sandbox hospital"},
    )
    assert done.exit_code == 0, done.output
    keys = hospital.keys.bundle().sealing
    assert keys[0].key_id != former
    assert keys[1].key_id == former
    assert keys[0].key_id in done.output


def test_tidying_counts_what_is_over(hospital):
    counts = hospital.tidy()
    assert set(counts) == {r.id for r in Schedule.load().of("hospital") if r.keep is not None}
    assert not any(counts.values())


def test_a_hospital_without_its_database_is_not_ready(hospital, monkeypatch):
    assert hospital.ready() == {"database": True}
    monkeypatch.setattr(hospital.jobs, "counts", lambda: 1 / 0)
    assert hospital.ready() == {"database": False}


class Broker:
    """A Celery application whose broker may be away."""

    def __init__(self, *, away: bool = False) -> None:
        self.away, self.sent, self.tries = away, [], 0

    def send_task(self, name, *, args, retry):
        self.tries += 1
        if self.away:
            raise ConnectionError("redis is away")
        self.sent.append((name, args, retry))


def test_a_hint_carries_an_id_only():
    broker = Broker()
    Hints(broker)("open-referral:1")
    assert broker.sent == [("caretier.do", ["open-referral:1"], False)]


def test_when_the_broker_is_away_hints_are_quiet_for_a_while(monkeypatch):
    broker = Broker(away=True)
    hints = Hints(broker)
    for _ in range(5):
        hints("job")
    assert broker.tries == 1
    broker.away = False
    later = queue.time.monotonic() + queue.QUIET_SECONDS + 1
    monkeypatch.setattr(queue.time, "monotonic", lambda: later)
    hints("job")
    assert len(broker.sent) == 1


def test_a_referral_is_taken_while_the_broker_is_away(hospital):
    hospital.intake.hint = Hints(Broker(away=True))
    made = DeviceKeys().refer("What is asthma?", hospital.keys)
    assert hospital.intake.accept(made.envelope, "CLINIC").state is ParcelState.RECEIVED
    assert hospital.jobs.due() == [job_of(made)]


@pytest.fixture
async def chat(node_of, tmp_path):
    node = node_of(Level.HOSPITAL)
    experts = Experts(Database("sqlite://"), BrickStore(tmp_path), lambda: None)
    gateway = Gateway(experts, lambda: node, audit=lambda *_: None)
    made: FastAPI = create_app("chat", ready=dict)
    asker = ModelUser(Caller.shell(), ("chat",))
    made.include_router(gateway_router(gateway, lambda: asker))
    transport = httpx.ASGITransport(app=made)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def complete(chat, text: str, **more) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": text}], **more}
    return await chat.post("/v1/chat/completions", json=body)


@pytest.mark.parametrize(
    "text",
    [
        "What is asthma?",
        "What is the capital of France?",
        "I have crushing chest pain and sweating",
        "I have a cough and blood in my urine for two days",
        "Should I stop my metformin?",
    ],
)
async def test_a_stream_says_the_same_as_the_whole_answer_urgent_advice_first(chat, text):
    whole = (await complete(chat, text)).json()
    reply = await complete(chat, text, stream=True)
    lines = [x.removeprefix("data: ") for x in reply.text.splitlines() if x]
    assert lines[-1] == "[DONE]"
    deltas = [json.loads(x)["choices"][0]["delta"].get("content", "") for x in lines[:-1]]
    said = whole["choices"][0]["message"]["content"]
    assert "".join(deltas).split() == said.split()
    advice = whole["caretier"]["triage"]["advice"]
    assert not advice or said.startswith(advice)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"messages": []}, 422),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 422),
        ({"messages": [{"role": "user", "content": "  "}]}, 422),
        ({"messages": [{"role": "user", "content": "a" * 8001}]}, 422),
        ({"model": "other", "messages": [{"role": "user", "content": "x"}]}, 404),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(chat, body, status):
    assert (await chat.post("/v1/chat/completions", json=body)).status_code == status


def test_what_somebody_opened_lately_is_not_buried_in_lists(hospital):
    user = hospital.accounts.add_user("lia", "a long enough password", "Dr. Lia", "clinician")
    hospital.audit_chart(user, "Patient/p1", "10.0.0.9")
    treated = Disclosure("search", "Patient", tuple(f"p{number}" for number in range(20)))
    hospital.auditor.fhir(Caller.user(user.id, user.role, "10.0.0.9"), treated)
    assert [one.act for one in hospital.explorer.lately(user)] == ["read"]
