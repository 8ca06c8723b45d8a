"""Several processes at one round, on SQLite and on PostgreSQL: one of them counts."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from services.learning.intake.tidying import forget_contributions
from services.learning.intake.withdrawal import withdraw
from services.learning.rounds import JOB, State, files
from services.learning.rounds.states import FencedOffError
from tests.support.meeting import meet
from tests.support.rounds import DOMAIN, POLICY, Parent

HANDS = 4


@pytest.fixture
def jobs():
    return Counter()


@pytest.fixture
def parent(tmp_path, empty_database, jobs):
    made = Parent(
        tmp_path,
        url=empty_database.engine.url.render_as_string(hide_password=False),
        policy=POLICY.replace("approvals: 1", "approvals: 2"),
        add_job=lambda _session, kind, subject: jobs.update([(kind, subject)]),
    )
    yield made
    made.close()


def at_once(*calls):
    with ThreadPoolExecutor(len(calls)) as pool:
        return [call.result() for call in [pool.submit(call) for call in calls]]


def test_clocks_that_look_at_once_start_one_round(parent):
    parent.three()
    ids = at_once(*[lambda: parent.rounds.propose(DOMAIN)] * HANDS)
    assert len([one for one in ids if one is not None]) == 1
    assert len(parent.rounds.book.listing()) == 1


def test_people_who_approve_at_once_publish_once(parent, jobs):
    parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    for _ in range(3):
        parent.rounds.advance(id_)
    candidate, before = parent.rounds.book.get(id_).candidate, jobs.total()
    states = at_once(
        lambda: parent.rounds.approve(id_, candidate, "ana"),
        lambda: parent.rounds.approve(id_, candidate, "ben"),
    )
    assert sorted(states) == [State.PUBLISHING, State.WAITING]
    assert jobs.total() == before + 1


def test_clocks_that_look_at_once_make_a_release_anew_once(parent):
    ids = [parent.contribute(f"site-{n}", seed=n) for n in range(4)]
    id_ = parent.rounds.propose(DOMAIN)
    for _ in range(3):
        parent.rounds.advance(id_)
    for who in ("ana", "ben"):
        parent.rounds.approve(id_, parent.rounds.book.get(id_).candidate, who)
    for _ in range(2):
        parent.rounds.advance(id_)
    parent.withdraw(ids[0])
    parent.three()
    calls = [lambda: parent.rounds.rebuilding.propose(DOMAIN)] * HANDS
    made = at_once(*calls, lambda: parent.rounds.propose(DOMAIN))
    assert len([one for one in made if one is not None]) == 1  # and no other round beside it


PATIENCE = 120.0
"""Seconds that hands go on; they get in one another's way, the more so on a busy machine."""


@pytest.mark.parametrize("seed", range(3))
def test_hands_that_work_at_one_round_in_any_order_publish_one_version(parent, jobs, seed):
    dice = random.Random(seed)  # noqa: S311 - an order of threads is no secret

    def dawdle(_given):
        time.sleep(dice.uniform(0, 0.05))

    parent.evaluator.before = parent.publisher.before = dawdle
    parent.three()
    id_ = parent.rounds.propose(DOMAIN)

    def until(*states):
        end, longest = time.monotonic() + PATIENCE, 0.05
        while time.monotonic() < end:
            time.sleep(dice.uniform(0, longest))
            if parent.rounds.advance(id_) in states:
                return
            longest = min(1.4 * longest, 4.0)  # as jobs wait longer after each attempt

    at_once(*[lambda: until(State.WAITING)] * HANDS)
    row = parent.rounds.book.get(id_)
    assert row.state == State.WAITING
    assert parent.rounds.files.holds(id_, row.candidate)
    for who in ("ana", "ben"):
        parent.rounds.approve(id_, row.candidate, who)
    at_once(*[lambda: until(State.RELEASED)] * HANDS)
    assert parent.rounds.book.get(id_).state == State.RELEASED
    assert parent.publisher.published == ["general@1"]
    steps = [subject for kind, subject in jobs if kind == JOB]
    assert len(steps) == 5  # each step was written down once, whoever did it


def test_an_attempt_whose_candidate_a_later_one_swept_away_is_fenced_off(parent, monkeypatch):
    monkeypatch.setattr(files, "write_delta", lambda path, _delta: path.unlink(missing_ok=True))
    with pytest.raises(FencedOffError):
        parent.rounds.files.write_candidate("swept", 1, {})


def test_what_is_taken_back_while_a_round_takes_it_has_that_round_made_anew(parent):
    ids = parent.three()
    parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    claimed, gone = meet(
        parent.database,
        lambda: parent.rounds.advance(id_),
        lambda: withdraw(parent.rounds, ids[0]),
        after=", round=",
    )
    assert claimed.result() == State.AGGREGATING
    assert gone.result().round == id_


def test_what_a_round_takes_is_not_tidied_away_meanwhile(parent):
    parent.three()
    id_ = parent.rounds.propose(DOMAIN)
    later = datetime.now(UTC) + timedelta(days=1)
    claimed, gone = meet(
        parent.database,
        lambda: parent.rounds.advance(id_),
        lambda: forget_contributions(parent.rounds, later),
        after=", round=",
    )
    assert (claimed.result(), gone.result()) == (State.AGGREGATING, 0)
    assert parent.rounds.advance(id_) == State.EVALUATING
