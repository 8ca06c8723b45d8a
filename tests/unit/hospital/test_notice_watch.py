"""What waits is told to those who can do something about it, and settled when it is done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.hospital.models import GlassBreak, IntakeAlert, Job, User
from services.hospital.notices import Notices
from services.hospital.notices.watch import Eyes, Watch
from services.hospital.operations import Check
from services.learning.models import KnowledgeChange, Signal

NOW = datetime.now(UTC)
PEOPLE = (("ana", "clinician"), ("ben", "clinician"), ("op", "operator"), ("pri", "privacy"))


@pytest.fixture
def watch(database):
    with database.transaction() as session:
        session.add_all(
            User(id=name, username=name, display_name=name, role=role, password="", created=NOW)
            for name, role in PEOPLE
        )
    eyes = Eyes(lambda _patient: ["ana"], list, list)
    return Watch(database, eyes)


def told(database):
    notices = Notices(database)
    return {name: [one.kind for one in notices.of(name) if one.read is None] for name, _ in PEOPLE}


def add(database, *rows):
    with database.transaction() as session:
        session.add_all(rows)


def test_a_red_flag_is_told_to_whoever_treats_the_person_and_ends_when_taken_up(database, watch):
    add(database, IntakeAlert(id="i1", patient="p-canary", level="emergency", received=NOW))
    watch.look()
    watch.look()
    assert told(database) == {"ana": ["red-flag"], "ben": [], "op": [], "pri": []}
    assert "canary" not in str(Notices(database).of("ana"))
    with database.transaction() as session:
        session.get_one(IntakeAlert, "i1").seen = NOW
    watch.look()
    assert told(database)["ana"] == []


def test_a_red_flag_that_comes_in_again_is_told_again(database, watch):
    add(database, IntakeAlert(id="i1", patient="p1", level="urgent", received=NOW, seen=NOW))
    for later in (timedelta(seconds=0), timedelta(seconds=5)):
        with database.transaction() as session:
            row = session.get_one(IntakeAlert, "i1")
            row.seen, row.received = None, datetime.now(UTC) + later
        watch.look()
        assert told(database)["ana"] == ["red-flag"]
        with database.transaction() as session:
            session.get_one(IntakeAlert, "i1").seen = NOW
        watch.look()
        assert told(database)["ana"] == []


def test_what_waits_for_a_decision_is_told_to_those_who_decide(database, watch):
    add(
        database,
        GlassBreak(
            id="g", user_id="ana", patient="p", reason="r", opened=NOW, expires=NOW, verdict=None
        ),
        KnowledgeChange(id="c", source="s", snapshot="x", state="waiting", made=NOW, changed=NOW),
        Job(id="f:1", kind="f", subject="1", state="dead", due=NOW, created=NOW),
    )
    watch.look()
    expected = {"ana": ["change-waits"], "ben": ["change-waits"], "op": ["job-dead"]}
    assert told(database) == expected | {"pri": ["glass-break"]}


def test_a_reading_stays_read_until_it_happens_again(database, watch):
    add(database, Job(id="f:1", kind="f", subject="1", state="dead", due=NOW, created=NOW))
    watch.look()
    Notices(database).read("op")
    watch.look()
    assert told(database)["op"] == []
    later = datetime.now(UTC) + timedelta(minutes=6)
    add(database, Job(id="f:2", kind="f", subject="2", state="dead", due=later, created=NOW))
    watch.look()
    assert told(database)["op"] == ["job-dead"]


def test_signatures_that_run_out_are_told_to_operators(database, watch):
    soon = Check("metadata", "warn", {"roles": "root"}, NOW + timedelta(days=3))
    Watch(database, Eyes(lambda *_: False, list, lambda: [soon])).look()
    assert told(database)["op"] == ["expiring"]


def said_wrong(device, made, **more):
    return Signal(
        id=f"{device}-{made:%d}", kind="correction", domain="general", question="q", worse="a",
        note="", consent="c", subject=device, made=made, expires=made + timedelta(days=90), **more,
    )  # fmt: skip


def test_a_week_in_which_five_devices_called_answers_wrong_is_told_and_which_is_not(
    database, watch
):
    last = NOW - timedelta(days=NOW.weekday() + 3)
    add(database, *(said_wrong(f"secret-{n}", last) for n in range(4)))
    add(database, said_wrong("secret-0", last - timedelta(days=1)), said_wrong("secret-9", NOW))
    watch.look()
    assert told(database)["ana"] == []  # four devices, and one of this week
    add(database, said_wrong("secret-4", last))
    watch.look()
    watch.look()
    assert told(database) == {
        "ana": ["answers-doubted"], "ben": ["answers-doubted"], "op": [], "pri": [],
    }  # fmt: skip
    assert "secret" not in str(Notices(database).of("ana"))
    year, week, _ = last.isocalendar()
    assert [one.subject for one in Notices(database).of("ana")] == [f"{year}-W{week:02}"]
