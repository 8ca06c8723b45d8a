"""Aggregating: one candidate out of the contributions of a round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.learning.aggregate import Aggregate, Delta, Rule, aggregate
from services.learning.contribution import ContributionManifest, FileRound
from services.learning.errors import AggregationError
from services.learning.models import LearningRound, StoredContribution
from services.learning.policy import DomainPolicy
from services.learning.rounds.book import Move
from services.learning.rounds.collect import too_few, used
from services.learning.rounds.files import RoundFiles
from services.learning.rounds.ports import Say
from services.learning.rounds.states import State
from services.store.database import Database

Weigh = Callable[[Sequence[StoredContribution]], Sequence[float]]
"""The weight of each contribution, for instance the trust that its node has earned."""


@dataclass(frozen=True)
class Combining:
    """The second step; the same contributions give the same candidate, byte for byte.

    Args:
        database: with learning's tables.
        files: of the rounds.
        weigh: None where all weigh alike.
    """

    database: Database
    files: RoundFiles
    weigh: Weigh | None = None

    def __call__(self, row: LearningRound, policy: DomainPolicy, say: Say) -> Move:
        """Put the contributions together by the policy's rule.

        Raises:
            AggregationError: too few are left for the rule.
        """
        with self.database.reading() as session:
            there = used(session, row.id)
        lacking = too_few(there, policy)
        if lacking:
            raise AggregationError(lacking)
        made = self.together(there, policy, say)
        given = told(there, made)
        return self.judged_next(
            row, policy, made.delta, {"lost": made.lost, "contributions": given}
        )

    def judged_next(
        self, row: LearningRound, policy: DomainPolicy, made: Delta, of: Mapping[str, Any]
    ) -> Move:
        """The move of a candidate that was just made to who judges it.

        Args:
            row: of the round.
            policy: by which it was put together.
            made: the candidate.
            of: what it was made of, for the evidence.
        """
        digest, put = self.files.write_candidate(row.id, row.fence, made)
        same = (row.evidence or {}) if digest == row.candidate else {}  # it was measured before
        probes = {"probes": tried} if (tried := (row.evidence or {}).get("probes")) else {}
        values = {
            "candidate": digest,
            "rule": policy.aggregate.rule.value,
            "evidence": {**probes, **same, **of, "epsilon": greatest_epsilon(of["contributions"])},
            "criteria": row.criteria if same else None,
        }
        return Move(State.EVALUATING, values, [put])

    def together(
        self, there: Sequence[StoredContribution], policy: DomainPolicy, say: Say
    ) -> Aggregate:
        """The aggregate of some contributions, for instance of a round without one of them.

        Raises:
            AggregationError: they are too few for the rule.
        """
        rule: Rule = policy.aggregate.rule
        return aggregate(
            FileRound([self.files.contribution(one.id) for one in there]),
            rule,
            rank=policy.take.rank,
            hostile=policy.aggregate.hostile,
            weights=self.weigh(there) if self.weigh else None,
            progress=lambda done, all_: say(f"{rule}: {done} of {all_} modules"),
        )


def greatest_epsilon(given: Sequence[Mapping[str, Any]]) -> float | None:
    """The greatest privacy budget that a node has spent; None where one said none."""
    spent = [one["epsilon"] for one in given]
    said = [one for one in spent if one is not None]
    return max(said) if said and len(said) == len(spent) else None


def told(there: Sequence[StoredContribution], made: Aggregate) -> list[dict[str, Any]]:
    """What a person sees of each contribution: pseudonym, size of its change, its weight."""
    weights = made.weights or tuple(
        1 / len(made.kept) if number in made.kept else 0.0 for number in range(len(there))
    )
    return [
        {
            "id": one.id,
            "site": one.site,
            "key": one.key,
            "examples": _manifest(one).examples,
            "epsilon": _manifest(one).privacy.epsilon,
            "norm": made.norms[number],
            "weight": weights[number],
            "bytes": one.bytes,
        }
        for number, one in enumerate(there)
    ]


def _manifest(one: StoredContribution) -> ContributionManifest:
    return ContributionManifest.model_validate_json(one.manifest)
