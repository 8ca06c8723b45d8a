"""Saved versions of a reply: what is one, what is sealed, and when they go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from compliance.errors import NotFoundError
from services.hospital.models import Referral, ReplyVersion
from services.hospital.portal.versions import changed
from services.hospital.versions import MOST, ReplyVersions
from tests.unit.replies.conftest import ANA, BO


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def versions(database, desk, clock):
    made = ReplyVersions(database, desk, clock)
    made.attach(desk)
    return made


@pytest.fixture
def save(desk, versions):
    def saved(id_, text, user=ANA):
        item = desk.save(id_, text, version=desk.item(id_).version, user=user)
        versions.keep(item, user)

    return saved


def texts(versions, id_):
    return [one.text for one in versions.all(id_)]


def test_saves_within_a_minute_are_one_version_and_later_ones_are_their_own(
    lay, save, versions, clock
):
    id_ = lay()
    save(id_, "a")
    clock.later(20)
    save(id_, "ab")
    clock.later(41)
    save(id_, "abc")
    assert texts(versions, id_) == ["abc", "ab"]


def test_a_version_is_never_overwritten_by_somebody_else(lay, save, versions):
    id_ = lay()
    save(id_, "mine", ANA)
    save(id_, "theirs", BO)
    assert [(one.text, one.user_id) for one in versions.all(id_)] == [
        ("theirs", "bo"),
        ("mine", "ana"),
    ]


def test_the_same_text_again_is_no_version(lay, save, versions, clock):
    id_ = lay()
    save(id_, "a")
    clock.later(90)
    save(id_, "a")
    assert versions.count(id_) == 1


def test_of_many_versions_the_oldest_go(lay, save, versions, clock):
    id_ = lay()
    for number in range(MOST + 3):
        save(id_, str(number))
        clock.later(61)
    kept = texts(versions, id_)
    assert len(kept) == MOST
    assert kept[-1] == "3"


def test_no_word_of_a_version_stands_open_in_the_database(lay, save, database):
    save(lay(), "a secret word")
    with database.reading() as session:
        rows = list(session.scalars(select(ReplyVersion.text)))
    assert rows
    assert not any("secret" in row for row in rows)


def test_signing_drops_the_versions_in_its_own_transaction(lay, save, versions, desk):
    id_ = lay()
    save(id_, "signed")
    desk.sign(id_, "signed", version=1, user=ANA)
    assert versions.count(id_) == 0


def test_what_becomes_of_a_referral_becomes_of_its_versions(lay, save, versions, database):
    id_ = lay()
    save(id_, "a")
    with database.transaction() as session:
        session.execute(delete(Referral).where(Referral.id == id_))
    assert versions.count(id_) == 0


def test_keeping_a_version_of_what_is_gone_fails_nobody(lay, desk, versions, database):
    id_ = lay()
    item = desk.save(id_, "a", version=0, user=ANA)
    with database.transaction() as session:
        session.execute(delete(Referral).where(Referral.id == id_))
    versions.keep(item, ANA)
    assert versions.count(id_) == 0


def test_a_version_that_is_none_is_not_found(lay, versions):
    with pytest.raises(NotFoundError):
        versions.one(lay(), 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "a b"), ("a b", ""), ("one two three", "one 2 three"), ("a\n\nb", "a\nb c"), ("x", "x")],
)
def test_the_pieces_without_what_is_gone_are_the_text(before, after):
    pieces = changed(before, after)
    assert "".join(text for kind, text in pieces if kind != "gone") == after
    if before and after:
        assert "".join(text for kind, text in pieces if kind != "new") == before
