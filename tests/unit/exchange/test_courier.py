"""The courier: what it does when the tier above is there, away, refuses, or has forgotten."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from support.exchange import DeviceKeys, FailingAudit

from compliance.errors import NotFoundError
from services.consult.messages import Level
from services.exchange.courier import Courier, running
from services.exchange.errors import (
    LinkDownError,
    NotAuthenticatedError,
    ReferralConflictError,
    ReferralRefusedError,
)
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.messages import Parcel, ParcelState
from services.exchange.models import StoredParcel
from services.store.database import Database


class FakeLink:
    """A tier above that keeps what it is sent, and fails as told."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.fails: Exception | None = None
        self.parcels: dict[str, Parcel] = {}

    async def send(self, envelope) -> Parcel:
        if self.fails:
            raise self.fails
        self.sent.append(envelope.id)
        made = Parcel(id=envelope.id, state=ParcelState.RECEIVED)
        return self.parcels.setdefault(envelope.id, made)

    async def fetch(self, id_: str) -> Parcel:
        if self.fails:
            raise self.fails
        if id_ not in self.parcels:
            raise NotFoundError("There is no such referral.")
        return self.parcels[id_]


@pytest.fixture
def link():
    return FakeLink()


@pytest.fixture
def audit():
    return FailingAudit()


@pytest.fixture
def intake(tmp_path, audit):
    database = Database(f"sqlite:///{tmp_path}/clinic.db")
    database.migrate("services.exchange")
    yield Intake(database, Level.CLINIC, audit)
    database.close()


@pytest.fixture
def courier(intake, link):
    return Courier(intake, link, Level.HOSPITAL)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return NodeKeys.load_or_create(tmp_path_factory.mktemp("k"), name="H", level="hospital")


@pytest.fixture
def id_(intake, keys):
    envelope = DeviceKeys().refer("What is lupus?", keys).envelope
    intake.accept(envelope, "DEVICE")
    return envelope.id


def make_due(intake) -> None:
    with intake.database.transaction() as session:
        session.execute(update(StoredParcel).values(due=datetime.now(UTC)))


def row(intake, id_) -> StoredParcel:
    with intake.database.reading() as session:
        return session.get_one(StoredParcel, id_)


async def test_nothing_to_carry_is_no_work(courier):
    assert await courier.once() is False


async def test_a_referral_is_carried_and_its_reply_brought_back(courier, intake, link, id_):
    assert await courier.once()
    assert row(intake, id_).state == "relayed"
    await courier.once()
    assert row(intake, id_).state == "relayed"
    link.parcels[id_] = Parcel(id=id_, state=ParcelState.ANSWERED, reply="sealed")
    make_due(intake)
    await courier.once()
    assert intake.state(id_, "DEVICE").reply == "sealed"
    make_due(intake)
    assert await courier.once() is False


@pytest.mark.parametrize("error", [LinkDownError("down"), NotAuthenticatedError("who?")])
async def test_a_dead_link_loses_nothing(courier, intake, link, id_, error):
    link.fails = error
    await courier.once()
    assert row(intake, id_).state == "outgoing"
    assert row(intake, id_).attempts == 1
    assert await courier.once() is False
    link.fails = None
    make_due(intake)
    await courier.once()
    assert link.sent == [id_]


@pytest.mark.parametrize("error", [ReferralRefusedError("no"), ReferralConflictError("twice")])
async def test_a_refusal_above_is_told_below(courier, intake, link, id_, error):
    link.fails = error
    await courier.once()
    assert intake.state(id_, "DEVICE").state is ParcelState.REFUSED
    assert row(intake, id_).reason == error.kind


async def test_a_crossing_that_cannot_be_written_down_does_not_happen(
    courier, intake, link, audit, id_
):
    audit.fails = True
    await courier.once()
    assert link.sent == []
    assert row(intake, id_).state == "outgoing"


async def test_the_crossing_is_written_down_before_it_happens(courier, link, audit, id_):
    link.fails = LinkDownError("down")
    await courier.once()
    assert len(audit.events) == 2


async def test_what_the_tier_above_lost_is_sent_again(courier, intake, link, id_):
    await courier.once()
    link.parcels.clear()
    make_due(intake)
    await courier.once()
    assert row(intake, id_).state == "outgoing"
    await courier.once()
    assert link.sent == [id_, id_]


async def test_what_was_sealed_anew_is_what_is_sent_again(courier, intake, link, id_, keys):
    other = DeviceKeys().refer("sealed anew", keys, id_=id_).envelope
    intake.pass_on(id_, other)
    await courier.once()
    link.parcels.clear()
    make_due(intake)
    await courier.once()
    assert row(intake, id_).outgoing == other.model_dump_json()


async def test_while_the_reply_is_fetched_the_link_may_die(courier, intake, link, id_):
    await courier.once()
    link.fails = LinkDownError("down")
    make_due(intake)
    await courier.once()
    assert row(intake, id_).state == "relayed"
    assert row(intake, id_).attempts == 1


async def test_a_refusal_found_while_fetching_is_told_below(courier, intake, link, id_):
    await courier.once()
    link.parcels[id_] = Parcel(id=id_, state=ParcelState.REFUSED)
    make_due(intake)
    await courier.once()
    assert intake.state(id_, "DEVICE").state is ParcelState.REFUSED


async def test_a_damaged_row_holds_up_no_other(courier, intake, link, id_, keys):
    good = DeviceKeys().refer("another", keys).envelope
    intake.accept(good, "DEVICE")
    with intake.database.transaction() as session:
        session.execute(
            update(StoredParcel).where(StoredParcel.id == id_).values(envelope="{damaged")
        )
    await courier.once()
    assert link.sent == [good.id]
    assert row(intake, id_).state == "outgoing"


async def test_a_reply_is_looked_for_at_intervals(courier, intake, id_):
    await courier.once()
    await courier.once()
    assert row(intake, id_).due > datetime.now(UTC) + timedelta(milliseconds=300)


async def test_the_loop_outlives_failures(courier, monkeypatch):
    calls = 0

    async def broken() -> bool:
        nonlocal calls
        calls += 1
        raise RuntimeError("database away")

    monkeypatch.setattr(courier, "once", broken)
    monkeypatch.setattr("services.exchange.courier.IDLE_SECONDS", 0.01)
    async with running(courier.run()):
        await asyncio.sleep(0.1)
    assert calls > 1


async def test_loops_end_with_the_server():
    ended = asyncio.Event()

    async def loop() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with running(loop()):
        await asyncio.sleep(0)
    assert ended.is_set()
