"""What a release says of how it came to be: in its manifest, and in full in a file of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from services.bricks.manifest import BrickManifest, Evaluation, Lineage
from services.learning.gates import Scores
from services.learning.rounds.ports import Candidate, Release

FILE = "lineage.json"
METRIC = "mean score"


class Origin(BaseModel):
    """Where a release comes from, as its manifest's lineage notes it (JSON)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    round: str
    epoch: int
    candidate: str
    policy: str

    @classmethod
    def of(cls, manifest: BrickManifest) -> Origin | None:
        """That of a brick; None where no round made it."""
        try:
            return cls.model_validate_json(manifest.lineage.note or "")
        except ValidationError:
            return None

    def made(self, candidate: Candidate) -> bool:
        """Whether it is this very candidate of this very round."""
        return (self.round, self.candidate) == (candidate.round, candidate.digest)


def origin_of(release: Release) -> Origin:
    """Where a release comes from."""
    candidate = release.candidate
    return Origin(
        round=candidate.round,
        epoch=candidate.epoch,
        candidate=candidate.digest,
        policy=release.policy_digest,
    )


def lineage_of(release: Release, rule: str) -> Lineage:
    """The lineage that stands in a release's manifest."""
    parent = release.candidate.parent
    return Lineage(
        operation="updated" if parent else "made",
        parents=(parent,) if parent else (),
        method=f"{rule} over the changes of {len(release.sites)} sites",
        note=origin_of(release).model_dump_json(),
    )


def whole(release: Release, rule: str, made: datetime) -> str:
    """Everything, as the text of a file: sites by pseudonym, criteria, figures, who approved.

    People stand in it by a digest that only the hospital can match with its accounts: a release
    goes to every node.
    """
    candidate = release.candidate
    held = {
        **origin_of(release).model_dump(),
        "domain": candidate.domain,
        "parent": candidate.parent,
        "base": candidate.base,
        "rule": rule,
        "sites": list(release.sites),
        "epsilon": release.evidence.epsilon,
        "lost": release.evidence.lost,
        "approvals": [approval(candidate.round, by) for by in release.approvals],
        "criteria": [
            {"name": one.name, "needs": one.needs, "has": one.has} for one in release.criteria
        ],
        "evaluations": _figures(release.evidence.suites),
        "made": made.isoformat(timespec="seconds"),
    }
    return json.dumps(held, indent=1, sort_keys=True) + "\n"


def approval(round_: str, by: str) -> str:
    """How a person who approved a round stands in its release."""
    return hashlib.sha256(f"{round_}/{by}".encode()).hexdigest()[:16]


def evaluations(suites: Mapping[str, Scores], on: date) -> list[Evaluation]:
    """The figures of a release, each beside the parent's."""
    return [
        Evaluation(suite=name, metric=METRIC, date=on, **figures)
        for name, figures in _figures(suites).items()
    ]


def _figures(suites: Mapping[str, Scores]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "value": _mean(scores.after),
            "before": _mean(scores.before),
            "n": len(scores.after),
        }
        for name, scores in sorted(suites.items())
        if scores.after and scores.before
    }


def _mean(scores: Sequence[float]) -> float:
    return round(sum(scores) / len(scores), 4)
