"""What a stolen clinic would still hold: ended referrals and used tokens do not pile up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from support.exchange import DeviceKeys, FailingAudit

from clinic_edge.service import KEEP_ENDED
from compliance.errors import NotFoundError
from compliance.receipt import CLOCK_SKEW, LONGEST_VALIDITY
from services.consult.messages import Level
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.models import StoredParcel
from services.exchange.registry import Registry


@pytest.fixture
def intake(database):
    return Intake(database, Level.CLINIC, FailingAudit())


@pytest.fixture
def lay(tmp_path, intake):
    keys = NodeKeys.load_or_create(tmp_path / "keys", name="C", level="clinic")

    def make(*, days: int, state: str) -> str:
        envelope = DeviceKeys().refer("x", keys, destination=Level.CLINIC).envelope
        intake.accept(envelope, "A" * 16)
        with intake.database.transaction() as session:
            session.execute(
                update(StoredParcel)
                .where(StoredParcel.id == envelope.id)
                .values(state=state, received=datetime.now(UTC) - timedelta(days=days))
            )
        return envelope.id

    return make


@pytest.mark.parametrize("state", ["answered", "refused"])
def test_an_ended_referral_is_deleted_after_its_time(intake, lay, state):
    old, new = lay(days=40, state=state), lay(days=1, state=state)
    assert intake.forget(KEEP_ENDED) == 1
    with pytest.raises(NotFoundError):
        intake.state(old, "A" * 16)
    assert intake.state(new, "A" * 16).id == new


@pytest.mark.parametrize("state", ["received", "outgoing", "relayed"])
def test_what_is_still_to_be_done_is_never_deleted(intake, lay, state):
    lay(days=400, state=state)
    assert intake.forget(KEEP_ENDED) == 0


def test_a_deleted_referral_cannot_come_again_since_its_receipt_is_over():
    assert KEEP_ENDED > LONGEST_VALIDITY + CLOCK_SKEW


def test_a_used_token_is_forgotten_only_when_it_could_not_be_taken_any_more(database):
    registry, now = Registry(database), datetime.now(UTC)
    assert registry.first_use("old", now - timedelta(seconds=1))
    assert registry.first_use("young", now + timedelta(seconds=60))
    assert registry.forget_expired() == 1
    assert not registry.first_use("young", now + timedelta(seconds=60))
