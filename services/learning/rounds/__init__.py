"""Rounds: how contributions become a release, step by step, under the update policy.

Workflow. `Rounds.propose` starts a round when the policy's criteria hold. Each step is done by
`Rounds.advance`: *collecting* takes the contributions that wait and still hold, and tries each by
itself where the policy wants that (`probe`); *aggregating* puts them together into one candidate,
*evaluating* measures it and holds every criterion against what was found. Then the round *waits*
for people, who approve that very candidate by its digest; one who rejects it blocks it for good.
*Publishing* holds the criteria once more and makes a signed brick; *rolling out* begins, and
`Rounds.tick` sees how it ends. What is withdrawn from a release later has a round proposed that
makes it anew (`rebuild`).

    rounds = Rounds(database, folder, Policy.load(), evaluator, publisher, model=…, signer=…)
    round_id = rounds.propose("general")
    while rounds.advance(round_id) in WORKING: ...
    rounds.approve(round_id, rounds.book.get(round_id).candidate, by="user-1")
    rounds.advance(round_id)                                  # publishing

A step may be done twice, by two workers at once, or die at any point: each begins by taking the
round with the next fence, and what it writes counts only under the fence that stands. The state,
the end of the job and the job of the next step are one transaction.
"""

from services.learning.rounds.book import JOB, RoundBook
from services.learning.rounds.files import read_delta, write_delta
from services.learning.rounds.ports import (
    Candidate,
    Evaluator,
    Measured,
    Model,
    Publisher,
    Release,
    Rollout,
    Unmeasured,
    Unpublished,
)
from services.learning.rounds.service import Rehearsal, Rounds
from services.learning.rounds.standing import Standing
from services.learning.rounds.states import ENDED, WORKING, FencedOffError, State

__all__ = [
    "ENDED",
    "JOB",
    "WORKING",
    "Candidate",
    "Evaluator",
    "FencedOffError",
    "Measured",
    "Model",
    "Publisher",
    "Rehearsal",
    "Release",
    "Rollout",
    "RoundBook",
    "Rounds",
    "Standing",
    "State",
    "Unmeasured",
    "Unpublished",
    "read_delta",
    "write_delta",
]
