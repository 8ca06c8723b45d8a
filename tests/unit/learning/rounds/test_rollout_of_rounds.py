"""A published round follows its deployment to the end, whichever that is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.learning.models import Deployment
from services.learning.rounds import JOB, State
from services.learning.rounds.book import subject_of
from tests.support.rounds import DOMAIN, Parent


class Cohorts:
    """Writes deployments as a rollout does."""

    def __init__(self):
        self.database = None
        self.begun = []

    def start(self, brick, former):
        self.begun.append((brick, former))
        with self.database.transaction() as session:
            session.merge(
                Deployment(
                    brick=brick,
                    former=former,
                    cohort="simulator",
                    state="watching",
                    since=datetime.now(UTC),
                )
            )

    def ends(self, brick, state):
        with self.database.transaction() as session:
            session.get_one(Deployment, brick).state = state


@pytest.fixture
def cohorts():
    return Cohorts()


@pytest.fixture
def jobs():
    return []


@pytest.fixture
def parent(tmp_path, cohorts, jobs):
    def add_job(_session, kind, subject):
        if (kind, subject) not in jobs:
            jobs.append((kind, subject))

    made = Parent(tmp_path, rollout=cohorts, add_job=add_job)
    cohorts.database = made.database
    yield made
    made.close()


def published(parent):
    parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    for _ in range(3):
        parent.rounds.advance(id_)
    parent.rounds.approve(id_, parent.rounds.book.get(id_).candidate, "ana")
    parent.rounds.advance(id_)
    return id_


@pytest.mark.parametrize(
    ("state", "end"),
    [
        ("released", State.RELEASED),
        ("rolled-back", State.ROLLED_BACK),
        ("stopped", State.ROLLED_BACK),
    ],
)
def test_a_round_ends_as_its_deployment_does(parent, cohorts, state, end):
    id_ = published(parent)
    assert parent.rounds.advance(id_) == State.ROLLING_OUT
    parent.rounds.tick()
    assert parent.rounds.book.get(id_).state == State.ROLLING_OUT
    cohorts.ends("general@1", state)
    parent.rounds.tick()
    assert parent.rounds.book.get(id_).state == end


def test_what_was_rolled_back_is_no_parent_of_the_next_round(parent, cohorts):
    id_ = published(parent)
    parent.rounds.advance(id_)
    cohorts.ends("general@1", "rolled-back")
    parent.rounds.tick()
    now = parent.rounds.standing(DOMAIN)
    assert (now.epoch, now.parent) == (0, None)


def test_a_rollout_that_is_begun_twice_is_one(parent, cohorts):
    id_ = published(parent)
    parent.rounds.advance(id_)
    parent.rounds.advance(id_)
    assert set(cohorts.begun) == {("general@1", None)}
    assert parent.rounds.book.get(id_).state == State.ROLLING_OUT


def test_each_step_has_a_job_of_its_own_and_a_lacking_one_is_added(parent, jobs):
    id_ = published(parent)
    assert len({subject for kind, subject in jobs if kind == JOB}) == 5
    jobs.clear()
    parent.rounds.tick()
    assert jobs == [(JOB, subject_of(parent.rounds.book.get(id_)))]


def test_an_operators_error_does_not_stop_the_clock(parent, monkeypatch):
    from services.learning.errors import AggregationError

    def broken(_domain):
        raise AggregationError("nothing")

    id_ = published(parent)
    monkeypatch.setattr(parent.rounds, "propose", broken)
    parent.rounds.tick()
    assert parent.rounds.book.get(id_).state == State.ROLLING_OUT
