"""What was withdrawn after its release leaves it: a round makes the release anew without it."""

from __future__ import annotations

import numpy as np

from services.learning.intake.withdrawal import withdraw
from services.learning.models import LearningRound
from services.learning.rounds import State, read_delta
from services.learning.rounds.history import holding, standing_on
from services.learning.train import onto
from tests.support.rounds import DOMAIN, TinyModel


def released(parent, id_):
    """Bring a round to its release."""
    rounds = parent.rounds
    while rounds.book.get(id_).state not in {State.WAITING, State.FAILED}:
        rounds.advance(id_)
    row = rounds.book.get(id_)
    assert row.state == State.WAITING
    rounds.approve(id_, row.candidate, "ana")
    rounds.advance(id_)
    assert rounds.advance(id_) == State.RELEASED
    return rounds.book.get(id_)


def a_release(parent, first, count=5):
    ids = [parent.contribute(f"site-{n}", seed=n) for n in range(first, first + count)]
    return ids, released(parent, parent.rounds.propose(DOMAIN))


def dense(parent, row):
    held = read_delta(parent.rounds.files.candidate(row.id))
    return {module: factors.dense() for module, factors in held.items()}


def test_a_withdrawal_from_an_earlier_release_makes_anew_what_stands_on_it(parent):
    first, one = a_release(parent, 0)
    _, two = a_release(parent, 10)
    assert two.parent == one.brick
    told = withdraw(parent.rounds, first[0])
    assert (told.next, told.releases) == ("proposed", (one.brick, two.brick))
    anew = released(parent, told.round)
    assert (anew.rebuilds, anew.parent, anew.epoch, anew.brick) == (one.id, None, 2, f"{DOMAIN}@3")
    assert anew.evidence["rounds"] == [one.id, two.id]
    left = {given["id"] for given in anew.evidence["contributions"]}
    assert first[0] not in left
    assert len(left) == 9
    with parent.database.reading() as session:
        said = [row.brick for row in holding(session, parent.contribution(first[0]))]
        kept = [row.brick for row in holding(session, parent.contribution(first[1]))]
        below = [row.id for row in standing_on(session, anew.brick)]
    assert said == [one.brick, two.brick]
    assert kept == [one.brick, two.brick, anew.brick]
    assert below == [anew.id]
    parent.rounds.tick()  # nothing is owed any more
    assert len(parent.rounds.book.listing()) == 3


def test_the_release_made_anew_is_what_the_others_alone_make(parent):
    first, _ = a_release(parent, 0)
    _, two = a_release(parent, 10)
    anew = released(parent, withdraw(parent.rounds, first[0]).round)
    rows = [parent.contribution(id_) for id_ in sorted(first[1:])]
    policy = parent.rounds.policy.of(DOMAIN)
    left = parent.rounds.combining.together(rows, policy, lambda _text: None).delta
    second = read_delta(parent.rounds.files.candidate(two.id))
    wanted, _ = onto(left, second, policy.take.rank)
    for module, made in dense(parent, anew).items():
        np.testing.assert_allclose(made, wanted[module].dense(), atol=1e-6)


def test_a_later_withdrawal_starts_where_the_first_one_touched(parent):
    first, one = a_release(parent, 0)
    second, two = a_release(parent, 10)
    released(parent, withdraw(parent.rounds, first[0]).round)
    again = withdraw(parent.rounds, second[0])
    assert again.releases == (two.brick, f"{DOMAIN}@3")
    anew = released(parent, again.round)
    assert (anew.rebuilds, anew.parent) == (one.id, None)  # and not on what holds the first still
    left = {given["id"] for given in anew.evidence["contributions"]}
    assert left == {*first[1:], *second[1:]}


def test_one_withdrawn_while_the_release_is_made_anew_is_left_out_too(parent):
    first, _ = a_release(parent, 0)
    told = withdraw(parent.rounds, first[0])
    parent.rounds.advance(told.round)
    parent.rounds.advance(told.round)
    more = withdraw(parent.rounds, first[1])
    assert (more.again, more.round) == (True, told.round)
    anew = released(parent, told.round)
    assert {given["id"] for given in anew.evidence["contributions"]} == set(first[2:])


def test_while_another_round_runs_a_withdrawal_waits_and_the_clock_proposes_it(parent):
    first, _ = a_release(parent, 0)
    for number in range(20, 23):
        parent.contribute(f"site-{number}", seed=number)
    running = parent.rounds.propose(DOMAIN)
    assert withdraw(parent.rounds, first[0]).next == "waits"
    released(parent, running)
    parent.rounds.tick()
    newest = parent.rounds.book.listing(limit=1)[0]
    assert newest.rebuilds is not None
    assert withdraw(parent.rounds, first[0]).round == newest.id  # asked again, the same answer


def test_too_few_left_fail_with_what_to_do_and_the_release_stays_until_people_act(parent):
    first, one = a_release(parent, 0, count=3)
    told = withdraw(parent.rounds, first[0])
    assert parent.rounds.advance(told.round) == State.FAILED
    row = parent.rounds.book.get(told.round)
    assert "2 contributions from 2 sites are left" in row.error
    assert "revoke" in row.error
    assert parent.rounds.standing(DOMAIN).parent == one.brick
    parent.rounds.tick()
    assert len(parent.rounds.book.listing()) == 2  # it is proposed once
    assert parent.rounds.retry(told.round) == State.AGGREGATING


def test_a_rolled_back_release_needs_nothing_made_anew(parent):
    first, one = a_release(parent, 0)
    with parent.database.transaction() as session:
        session.get_one(LearningRound, one.id).state = State.ROLLED_BACK
    told = withdraw(parent.rounds, first[0])
    assert (told.next, told.round) == ("none", None)


def test_a_rollout_of_a_release_made_anew_names_the_release_that_is_out(parent):
    began = []

    class Starts:
        def start(self, brick, former):
            began.append((brick, former))

    first, one = a_release(parent, 0)
    parent.rounds._rolling_out = type(parent.rounds._rolling_out)(parent.database, Starts())
    told = withdraw(parent.rounds, first[0])
    for _ in range(2):
        parent.rounds.advance(told.round)
    parent.rounds.approve(told.round, parent.rounds.book.get(told.round).candidate, "ana")
    parent.rounds.advance(told.round)
    parent.rounds.advance(told.round)
    assert began == [(f"{DOMAIN}@2", one.brick)]


def test_a_release_of_a_former_model_is_not_made_anew_on_another_one(parent, monkeypatch):
    first, _ = a_release(parent, 0)
    told = withdraw(parent.rounds, first[0])
    monkeypatch.setattr(TinyModel, "digest", "sha256:" + "f" * 64)
    assert parent.rounds.advance(told.round) == State.FAILED
    assert "The model was changed" in parent.rounds.book.get(told.round).error
