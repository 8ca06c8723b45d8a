"""Intake: a referral is taken once, kept, and shown only to the node that sent it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.exchange import DeviceKeys, FailingAudit

from compliance.audit import AuditError
from compliance.errors import NotFoundError
from services.consult.messages import Level
from services.exchange.errors import ReferralConflictError, ReferralRefusedError
from services.exchange.intake import LONGEST_WAIT, Intake
from services.exchange.keys import NodeKeys
from services.exchange.messages import ParcelState
from services.exchange.models import StoredParcel


@pytest.fixture
def audit():
    return FailingAudit()


@pytest.fixture
def intake(database, audit):
    return Intake(database, Level.HOSPITAL, audit)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return NodeKeys.load_or_create(tmp_path_factory.mktemp("k"), name="H", level="hospital")


@pytest.fixture(scope="module")
def device():
    return DeviceKeys()


@pytest.fixture
def envelope(device, keys):
    return device.refer("What is asthma?", keys).envelope


def row(intake, id_) -> StoredParcel:
    with intake.database.reading() as session:
        return session.get_one(StoredParcel, id_)


def test_a_referral_is_taken_and_waits_here(intake, envelope):
    parcel = intake.accept(envelope, "CLINIC")
    assert parcel.state is ParcelState.RECEIVED
    assert parcel.reply is None
    assert row(intake, envelope.id).state == "received"
    assert [r.id for r in intake.due("received")] == [envelope.id]


def test_one_for_a_tier_above_waits_to_be_carried(database, audit, envelope):
    clinic = Intake(database, Level.CLINIC, audit)
    assert clinic.accept(envelope, "DEVICE").state is ParcelState.RECEIVED
    assert row(clinic, envelope.id).state == "outgoing"


def test_the_same_referral_again_changes_nothing(intake, audit, envelope):
    first = intake.accept(envelope, "CLINIC")
    assert intake.accept(envelope, "CLINIC") == first
    assert len(audit.events) == 1


def test_the_same_one_after_the_answer_brings_the_reply(intake, envelope):
    intake.accept(envelope, "CLINIC")
    intake.answer(envelope.id, "sealed")
    assert intake.accept(envelope, "CLINIC").reply == "sealed"


def test_another_referral_under_the_same_id_is_a_conflict(intake, envelope, device, keys):
    intake.accept(envelope, "CLINIC")
    other = device.refer("Something else", keys, id_=envelope.id).envelope
    with pytest.raises(ReferralConflictError):
        intake.accept(other, "CLINIC")


def test_the_same_referral_from_another_node_is_a_conflict(intake, envelope):
    intake.accept(envelope, "CLINIC")
    with pytest.raises(ReferralConflictError):
        intake.accept(envelope, "OTHER")


def test_another_nodes_referral_looks_like_none(intake, envelope):
    intake.accept(envelope, "CLINIC")
    with pytest.raises(NotFoundError) as theirs:
        intake.state(envelope.id, "OTHER")
    with pytest.raises(NotFoundError) as none:
        intake.state("0" * 36, "OTHER")
    assert theirs.value.message == none.value.message


def test_a_bad_receipt_is_refused_and_nothing_is_kept(intake, audit, device, keys):
    bad = device.refer("What is asthma?", keys, receipt={"policy": "none"}).envelope
    with pytest.raises(ReferralRefusedError):
        intake.accept(bad, "CLINIC")
    assert intake.due("received") == []
    assert audit.events == []


def test_when_the_crossing_cannot_be_written_down_it_is_not_taken(intake, audit, envelope):
    audit.fails = True
    with pytest.raises(AuditError):
        intake.accept(envelope, "CLINIC")
    with pytest.raises(NotFoundError):
        intake.state(envelope.id, "CLINIC")
    audit.fails = False
    assert intake.accept(envelope, "CLINIC").state is ParcelState.RECEIVED


def test_the_audit_names_device_receipt_and_consent_but_no_words(intake, audit, envelope):
    intake.accept(envelope, "CLINIC")
    text = str(audit.events[0])
    assert envelope.receipt.device in text
    assert envelope.receipt.id in text
    assert "consent-1" in text
    assert "asthma" not in text


def test_what_is_done_in_the_same_transaction_is_undone_with_it(database, audit, envelope):
    class Broken(Intake):
        def on_accept(self, session, envelope):
            raise LookupError

    broken = Broken(database, Level.HOSPITAL, audit)
    with pytest.raises(LookupError):
        broken.accept(envelope, "CLINIC")
    assert broken.due("received") == []


def test_the_first_reply_stays(intake, envelope):
    intake.accept(envelope, "CLINIC")
    intake.answer(envelope.id, "first")
    intake.answer(envelope.id, "second")
    parcel = intake.state(envelope.id, "CLINIC")
    assert (parcel.state, parcel.reply) == (ParcelState.ANSWERED, "first")


def test_an_answered_referral_is_not_sent_up_any_more(intake, envelope):
    intake.accept(envelope, "CLINIC")
    intake.answer(envelope.id, "reply")
    intake.pass_on(envelope.id)
    assert row(intake, envelope.id).state == "answered"


def test_a_refusal_is_shown_to_the_sender(intake, envelope):
    intake.accept(envelope, "CLINIC")
    intake.refused(envelope.id, "x" * 500)
    assert intake.state(envelope.id, "CLINIC").state is ParcelState.REFUSED
    assert len(row(intake, envelope.id).reason) == 200


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 1), (3, 8), (5, 32), (9, 120), (500, 120)])
def test_the_pause_doubles_up_to_a_bound(intake, envelope, attempts, seconds):
    intake.accept(envelope, "CLINIC")
    before = datetime.now(UTC)
    intake.later(envelope.id, attempts)
    pause = row(intake, envelope.id).due - before
    assert timedelta(seconds=seconds) <= pause < timedelta(seconds=seconds + 5)
    assert pause < LONGEST_WAIT + timedelta(seconds=5)
    assert intake.due("received") == []
    assert row(intake, envelope.id).attempts == attempts + 1


def test_what_came_first_is_due_first(intake, device, keys):
    made = [device.refer(f"question {n}", keys).envelope for n in range(3)]
    for envelope in made:
        intake.accept(envelope, "CLINIC")
    assert [r.id for r in intake.due("received")] == [e.id for e in made]
    assert len(intake.due("received", limit=2)) == 2
