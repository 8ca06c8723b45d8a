"""Jobs: leased, fenced, tried again, and dead in the end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from services.hospital.jobs import LEASE, LONGEST_WAIT, MAX_ATTEMPTS, Jobs, add_job
from services.hospital.models import Job

ID = "open-referral:r1"

KEEP_DONE = timedelta(days=7)


@pytest.fixture
def jobs(database):
    made = Jobs(database)
    with database.transaction() as session:
        add_job(session, "open-referral", "r1")
    return made


def job(database, id_=ID) -> Job:
    with database.reading() as session:
        return session.get_one(Job, id_)


def change(database, **values):
    with database.transaction() as session:
        session.execute(update(Job).values(**values))


def finish(jobs, database, taken) -> bool:
    with database.transaction() as session:
        return jobs.finish(session, taken)


def test_a_job_is_due_at_once_and_taken_with_a_number(jobs):
    assert jobs.due() == [ID]
    taken = jobs.take(ID)
    assert (taken.kind, taken.subject, taken.fence) == ("open-referral", "r1", 1)


def test_the_same_work_is_written_once(jobs, database):
    with database.transaction() as session:
        add_job(session, "open-referral", "r1")
        add_job(session, "open-referral", "r2")
    assert len(jobs.due()) == 2


def test_a_job_that_is_rolled_back_with_its_cause_is_not_there(jobs, database):
    def work() -> None:
        with database.transaction() as session:
            add_job(session, "open-referral", "r3")
            raise LookupError

    with pytest.raises(LookupError):
        work()
    assert jobs.due() == [ID]


def test_while_it_is_leased_nobody_else_takes_it(jobs):
    assert jobs.take(ID)
    assert jobs.take(ID) is None
    assert jobs.due() == []


def test_of_many_who_try_at_once_one_takes_it(jobs):
    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(lambda _: jobs.take(ID), range(6)))
    assert len([t for t in taken if t]) == 1


def test_an_unknown_job_is_not_taken(jobs):
    assert jobs.take("none") is None


def test_after_the_lease_another_takes_it_and_the_first_is_fenced_off(jobs, database):
    first = jobs.take(ID)
    assert job(database).due > datetime.now(UTC) + LEASE / 2
    change(database, due=datetime.now(UTC))
    second = jobs.take(ID)
    assert second.fence == first.fence + 1
    assert not finish(jobs, database, first)
    assert finish(jobs, database, second)
    assert job(database).state == "done"


def test_a_fenced_off_failure_changes_nothing(jobs, database):
    first = jobs.take(ID)
    change(database, due=datetime.now(UTC))
    jobs.take(ID)
    jobs.fail(first, "TimeoutError")
    assert job(database).attempts == 0


def test_work_is_finished_once(jobs, database):
    taken = jobs.take(ID)
    assert finish(jobs, database, taken)
    assert not finish(jobs, database, taken)
    assert jobs.take(ID) is None


def test_finishing_is_undone_with_its_result(jobs, database):
    taken = jobs.take(ID)

    def work() -> None:
        with database.transaction() as session:
            assert jobs.finish(session, taken)
            raise LookupError

    with pytest.raises(LookupError):
        work()
    assert job(database).state == "pending"


def test_a_failure_is_tried_again_later(jobs, database):
    jobs.fail(jobs.take(ID), "E" * 200)
    found = job(database)
    assert (found.state, found.attempts, len(found.error)) == ("pending", 1, 80)
    assert timedelta(seconds=0) < found.due - datetime.now(UTC) <= timedelta(seconds=2)


def test_the_pause_is_bounded(jobs, database):
    change(database, attempts=MAX_ATTEMPTS - 2)
    jobs.fail(jobs.take(ID), "E")
    assert job(database).due - datetime.now(UTC) <= LONGEST_WAIT


def test_after_too_many_failures_it_is_dead_and_waits_for_a_person(jobs, database):
    change(database, attempts=MAX_ATTEMPTS - 1)
    jobs.fail(jobs.take(ID), "E")
    change(database, due=datetime.now(UTC))
    assert jobs.counts() == {"dead": 1}
    assert jobs.due() == []
    assert jobs.take(ID) is None


def test_what_nobody_took_for_a_while_is_due_for_the_stand_in(jobs, database):
    assert jobs.due(older_than=timedelta(seconds=15)) == []
    change(database, due=datetime.now(UTC) - timedelta(seconds=16))
    assert jobs.due(older_than=timedelta(seconds=15)) == [ID]


def test_only_what_was_done_long_ago_is_forgotten(jobs, database):
    finish(jobs, database, jobs.take(ID))
    assert jobs.forget_done(datetime.now(UTC) - KEEP_DONE) == 0
    change(database, created=datetime.now(UTC) - KEEP_DONE - timedelta(days=1))
    with database.transaction() as session:
        add_job(session, "open-referral", "r2")
    assert jobs.forget_done(datetime.now(UTC) - KEEP_DONE) == 1
    assert jobs.counts() == {"pending": 1}
