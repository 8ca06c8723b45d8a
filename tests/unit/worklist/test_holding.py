"""Taking, handing over, snoozing and undoing; two at once, and what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from compliance.audit import AuditError
from compliance.errors import NotFoundError
from services.hospital.errors import NotAllowedError, StaleDraftError
from services.hospital.models import Referral
from services.hospital.worklist import Filters, Wish
from services.hospital.worklist.errors import (
    CannotUndoError,
    CannotWaitError,
    NobodyToTakeError,
    SnoozeTimeError,
    TakenError,
)

TAKE = Wish("take")


def snooze(ward, hours=1.0, note="Waits for a result"):
    return Wish("snooze", until=ward.now + timedelta(hours=hours), note=note)


def test_who_takes_a_referral_holds_it_and_it_is_written_down(ward, ana):
    id_ = ward.refer()
    done = ward.holding.one(TAKE, id_, 0, ana)
    assert done.versions == {id_: 1}
    assert ward.ids(Filters(show="mine"), ana) == [id_]
    assert ward.trail == [("ana", "take", (id_,))]
    (step,) = ward.holding.history(id_)
    assert (step.act, step.by, step.at) == ("take", ana.id, ward.now)


def test_nothing_is_changed_that_could_not_be_written_down(ward, ana):
    id_ = ward.refer()
    ward.audit_fails = AuditError("full")
    with pytest.raises(AuditError):
        ward.holding.one(TAKE, id_, 0, ana)
    assert ward.row(id_).assignee is None
    assert ward.holding.history(id_) == []


def test_of_two_who_take_at_once_one_holds_it(ward, ana, bo):
    id_ = ward.refer()

    def take(user):
        return ward.holding.act(TAKE, [(id_, 0)], user)

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(take, [ana, bo]))
    won = [done for done in both if done.versions]
    lost = [done for done in both if done.refused]
    assert len(won) == len(lost) == 1
    assert isinstance(lost[0].refused[id_], StaleDraftError)
    assert len(ward.holding.history(id_)) == 1


def test_a_referral_that_somebody_holds_is_taken_over_only_where_one_says_so(ward, ana, bo):
    id_ = ward.refer()
    ward.holding.one(TAKE, id_, 0, bo)
    for wish in (TAKE, Wish("release"), snooze(ward)):
        with pytest.raises(TakenError):
            ward.holding.one(wish, id_, 1, ana)
    ward.holding.one(Wish("take", over=True), id_, 1, ana)
    assert ward.row(id_).assignee == ana.id


def test_several_are_changed_at_once_and_the_rest_is_left(ward, ana, bo):
    free, held, moved = ward.refer(), ward.refer(assignee=bo.id), ward.refer(version=3)
    rows = [(free, 0), (held, 0), (moved, 0), ("0" * 36, 0)]
    done = ward.holding.act(TAKE, rows, ana)
    assert done.versions == {free: 1}
    assert {id_: type(error) for id_, error in done.refused.items()} == {
        held: TakenError,
        moved: StaleDraftError,
        "0" * 36: NotFoundError,
    }
    assert ward.trail == [("ana", "take", (free,))]


def test_what_is_handed_over_stands_on_the_colleagues_list_with_its_note(ward, ana, bo):
    id_ = ward.refer()
    ward.holding.one(Wish("handover", to=bo, note=" Look at the rash. "), id_, 0, ana)
    assert ward.ids(Filters(show="handed"), bo) == [id_]
    assert ward.ids(Filters(show="handed"), ana) == []
    (step,) = ward.holding.history(id_)
    assert (step.to, step.note) == (bo.id, "Look at the rash.")
    ward.holding.one(TAKE, id_, 1, bo)
    assert ward.ids(Filters(show="handed"), bo) == []


@pytest.mark.parametrize("who", ["nobody", "disabled", "operator", "oneself"])
def test_a_referral_is_handed_to_another_clinician_alone(ward, ana, who):
    people = {
        "nobody": lambda: None,
        "disabled": lambda: ward.person("off", disabled=True),
        "operator": lambda: ward.person("op", "operator"),
        "oneself": lambda: ana,
    }
    id_ = ward.refer()
    with pytest.raises(NobodyToTakeError):
        ward.holding.one(Wish("handover", to=people[who]()), id_, 0, ana)
    assert ward.row(id_).version == 0


def test_a_snoozed_one_goes_and_comes_back_by_itself_first_among_its_urgency(ward, ana):
    oldest, other, urgent = ward.refer(hours=9), ward.refer(hours=1), ward.refer("urgent")
    ward.holding.one(snooze(ward), other, 0, ana)
    assert ward.ids(Filters(), ana) == [urgent, oldest]
    assert ward.ids(Filters(show="snoozed"), ana) == [other]
    ward.now += timedelta(hours=1)
    assert ward.ids(Filters(), ana) == [urgent, other, oldest]
    assert ward.ids(Filters(show="snoozed"), ana) == []


def test_an_emergency_is_never_snoozed(ward, ana):
    calm, alarm = ward.refer(), ward.refer("emergency")
    done = ward.holding.act(snooze(ward), [(calm, 0), (alarm, 0)], ana)
    assert list(done.versions) == [calm]
    assert isinstance(done.refused[alarm], CannotWaitError)
    assert ward.ids(Filters(), ana) == [alarm]


@pytest.mark.parametrize(
    ("hours", "note"), [(0, "why"), (-1, "why"), (24 * 15, "why"), (1, ""), (1, "  ")]
)
def test_a_snooze_has_a_moment_within_two_weeks_and_a_reason(ward, ana, hours, note):
    with pytest.raises(SnoozeTimeError):
        ward.holding.one(snooze(ward, hours, note), ward.refer(), 0, ana)


def test_a_snoozed_one_is_woken_by_hand_or_by_who_takes_it(ward, ana, bo):
    for wish in (Wish("wake"), TAKE):
        id_ = ward.refer()
        ward.holding.one(snooze(ward), id_, 0, ana)
        ward.holding.one(wish, id_, 1, bo)
        assert id_ in ward.ids(Filters(), ana)


@pytest.mark.parametrize("act", ["take", "release", "handover", "snooze", "wake"])
def test_undo_puts_everything_back_as_it_was(ward, ana, bo, act):
    until = ward.now + timedelta(hours=5) if act == "wake" else None
    id_ = ward.refer(assignee=ana.id, handed_by=bo.id, snoozed_until=until)
    before = ward.row(id_)
    wish = Wish(
        act,
        to=bo if act == "handover" else None,
        until=ward.now + timedelta(hours=2) if act == "snooze" else None,
        note="why",
    )
    batch = ward.holding.one(wish, id_, 0, ana).batch
    assert ward.holding.done(batch, ana) == (act, 1)
    ward.holding.undo(batch, ana)
    after = ward.row(id_)
    for column in ("assignee", "handed_by", "snoozed_until", "snoozed_by", "place", "came"):
        assert getattr(after, column) == getattr(before, column), column
    assert after.version == 2
    assert [step.act for step in ward.holding.history(id_)] == [act, "undo"]
    assert [act_ for _, act_, _ in ward.trail] == [act, "undo"]


def test_undo_is_for_who_did_it_once_and_soon(ward, ana, bo):
    batch = ward.holding.one(TAKE, ward.refer(), 0, ana).batch
    for user, wait in ((bo, 0), (ana, 11)):
        ward.now += timedelta(minutes=wait)
        with pytest.raises(CannotUndoError):
            ward.holding.undo(batch, user)
        ward.now -= timedelta(minutes=wait)
    ward.holding.undo(batch, ana)
    with pytest.raises(CannotUndoError):
        ward.holding.undo(batch, ana)


def test_undo_leaves_what_somebody_went_on_with(ward, ana, bo):
    first, second = ward.refer(), ward.refer()
    batch = ward.holding.act(TAKE, [(first, 0), (second, 0)], ana).batch
    ward.holding.one(Wish("take", over=True), second, 1, bo)
    done = ward.holding.undo(batch, ana)
    assert list(done.versions) == [first]
    assert list(done.refused) == [second]
    assert ward.row(second).assignee == bo.id


@pytest.mark.parametrize(("role", "disabled"), [("privacy", False), ("clinician", True)])
def test_only_a_clinician_whose_account_is_in_use_holds_referrals(ward, role, disabled):
    user = ward.person("other", role, disabled=disabled)
    with pytest.raises(NotAllowedError):
        ward.holding.act(TAKE, [(ward.refer(), 0)], user)


def test_a_signed_referral_is_nobodys_to_take(ward, ana):
    with pytest.raises(StaleDraftError):
        ward.holding.one(TAKE, ward.refer(state="signed", signed=ward.now), 0, ana)


def test_who_held_a_referral_is_forgotten_with_it(ward, ana):
    id_ = ward.refer()
    ward.holding.one(TAKE, id_, 0, ana)
    with ward.database.transaction() as session:
        session.delete(session.get_one(Referral, id_))
    assert ward.holding.history(id_) == []


def test_news_tell_of_what_came_and_of_what_others_hold(ward, ana, bo):
    shown = ward.refer(hours=1)
    since = ward.now
    ward.now += timedelta(minutes=1)
    fresh = ward.refer()
    alarm = ward.refer("emergency")
    ward.holding.one(TAKE, shown, 0, bo)
    news = ward.worklist.news(Filters(urgency="routine"), ana.id, since, [shown, "0" * 36])
    assert (news.fresh, news.emergency, news.tally.hidden) == (1, True, 1)
    assert [(row.id, row.assignee, row.version) for row in news.rows] == [(shown, bo.id, 1)]
    again = ward.worklist.news(Filters(), ana.id, since, [shown, fresh, alarm])
    assert (again.fresh, again.emergency) == (0, False)
