"""Evaluating: what a candidate does on the suites, and what each criterion of the policy says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.learning.gates import Criterion, Evidence, Scores, may_release
from services.learning.models import Approval, LearningRound
from services.learning.policy import DomainPolicy
from services.learning.rounds.book import Move
from services.learning.rounds.files import RoundFiles
from services.learning.rounds.ports import Candidate, Evaluator
from services.learning.rounds.states import State

APPROVALS = "approvals"
"""The one criterion that may still come to hold by itself: by what people say."""


@dataclass(frozen=True)
class Judging:
    """The third step.

    Args:
        files: of the rounds.
        evaluator: measures.
        said: what people said of the candidate of a round.
    """

    files: RoundFiles
    evaluator: Evaluator
    said: Callable[[LearningRound], Sequence[Approval]]

    def __call__(self, row: LearningRound, candidate: Candidate) -> Move:
        """Measure the candidate; it waits for people when nothing but their word is lacking.

        One that a person rejected is not measured again: it stays blocked.
        """
        said = self.said(row)
        no = next((one for one in said if not one.approved), None)
        if no is not None:
            criteria = criteria_now(candidate.policy, row, said)
            return Move(State.BLOCKED, {"criteria": as_json(criteria), "error": rejected(no.note)})
        found = self.evaluator.measure(candidate)
        held = {
            **(row.evidence or {}),
            "suites": {name: asdict(scores) for name, scores in found.suites.items()},
            "shadow": list(found.shadow),
            "notes": dict(found.notes),
        }
        criteria = may_release(candidate.policy, evidence_of(held, said))
        to = State.BLOCKED if blocking(criteria) else State.WAITING
        values = {"evidence": held, "criteria": as_json(criteria)}
        record = {**held, "criteria": values["criteria"], "candidate": row.candidate}
        return Move(to, values, [self.files.write_evidence(row.id, record)])


def rejected(note: str | None) -> str:
    """Why a round stands still that a person said no to."""
    return f"rejected: {note}"[:200]


def evidence_of(held: Mapping[str, Any] | None, approvals: Sequence[Approval] = ()) -> Evidence:
    """A round's evidence as the gates read it."""
    held = held or {}
    shown, losses = held.get("shadow", (0, 0))
    return Evidence(
        suites={
            name: Scores(tuple(one["before"]), tuple(one["after"]))
            for name, one in held.get("suites", {}).items()
        },
        lost=held.get("lost", 1.0),
        shadow=(int(shown), int(losses)),
        approvals=frozenset(one.by for one in approvals if one.approved),
        rejections=frozenset(one.by for one in approvals if not one.approved),
        epsilon=held.get("epsilon"),
    )


def criteria_now(
    policy: DomainPolicy, row: LearningRound, approvals: Sequence[Approval]
) -> tuple[Criterion, ...]:
    """The criteria of a round by the policy as it is now, with what people said."""
    return may_release(policy, evidence_of(row.evidence, approvals))


def blocking(criteria: Sequence[Criterion]) -> list[Criterion]:
    """The criteria that block, other than the approvals, which may still come."""
    return [one for one in criteria if not one.holds and one.name != APPROVALS]


def as_json(criteria: Sequence[Criterion]) -> list[dict[str, Any]]:
    """Criteria as a row and the wire hold them."""
    return [asdict(one) for one in criteria]
