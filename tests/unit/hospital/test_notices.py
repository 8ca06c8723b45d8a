"""What people at the portal are told: once, their own alone, and not what they switched off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from compliance.errors import NotFoundError
from services.hospital.models import User
from services.hospital.notices import KINDS, Notices, kinds_of, notify, notify_role
from services.hospital.notices.telling import settle

ANA, BEN = "ana-id", "ben-id"


@pytest.fixture
def notices(database):
    return Notices(database)


def tell(database, user, kind="handed-over", subject="referral-1", **more):
    with database.transaction() as session:
        notify(session, user, kind, subject, **more)


def test_a_notice_is_told_to_its_person_alone(database, notices):
    tell(database, ANA)
    assert notices.unread(ANA) == 1
    assert notices.unread(BEN) == 0
    (one,) = notices.of(ANA)
    assert one.read is None
    assert notices.address(ANA, one.id) == "/portal/referrals/referral-1"
    with pytest.raises(NotFoundError):
        notices.address(BEN, one.id)


def test_what_happens_again_makes_the_notice_new_again_and_never_two(database, notices):
    tell(database, ANA)
    notices.read(ANA)
    assert notices.unread(ANA) == 0
    tell(database, ANA)
    assert notices.unread(ANA) == 1
    assert len(notices.of(ANA)) == 1


def test_what_lasts_is_told_once_and_again_when_it_begins_again(database, notices):
    before = datetime.now(UTC) - timedelta(minutes=1)
    tell(database, ANA, "expiring", "timestamp", since=before)
    notices.read(ANA)
    tell(database, ANA, "expiring", "timestamp", since=before)
    assert notices.unread(ANA) == 0
    tell(database, ANA, "expiring", "timestamp", since=datetime.now(UTC))
    assert notices.unread(ANA) == 1


def test_what_no_longer_waits_is_marked_as_read(database, notices):
    for subject in ("gone", "still"):
        tell(database, ANA, "round-waits", subject)
    tell(database, ANA, subject="other")
    with database.transaction() as session:
        settle(session, "round-waits", {"still"})
    assert {one.subject for one in notices.of(ANA) if one.read is None} == {"still", "other"}


def test_reading_all_can_be_undone_and_brings_back_only_what_it_read(database, notices):
    tell(database, ANA, subject="old")
    notices.read(ANA, notices.of(ANA)[0].id)
    tell(database, ANA, subject="one")
    tell(database, ANA, subject="two")
    at = notices.read(ANA)
    assert notices.unread(ANA) == 0
    assert notices.undo(BEN, at) == 0
    assert notices.undo(ANA, at) == 2
    assert {one.subject for one in notices.of(ANA) if one.read is None} == {"one", "two"}


def test_nobody_reads_the_notice_of_another(database, notices):
    tell(database, ANA)
    notices.read(BEN, notices.of(ANA)[0].id)
    assert notices.unread(ANA) == 1


def test_a_kind_that_was_switched_off_is_not_told(database, notices):
    notices.choose(ANA, {"handed-over"})
    tell(database, ANA)
    assert notices.of(ANA) == []
    notices.choose(ANA, ())
    tell(database, ANA)
    assert notices.unread(ANA) == 1


def test_emergencies_cannot_be_switched_off(database, notices):
    notices.choose(ANA, set(KINDS))
    assert "red-flag" not in notices.off(ANA)
    tell(database, ANA, "red-flag", "intake-1")
    assert notices.unread(ANA) == 1


def test_everybody_of_a_role_is_told_but_nobody_who_is_disabled(database, notices):
    people = (("op", "operator", False), ("gone", "operator", True), ("doc", "clinician", False))
    made = datetime.now(UTC)
    with database.transaction() as session:
        for name, role, disabled in people:
            session.add(
                User(
                    id=name,
                    username=name,
                    display_name=name,
                    role=role,
                    password="",
                    disabled=disabled,
                    created=made,
                )
            )
    with database.transaction() as session:
        notify_role(session, "operator", "job-dead", "filing")
    assert [notices.unread(name) for name, _, _ in people] == [1, 0, 0]


def test_a_kind_that_nobody_knows_is_refused(database):
    with pytest.raises(ValueError, match="no such kind"):
        tell(database, ANA, "gossip")


def test_notices_are_forgotten_after_their_time(database, notices):
    tell(database, ANA)
    assert notices.forget(datetime.now(UTC) - timedelta(days=90)) == 0
    assert notices.forget(datetime.now(UTC) + timedelta(minutes=1)) == 1
    assert notices.of(ANA) == []


def test_each_role_gets_kinds_of_its_own(database):
    assert all(kinds_of(role) for role in ("clinician", "operator", "privacy"))
    assert "job-dead" not in kinds_of("clinician")
