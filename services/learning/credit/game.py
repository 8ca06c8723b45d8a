"""A release as a game: who contributed, and what is known of what some of them make together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.learning.credit.shares import Coalition, Method, Shares, method_for, shares
from services.learning.gates import Scores
from services.learning.gates.bootstrap import Gain, paired
from services.learning.models import LearningRound, StoredContribution
from services.learning.policy import DomainPolicy
from services.learning.rounds import Rounds
from services.learning.rounds.collect import used
from services.learning.rounds.files import replace_text
from services.learning.rounds.history import contributions_of
from services.learning.rounds.judge import evidence_of

NOTES = "credit.json"
Items = tuple[float, ...]


@dataclass(frozen=True)
class Game:
    """One release.

    Attributes:
        there: contributions whose files are still there.
        suites: names of those that the policy wants to get better and that were measured.
        known: scores by item of coalitions, of none and of all where the evidence tells them.
        paid: how many coalitions were measured for this.
    """

    row: LearningRound
    policy: DomainPolicy
    there: tuple[StoredContribution, ...]
    suites: tuple[str, ...]
    known: dict[Coalition, Items]
    paid: int

    @classmethod
    def of(cls, rounds: Rounds, row: LearningRound) -> Game:
        """As it stands now; what was noted of contributions that went since is not used."""
        policy, files = rounds.policy.of(row.domain), rounds.files
        with rounds.database.reading() as session:
            there = tuple(
                one for one in used(session, row.id) if files.contribution(one.id).is_file()
            )
        found = evidence_of(row.evidence).suites
        names = tuple(name for name in policy.release.suites if name in found)
        noted = read_notes(files.of(row.id) / NOTES)
        known = {frozenset[str](): _flat([found[name] for name in names], "before")}
        if {one.id for one in there} == set(contributions_of(row)):
            whole = _flat([found[name] for name in names], "after")
            known[frozenset(one.id for one in there)] = whole
        return cls(row, policy, there, names, known | noted, len(noted))

    @property
    def players(self) -> list[str]:
        """Those with the greatest weight first: where the means end, they were measured."""
        given = (self.row.evidence or {}).get("contributions", ())
        weights = {str(one["id"]): float(one["weight"]) for one in given}
        return sorted((one.id for one in self.there), key=lambda id_: (-weights[id_], id_))

    @property
    def method(self) -> Method:
        """The policy's, or what its means allow."""
        chosen = self.policy.credit
        if chosen.method in {"auto", "none"}:
            return method_for(len(self.there), chosen.evaluations)
        return "shapley" if chosen.method == "shapley" else "leave-one-out"

    def shares(self) -> Shares:
        """What follows from what is known."""
        if not (self.there and self.suites):
            return Shares({}, None)
        asked = self.policy.release
        return shares(
            self.players,
            self.known,
            self.method,
            tolerance=self.policy.credit.tolerance,
            confidence=asked.confidence,
            samples=asked.samples,
        )

    def whole(self) -> Gain | None:
        """What the release gained as it went out; None where its suites are not asked for now."""
        if not self.suites:
            return None
        found, asked = evidence_of(self.row.evidence).suites, self.policy.release
        scores = [found[name] for name in self.suites]
        before, after = _flat(scores, "before"), _flat(scores, "after")
        return paired(before, after, confidence=asked.confidence, samples=asked.samples)


def read_notes(path: Path) -> dict[Coalition, Items]:
    """What was measured of coalitions; torn notes are none."""
    try:
        held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {frozenset(ids.split(",")): tuple(scores) for ids, scores in held.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def add_note(path: Path, coalition: Coalition, scores: Items) -> None:
    """Keep what was measured of one more coalition."""
    noted = read_notes(path) | {coalition: scores}
    replace_text(path, json.dumps({",".join(sorted(ids)): noted[ids] for ids in noted}))


def _flat(scores: Sequence[Scores], when: str) -> Items:
    """The items of several suites side by side."""
    return tuple(float(item) for one in scores for item in getattr(one, when))
