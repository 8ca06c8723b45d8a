"""Rounds at the hospital: their jobs, and the queue that lets patients go first."""

from __future__ import annotations

import asyncio

import pytest

from compliance.errors import BadInputError
from services.hospital import service
from services.hospital.jobs import add_job
from services.hospital.models import Job
from services.hospital.queue import LEARNING, QUEUE, lane, make_celery, queues_of
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.learning.credit import JOB as CREDIT
from services.learning.credit import Credits
from services.learning.policy import Policy
from services.learning.rounds import JOB, Rounds, State
from tests.support.rounds import DOMAIN, POLICY, FixedEvaluator, FolderPublisher, Parent, TinyModel


@pytest.fixture
def hospital(tmp_path, monkeypatch):
    """A hospital whose rounds are those of a tiny model."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    keys = {}

    def rounds_of(settings, database, _registry, _rollout):
        return Rounds(
            database,
            settings.data / "learning",
            Policy.load(settings.updates),
            FixedEvaluator(),
            FolderPublisher(tmp_path / "published"),
            model=TinyModel,
            signer=lambda key: keys[key].public,
            add_job=add_job,
        )

    monkeypatch.setattr(service, "rounds_of", rounds_of)
    made = Hospital(HospitalSettings(data=tmp_path / "hospital", updates=policy))
    made.enrolled = keys
    yield made
    made.database.close()


def contributed(hospital):
    for n in range(3):
        Parent.contribute(_Children(hospital), f"site-{n}", seed=n)


class _Children:
    """What `Parent.contribute` needs of a parent."""

    def __init__(self, hospital):
        self.database, self.rounds, self.keys = (
            hospital.database,
            hospital.rounds,
            hospital.enrolled,
        )


def due(hospital):
    return [job for job in hospital.jobs.due() if job.startswith(f"{JOB}:")]


def test_the_clock_starts_a_round_and_jobs_bring_it_to_the_people(hospital):
    contributed(hospital)
    hospital.rounds.tick()
    while found := due(hospital):
        assert asyncio.run(hospital.do(found[0]))
    (row,) = hospital.rounds.book.listing()
    assert row.state == State.WAITING
    hospital.rounds.approve(row.id, row.candidate, "ana")
    while found := due(hospital):
        assert asyncio.run(hospital.do(found[0]))
    assert hospital.rounds.book.get(row.id).state == State.RELEASED
    assert hospital.jobs.counts() == {"done": 5}


def test_after_a_release_jobs_measure_what_each_contribution_added_one_measurement_each(hospital):
    contributed(hospital)
    hospital.rounds.tick()
    while found := due(hospital):
        assert asyncio.run(hospital.do(found[0]))
    (row,) = hospital.rounds.book.listing()
    hospital.rounds.approve(row.id, row.candidate, "ana")
    while found := due(hospital):
        assert asyncio.run(hospital.do(found[0]))
    Credits(hospital.rounds, add_job).schedule()
    done = []
    while found := [job for job in hospital.jobs.due() if job.startswith(f"{CREDIT}:")]:
        assert asyncio.run(hospital.do(found[0]))
        done += found
    assert done == [f"{CREDIT}:{row.id}.{number}" for number in range(len(done))]
    held = hospital.rounds.book.get(row.id).credit
    assert len(done) == held["evaluations"] + 1
    assert lane(done[0])["queue"] == LEARNING
    assert all(one["gain"] is not None for one in held["contributions"])


def test_a_step_that_cannot_be_done_is_tried_again_and_then_given_up(hospital):
    contributed(hospital)

    def broken(_candidate):
        raise OSError

    hospital.rounds._judging.evaluator.before = broken
    hospital.rounds.tick()
    for _ in range(12):
        for job in due(hospital):
            asyncio.run(hospital.do(job))
        with hospital.database.transaction() as session:
            for job in session.query(Job):
                job.due = job.created
    (row,) = hospital.rounds.book.listing()
    assert (row.state, row.error) == (State.FAILED, "evaluating: OSError")
    assert hospital.jobs.counts() == {"done": 3}


def test_patients_go_before_learning_in_every_worker_that_has_both():
    assert queues_of("all") == (QUEUE, LEARNING)
    assert lane("open-referral:1") == {}
    assert lane(f"{JOB}:x.1")["queue"] == LEARNING
    options = make_celery(HospitalSettings()).conf.broker_transport_options
    assert options["queue_order_strategy"] == "priority"


def test_a_worker_may_be_for_patients_or_for_learning_alone():
    assert queues_of("patients") == (QUEUE,)
    assert queues_of("learning") == (LEARNING,)
    with pytest.raises(BadInputError):
        queues_of("other")


def test_a_domain_that_the_policy_lacks_learns_nothing(hospital):
    assert hospital.rounds.propose(DOMAIN) is None
    with pytest.raises(BadInputError):
        hospital.rounds.propose("cardiology")
