"""How the node stands: checks, clinics, jobs that were given up; and never a word of a patient."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from compliance.errors import NotFoundError
from services.exchange.models import EnrolledNode, StoredParcel
from services.exchange.registry import Registry
from services.hospital.errors import NotAllowedError
from services.hospital.jobs import Jobs
from services.hospital.models import Job
from services.hospital.operations import Sight
from services.hospital.operations.health import BACKUP_FILE, checks
from services.hospital.operations.nodes import devices, nodes
from services.hospital.operations.queues import dead, hours, kinds
from services.hospital.settings import HospitalSettings

NOW = datetime.now(UTC)


@pytest.fixture
def sight(database, tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/identity.key").touch(0o600)
    (tmp_path / "audit").mkdir()
    settings = HospitalSettings(data=tmp_path)
    trail = tmp_path / "audit/hospital.jsonl"
    return Sight(database, settings, Jobs(database), Registry(database), lambda: None, trail)


def state(sight, name):
    return next(one.state for one in checks(sight) if one.name == name)


def add_jobs(database, *jobs):
    with database.transaction() as session:
        for number, (kind, how, due) in enumerate(jobs):
            subject = f"subject-{number}"
            session.add(
                Job(id=f"{kind}:{subject}", kind=kind, subject=subject, state=how, due=due,
                    attempts=20 if how == "dead" else 0, created=due)
            )  # fmt: skip


def test_a_quiet_node_is_well(sight):
    told = {one.name: one.state for one in checks(sight)}
    assert set(told.values()) <= {"ok", "none", "warn"}
    for name in ("database", "clock", "jobs", "dead", "trail", "keys"):
        assert told[name] == "ok", name


def test_the_worst_stands_first(sight, database):
    add_jobs(database, ("filing", "pending", NOW - timedelta(hours=1)), ("open", "dead", NOW))
    told = [one.state for one in checks(sight)]
    assert told[0] == "bad"
    assert told == sorted(told, key=["bad", "warn", "none", "ok"].index)
    assert state(sight, "jobs") == "bad"
    assert state(sight, "dead") == "warn"


def test_a_key_that_others_can_read_is_told(sight, tmp_path):
    (tmp_path / "keys/identity.key").chmod(0o640)
    assert state(sight, "keys") == "bad"


@pytest.mark.parametrize(("hours_ago", "said"), [(1, "ok"), (30, "warn"), (24 * 8, "bad")])
def test_a_backup_is_known_by_the_file_that_it_touches(sight, tmp_path, hours_ago, said):
    assert state(sight, "backup") == "none"
    told = tmp_path / BACKUP_FILE
    told.touch()
    at = (NOW - timedelta(hours=hours_ago)).timestamp()
    os.utime(told, (at, at))
    assert state(sight, "backup") == said


def test_a_check_that_fails_itself_is_a_bad_one(sight, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: 1 / 0)
    assert state(sight, "disk") == "bad"


def test_a_clinic_is_silent_after_a_day_and_stands_first(database):
    with database.transaction() as session:
        for key, name, ago in (("a" * 8, "Loud", 1), ("b" * 8, "Still", 30)):
            moment = NOW - timedelta(hours=ago)
            session.add(
                EnrolledNode(fingerprint=key, name=name, level="clinic", identity="", bundle="",
                             enrolled=NOW - timedelta(days=9))
            )  # fmt: skip
            session.add(
                StoredParcel(id=f"{key}-parcel", sender=key, destination="hospital", digest="d",
                             device=f"device-{key}", envelope="", state="received", due=moment,
                             received=moment, attempts=0)
            )  # fmt: skip
    rows = nodes(database, NOW)
    assert [(row.name, row.state, row.waiting) for row in rows] == [
        ("Still", "stale", 1),
        ("Loud", "fresh", 1),
    ]
    assert devices(database, NOW - timedelta(hours=2)) == 1


def enrol(database, name, hours_ago):
    with database.transaction() as session:
        session.add(
            EnrolledNode(fingerprint=name * 8, name=name, level="clinic", identity="", bundle="",
                         enrolled=NOW - timedelta(hours=hours_ago))
        )  # fmt: skip


def test_a_clinic_of_which_nothing_came_yet_is_new_and_not_well(database):
    enrol(database, "New", 2)
    assert [row.state for row in nodes(database, NOW)] == ["new"]


def test_a_silent_clinic_is_told_where_an_operator_looks_first(sight, database):
    assert state(sight, "nodes") == "none"
    enrol(database, "New", 1)
    assert state(sight, "nodes") == "ok"
    enrol(database, "Down", 30)
    assert state(sight, "nodes") == "warn"


def test_jobs_are_counted_by_kind_and_by_hour(database):
    add_jobs(
        database,
        ("filing", "done", NOW),
        ("filing", "pending", NOW),
        ("filing", "dead", NOW),
        ("learn-edit", "done", NOW - timedelta(hours=3)),
        ("learn-edit", "done", NOW - timedelta(days=3)),
    )
    told = {row.kind: (row.pending, row.done, row.dead) for row in kinds(database)}
    assert told == {"filing": (1, 1, 1), "learn-edit": (0, 2, 0)}
    last = hours(database, NOW)
    assert len(last) == 24
    assert (last[-1].done, last[-1].pending, last[-1].dead) == (1, 1, 1)
    assert last[-4].done == 1
    assert sum(hour.all for hour in last) == 4


def test_a_job_that_was_given_up_is_tried_again_from_the_beginning(database):
    add_jobs(database, ("filing", "dead", NOW))
    jobs = Jobs(database)
    (one,) = dead(database)
    jobs.retry(one.id)
    assert dead(database) == []
    assert jobs.due() == [one.id]
    with pytest.raises(NotFoundError):
        jobs.dead(one.id)


def test_a_job_behind_which_a_patient_waits_is_never_dropped(database):
    add_jobs(database, ("open-referral", "dead", NOW), ("filing", "dead", NOW))
    jobs = Jobs(database)
    with pytest.raises(NotAllowedError):
        jobs.droppable("open-referral:subject-0")
    jobs.drop("open-referral:subject-0")
    jobs.droppable("filing:subject-1")
    jobs.drop("filing:subject-1")
    assert [row.kind for row in dead(database)] == ["open-referral"]
