"""Each contribution is tried by itself: one that makes the model worse alone is put aside."""

from __future__ import annotations

import pytest

from compliance.errors import NotFoundError
from services.learning.gates import Scores
from services.learning.intake import ContributionDesk
from services.learning.policy import Probe
from services.learning.rounds import Measured, State
from services.learning.rounds.trial import Trials
from services.learning.trust import Trust
from tests.support.rounds import DOMAIN, GOOD, a_change


class Sees:
    """Finds a change of one seed to lose a safety item when it stands alone."""

    def __init__(self, bad):
        self.bad, self.asked = a_change(bad)["layers.0.q_proj"].up.tobytes(), []

    def measure(self, candidate):
        """Look at the bytes of the change."""
        self.asked.append(candidate.policy.release.suites)
        worse = self.bad in candidate.path.read_bytes()
        safety = Scores((1.0,) * 20, (0.0,) * worse + (1.0,) * (20 - worse))
        return Measured({**GOOD.suites, "safety": safety})


def probing(parent, evaluator, **changes):
    """Let the parent's policy ask for a probe."""
    probe = Probe(suites=("safety",), worse_by=0.0, **changes)
    policy = parent.rounds.policy.of(DOMAIN)
    take = policy.take.model_copy(update={"probe": probe})
    parent.rounds.policy.domains[DOMAIN] = policy.model_copy(update={"take": take})
    parent.rounds._collecting.probing.__dict__["trials"] = Trials(parent.rounds.files, evaluator)


def test_a_contribution_that_loses_safety_alone_is_put_aside_for_a_person(parent):
    ids = [*parent.three(), parent.contribute("site-3", seed=3)]
    sees = Sees(bad=1)
    probing(parent, sees)
    id_ = parent.rounds.propose(DOMAIN)
    assert parent.rounds.advance(id_) == State.AGGREGATING
    aside = parent.contribution(ids[1])
    assert (aside.state, aside.reason, aside.round) == ("quarantined", "failed-probe", None)
    assert sees.asked == [("safety",)] * 4
    for _ in range(2):
        parent.rounds.advance(id_)
    evidence = parent.rounds.book.get(id_).evidence
    assert evidence["probes"][ids[1]] == pytest.approx(1 / 20)
    assert {one["id"] for one in evidence["contributions"]} == {*ids} - {ids[1]}


def test_one_that_a_person_lets_in_waits_again_and_is_not_tried_again(parent):
    ids = [*parent.three(), parent.contribute("site-3", seed=3)]
    probing(parent, Sees(bad=1))
    id_ = parent.rounds.propose(DOMAIN)
    parent.rounds.advance(id_)
    acts = []
    trust = Trust(parent.database)
    desk = ContributionDesk(parent.rounds, trust, lambda *given: acts.append(given))
    desk.readmit(ids[1], "ana")
    assert acts == [("ana", f"contribution:{ids[1]}", "readmitted")]
    assert parent.contribution(ids[1]).state == "waiting"
    with parent.database.transaction() as session:
        parent.rounds.book.row(session, id_).state = State.FAILED
    for number in (7, 8):
        parent.contribute(f"site-{number}", seed=number)
    parent.rounds.advance(parent.rounds.propose(DOMAIN))
    assert parent.contribution(ids[1]).state == "used"
    with pytest.raises(NotFoundError):
        desk.readmit(ids[0], "ana")


def test_of_very_many_only_some_are_tried_and_a_second_attempt_tries_the_same_ones_no_more(parent):
    for number in range(6):
        parent.contribute(f"site-{number}", seed=number)
    sees = Sees(bad=99)
    probing(parent, sees, most=2)
    id_ = parent.rounds.propose(DOMAIN)
    row = parent.rounds.book.take(id_)
    parent.rounds._step(row, None)  # an attempt that dies before it writes anything
    assert len(sees.asked) == 2
    assert parent.rounds.advance(id_) == State.AGGREGATING
    assert len(sees.asked) == 2


def test_where_the_suite_cannot_be_measured_nothing_is_put_aside_and_the_gate_blocks(parent):
    ids = parent.three()
    parent.evaluator.found = Measured()
    probing(parent, parent.evaluator)
    id_ = parent.rounds.propose(DOMAIN)
    parent.rounds.advance(id_)
    assert {parent.contribution(one).state for one in ids} == {"used"}
    parent.rounds.advance(id_)
    assert parent.rounds.advance(id_) == State.BLOCKED
