"""Withdrawn consents at a node: what is queued goes, what comes later is refused."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select, update
from support.exchange import DeviceKeys, FailingAudit
from support.meeting import meet

from compliance.audit import AuditError
from services.consult.messages import Level
from services.exchange.courier import Courier
from services.exchange.errors import LinkDownError, ReferralRefusedError
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.messages import Parcel, ParcelState
from services.exchange.models import StoredParcel, StoredWithdrawal
from services.exchange.withdrawal import Withdrawal, WithdrawalTaken

DEVICE = DeviceKeys()
OTHER = DeviceKeys()


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return NodeKeys.load_or_create(tmp_path_factory.mktemp("k"), name="C", level="clinic")


@pytest.fixture
def audit():
    return FailingAudit()


@pytest.fixture
def intake(database, audit):
    return Intake(database, Level.CLINIC, audit)


@pytest.fixture
def refer(intake, keys):
    """Take a referral of a device under a consent; returns its id."""

    def make(consent="c1", *, device=DEVICE, state=None, reply=None):
        made = device.refer(
            "What is asthma?", keys, destination=Level.CLINIC, receipt={"consent": consent}
        )
        intake.accept(made.envelope, device.fingerprint)
        if state:
            with intake.database.transaction() as session:
                values = {"state": state, "reply": reply, "outgoing": "{}"}
                session.execute(
                    update(StoredParcel).where(StoredParcel.id == made.id).values(**values)
                )
        return made.id

    return make


def word(consent="c1", device=DEVICE):
    return Withdrawal.sign(consent, device.identity, datetime.now(UTC))


def row(intake, id_):
    with intake.database.reading() as session:
        return session.get_one(StoredParcel, id_)


class TestWord:
    def test_it_is_the_devices(self):
        assert word().verify() == DEVICE.fingerprint

    @pytest.mark.parametrize(
        "change",
        [
            {"consent": "c2"},
            {"withdrawn": datetime(2026, 1, 1, tzinfo=UTC)},
            {"device": OTHER.identity.public.to_text()},
            {"device": "?"},
            {"signature": ""},
            {"signature": "?"},
        ],
        ids=["consent", "time", "another device", "no device", "unsigned", "no signature"],
    )
    def test_a_changed_word_is_refused_and_takes_nothing_away(self, intake, refer, change):
        id_ = refer()
        with pytest.raises(ReferralRefusedError):
            intake.withdraw(word().model_copy(update=change), "SENDER")
        assert row(intake, id_).state == "received"


@pytest.mark.parametrize("state", ["received", "outgoing", "relayed"])
def test_what_is_queued_under_it_is_deleted_and_never_comes_back(intake, refer, keys, state):
    id_ = refer(state=state)
    assert intake.withdraw(word(), "S").removed == 1
    kept = row(intake, id_)
    assert (kept.state, kept.envelope, kept.outgoing) == ("withdrawn", "", None)
    assert intake.state(id_, DEVICE.fingerprint).state is ParcelState.REFUSED
    assert not intake.is_wanted(id_)
    intake.answer(id_, "sealed")
    intake.pass_on(id_)
    intake.relayed(id_)
    intake.later(id_, 1)
    assert (row(intake, id_).state, row(intake, id_).reply) == ("withdrawn", None)
    assert intake.due("received", "outgoing", "relayed") == []


def test_a_reply_that_is_there_stays_for_its_device_and_the_question_goes(intake, refer):
    id_ = refer(state="answered", reply="sealed")
    assert intake.withdraw(word(), "S").removed == 0
    assert intake.state(id_, DEVICE.fingerprint).reply == "sealed"
    assert row(intake, id_).envelope == ""


def test_another_consent_and_another_devices_are_left_alone(intake, refer):
    mine, theirs = refer("c2"), refer("c1", device=OTHER)
    assert intake.withdraw(word("c1"), "S").removed == 0
    assert {row(intake, id_).state for id_ in (mine, theirs)} == {"received"}
    assert intake.is_wanted(mine)


def test_a_referral_that_comes_after_it_is_refused(intake, refer):
    intake.withdraw(word(), "S")
    with pytest.raises(ReferralRefusedError, match="withdrawn"):
        refer()
    refer(device=OTHER)


def test_the_same_referral_again_is_not_taken_again(intake, keys):
    made = DEVICE.refer("x", keys, destination=Level.CLINIC, receipt={"consent": "c1"})
    intake.accept(made.envelope, "S")
    intake.withdraw(word(), "S")
    assert intake.accept(made.envelope, "S").state is ParcelState.REFUSED
    assert row(intake, made.id).envelope == ""


def test_telling_it_again_changes_nothing(intake, refer):
    refer()
    assert intake.withdraw(word(), "S").removed == 1
    assert intake.withdraw(word(), "S").removed == 0
    with intake.database.reading() as session:
        assert len(session.scalars(select(StoredWithdrawal)).all()) == 1


def test_what_cannot_be_written_down_is_not_done(intake, refer, audit):
    id_ = refer()
    audit.fails = True
    with pytest.raises(AuditError):
        intake.withdraw(word(), "S")
    assert row(intake, id_).state == "received"
    audit.fails = False
    intake.withdraw(word(), "S")
    event = audit.events[-1]
    assert event["subtype"][0]["code"] == "withdraw"
    assert event["entity"][0]["what"]["identifier"]["value"] == "c1"


def test_more_can_be_deleted_in_the_same_transaction(database, audit, keys):
    gone = []

    class Desk(Intake):
        def on_withdraw(self, session, ids):
            gone.extend(ids)
            if len(gone) == 1:
                raise RuntimeError

    desk = Desk(database, Level.CLINIC, audit)
    made = DEVICE.refer("x", keys, destination=Level.CLINIC, receipt={"consent": "c1"})
    desk.accept(made.envelope, "S")
    with pytest.raises(RuntimeError):
        desk.withdraw(word(), "S")
    assert row(desk, made.id).state == "received"
    desk.withdraw(word(), "S")
    assert gone == [made.id, made.id]
    assert row(desk, made.id).state == "withdrawn"


def test_withdrawals_are_forgotten_when_no_receipt_can_name_them_any_more(intake):
    intake.withdraw(word(), "S")
    assert intake.forget(timedelta(days=31)) == 0
    assert intake.withdrawals.is_withdrawn(DEVICE.fingerprint, "c1")
    intake.forget(timedelta(seconds=-1))
    assert not intake.withdrawals.is_withdrawn(DEVICE.fingerprint, "c1")


@pytest.mark.parametrize("turn", range(6))
def test_a_referral_that_is_taken_at_the_same_moment_does_not_stay(intake, keys, turn):
    """Whichever comes first, nothing under the consent is left to be worked on."""
    made = [
        DEVICE.refer("x", keys, destination=Level.CLINIC, receipt={"consent": f"c{turn}"})
        for _ in range(4)
    ]
    start = threading.Barrier(5)

    def accept(referral):
        start.wait()
        try:
            intake.accept(referral.envelope, "S")
        except ReferralRefusedError:
            return

    def withdraw():
        start.wait()
        intake.withdraw(word(f"c{turn}"), "S")

    with ThreadPoolExecutor(5) as pool:
        futures = [*(pool.submit(accept, m) for m in made), pool.submit(withdraw)]
        for future in futures:
            future.result()
    assert intake.due("received", "outgoing", "relayed") == []
    with intake.database.reading() as session:
        assert {p.envelope for p in session.scalars(select(StoredParcel))} <= {""}


def test_two_that_take_it_away_at_once_never_wait_for_one_another(intake, keys, monkeypatch):
    """A referral that came in between is taken away by one of them; the other one leaves it."""
    monkeypatch.setattr(intake.withdrawals, "is_withdrawn", lambda *_: False)
    made = sorted(
        (
            DEVICE.refer("x", keys, destination=Level.CLINIC, receipt={"consent": "c1"})
            for _ in range(2)
        ),
        key=lambda one: one.id,
        reverse=True,
    )
    early, late = (partial(intake.accept, one.envelope, "S") for one in made)
    remove = partial(intake.withdrawals.remove, DEVICE.fingerprint, "c1")

    def second():
        late()
        return remove()

    early()
    done = meet(intake.database, remove, second, after="FROM exchange_parcel")
    assert sorted(one.result() for one in done) == [1, 1]


class Above:
    """A tier above that may be away, and lets the test act while it is called."""

    def __init__(self):
        self.sent, self.withdrawn, self.fails, self.before = [], [], None, lambda: None

    async def send(self, envelope):
        self.before()
        self.sent.append(envelope.id)
        return Parcel(id=envelope.id, state=ParcelState.RECEIVED)

    async def withdraw(self, withdrawal):
        if self.fails:
            raise self.fails
        self.withdrawn.append(withdrawal)
        return WithdrawalTaken(consent=withdrawal.consent, removed=0)


class TestPassedOn:
    @pytest.fixture
    def above(self):
        return Above()

    @pytest.fixture
    def courier(self, intake, above):
        return Courier(intake, above, Level.HOSPITAL)

    async def test_the_tier_above_is_told_once_in_the_devices_own_words(
        self, intake, courier, above
    ):
        said = word()
        intake.withdraw(said, "S")
        assert await courier.once()
        assert above.withdrawn == [said]
        assert not await courier.once()

    async def test_a_dead_link_does_not_lose_it(self, intake, courier, above):
        intake.withdraw(word(), "S")
        above.fails = LinkDownError("down")
        await courier.once()
        assert intake.withdrawals.untold() == []
        with intake.database.transaction() as session:
            session.execute(update(StoredWithdrawal).values(due=datetime.now(UTC)))
        above.fails = None
        await courier.once()
        assert len(above.withdrawn) == 1

    async def test_one_that_is_refused_above_is_not_told_for_ever(self, intake, courier, above):
        intake.withdraw(word(), "S")
        above.fails = ReferralRefusedError("no")
        await courier.once()
        above.fails = None
        await courier.once()
        assert above.withdrawn == []

    async def test_what_waits_to_be_sent_is_not_sent_after_it(self, intake, courier, above, refer):
        first, second = refer(state="outgoing"), refer(state="outgoing")
        with intake.database.transaction() as session:
            session.execute(update(StoredParcel).values(outgoing=None))
        above.before = lambda: intake.withdraw(word(), "S")
        await courier.once()
        assert len(above.sent) == 1
        assert {row(intake, id_).state for id_ in (first, second)} == {"withdrawn"}
        await courier.once()
        assert len(above.withdrawn) == 1
        await asyncio.sleep(0)
