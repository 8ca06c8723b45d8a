"""The index beside a trail: what it finds, and that it follows the trail alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from compliance.audit import AuditError, AuditTrail, acts, crossing, load_or_create_key, verify_file
from compliance.audit.acts import Actors, Agent
from compliance.audit.entries import entry_of, entry_of_line, reason_of
from compliance.audit.index import Search, TrailIndex
from compliance.audit.verify import TELL_EVERY

ANA = Actors(
    person=Agent("person", "ana", role="clinician"),
    application=Agent("application", "caretier-portal"),
    node="hospital",
    client="10.0.0.9",
)
BO = Actors(
    person=Agent("person", "bo", role="privacy"),
    application=Agent("application", "caretier-portal"),
    node="hospital",
    client="10.0.0.8",
)


@pytest.fixture
def trail(tmp_path):
    return AuditTrail(tmp_path / "audit" / "t.jsonl", load_or_create_key(tmp_path), node="hospital")


@pytest.fixture
def index(trail, tmp_path):
    return TrailIndex(trail.path, tmp_path / "index.db")


def filled(trail):
    trail.record(acts.sign_in(ANA, method="password"))
    trail.record(acts.read(ANA, "chart:Patient/p1", patient="Patient/p1"))
    trail.record(acts.read(ANA, "Patient/p2", patient="Patient/p2", outcome="8"))
    trail.record(acts.break_glass(ANA, "Patient/p2", why="Found unconscious"))
    trail.record(acts.search(BO, "Observation?patient=p1", patient="Patient/p1"))
    trail.record(acts.change(BO, "Observation/o1", "delete", patient="Patient/p1"))


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(), [5, 4, 3, 2, 1, 0]),
        (Search(patient="Patient/p1"), [5, 4, 1]),
        (Search(who="ana", act="read"), [2, 1]),
        (Search(outcome="failed"), [2]),
        (Search(outcome="ok", who="ana"), [3, 1, 0]),
        (Search(client="10.0.0.8"), [5, 4]),
        (Search(acts=("break-glass", "delete")), [5, 3]),
        (Search(until=datetime(2020, 1, 1, tzinfo=UTC)), []),
        (Search(who="' or 1 --"), []),
    ],
)
def test_events_are_found_by_what_they_are_the_newest_first(trail, index, search, found):
    filled(trail)
    assert index.catch_up().complete
    assert [one.seq for one in index.find(search)] == found
    assert index.count(search) == len(found)


def test_pages_go_back_in_time(trail, index):
    filled(trail)
    index.catch_up()
    assert [one.seq for one in index.find(Search(), before=2, limit=5)] == [1, 0]


def test_an_entry_says_what_happened(trail, index):
    filled(trail)
    index.catch_up()
    delete, search, glass, *_ = index.find(Search())
    assert (delete.act, delete.what, delete.who) == ("delete", "Observation/o1", "bo")
    assert search.what == "Observation?patient=p1"
    assert (glass.act, glass.patient) == ("break-glass", "Patient/p2")
    assert reason_of(index.record(glass.seq).event) == "Found unconscious"


def test_days_are_counted_by_act(trail, index):
    filled(trail)
    index.catch_up()
    today = datetime.now(UTC).date().isoformat()
    assert (today, "read", 2) in index.days(Search(since=datetime.now(UTC) - timedelta(hours=1)))


def test_what_comes_later_is_taken_in_later(trail, index):
    filled(trail)
    index.catch_up()
    trail.record(acts.sign_out(ANA, method="asked"))
    assert index.find(Search())[0].act == "delete"
    assert index.catch_up().complete
    assert index.find(Search())[0].act == "sign-out"


def test_a_long_trail_is_taken_in_by_parts(trail, index, monkeypatch):
    monkeypatch.setattr("compliance.audit.index._CHUNK", 2)
    filled(trail)
    reach = index.catch_up(seconds=0)
    assert 0 < reach.done < reach.whole
    assert not reach.complete
    assert index.catch_up().complete
    assert index.count(Search()) == 6


def test_what_the_anchor_does_not_acknowledge_is_not_shown(trail, index):
    filled(trail)
    with trail.path.open("ab") as file:
        file.write(b'{"unfinished')
    assert index.catch_up().complete
    assert index.count(Search()) == 6


def test_another_trail_in_its_place_is_read_anew(trail, index, tmp_path):
    filled(trail)
    index.catch_up()
    for path in trail.path.parent.glob("t.jsonl*"):
        path.unlink()
    other = AuditTrail(trail.path, load_or_create_key(tmp_path), node="hospital")
    other.record(acts.sign_in(BO, method="password"))
    index.catch_up()
    assert [one.who for one in index.find(Search())] == ["bo"]


def test_a_record_that_was_changed_is_not_shown_in_full(trail, index):
    filled(trail)
    index.catch_up()
    trail.path.write_bytes(trail.path.read_bytes().replace(b"Patient/p2", b"Patient/p3"))
    assert index.record(1).seq == 1
    with pytest.raises(AuditError):
        index.record(2)
    with pytest.raises(AuditError):
        index.record(99)


def test_where_nothing_was_written_nothing_is_found(tmp_path):
    index = TrailIndex(tmp_path / "none.jsonl", tmp_path / "index.db")
    assert index.catch_up().complete
    assert index.find(Search()) == []


def test_the_index_is_for_its_user_alone(trail, index, tmp_path):
    index.catch_up()
    assert (tmp_path / "index.db").stat().st_mode & 0o077 == 0


def test_an_index_that_is_damaged_says_so(trail, index, tmp_path):
    (tmp_path / "index.db").write_bytes(b"no database at all, but long enough to be read" * 40)
    with pytest.raises(AuditError):
        index.catch_up()


def test_a_crossing_is_an_entry_too():
    event = crossing(
        action="send", referral="42", source="device", destination="clinic", model=None,
        person=Agent("person", "p-7"), application=Agent("application", "caretier"),
        detail={"receipt": "r-1"},
    )  # fmt: skip
    entry = entry_of(0, "2026-01-01", event)
    assert (entry.act, entry.what, entry.patient) == ("send", "referral:42", "p-7")


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"seq": 1}', json.dumps({"event": 7}).encode()])
def test_what_is_no_record_is_refused(line):
    with pytest.raises(AuditError):
        entry_of_line(line)


def test_a_check_says_how_far_it_is_and_writers_go_on_meanwhile(trail):
    trail.record_all([acts.sign_in(ANA, method="password")] * (TELL_EVERY + 1))
    told = []

    def tell(done, whole):
        told.append((done, whole))
        trail.record(acts.sign_out(ANA, method="asked"))  # would wait for ever on a held lock

    report = verify_file(trail.path, tell=tell)
    assert told == [(TELL_EVERY, TELL_EVERY + 1)]
    assert report.ok
    assert report.records == TELL_EVERY + 1
