"""Probing: what each contribution does by itself on a small suite, before it is put together.

A change that lets a model forget what is safe is seen more easily alone than in the mean of many.
Who loses there more than the policy bears is put aside for a person. Where more came than the
policy has tried, chance decides who is, by an id that the round got after they had come: nobody can
count on being left out. What a suite does not hold a probe does not see; the gates come after it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.learning.errors import RoundBlockedError
from services.learning.models import LearningRound, StoredContribution
from services.learning.policy import DomainPolicy, Probe
from services.learning.rounds.files import RoundFiles, read_delta, replace_text
from services.learning.rounds.ports import Say
from services.learning.rounds.trial import Trials

FAILED = "failed-probe"
"""Reason of a contribution that was put aside for what it does by itself."""
READMITTED = "readmitted"
"""Reason of one that a person let in after that: it is not tried again."""
NOTES = "probes.json"


@dataclass(frozen=True)
class Probing:
    """Tries contributions one by one.

    Args:
        files: of the rounds.
        trials: measure.
    """

    files: RoundFiles
    trials: Trials

    def __call__(
        self,
        row: LearningRound,
        policy: DomainPolicy,
        there: Sequence[StoredContribution],
        *,
        still: Callable[[], None],
        say: Say,
    ) -> dict[str, float]:
        """Greatest loss of each contribution that was tried, on the policy's suites.

        An attempt that died goes on where it was. Nothing is tried where the policy wants no probe,
        or where its suites cannot be measured: then the gates, which need them, block the release.
        """
        asked = policy.take.probe
        if asked is None:
            return {}
        chosen = _drawn(row.id, [one for one in there if one.reason != READMITTED], asked.most)
        lost = {id_: one for id_, one in self._noted(row.id).items() if id_ in chosen}
        for number, id_ in enumerate(chosen, 1):
            if id_ in lost:
                continue
            say(f"trying contribution {number} of {len(chosen)} by itself")
            try:
                lost[id_] = self._loss(row, policy, asked, id_, still)
            except RoundBlockedError as error:
                say(f"no contribution is tried by itself: {error.message}")
                return {}
            replace_text(self.files.of(row.id) / NOTES, json.dumps(lost))
        return lost

    def _loss(
        self,
        row: LearningRound,
        policy: DomainPolicy,
        asked: Probe,
        id_: str,
        still: Callable[[], None],
    ) -> float:
        change = read_delta(self.files.contribution(id_))
        found = self.trials.scores(row, change, asked.suites, policy, still=still)
        return max((sum(one.before) - sum(one.after)) / len(one.before) for one in found.values())

    def _noted(self, round_: str) -> dict[str, float]:
        try:
            held: dict[str, Any] = json.loads((self.files.of(round_) / NOTES).read_text("utf-8"))
            return {id_: float(lost) for id_, lost in held.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}


def _drawn(round_: str, there: Sequence[StoredContribution], most: int) -> list[str]:
    """Ids of those that are tried."""

    def lot(id_: str) -> bytes:
        return hashlib.sha256(f"{round_}/{id_}".encode()).digest()

    return sorted((one.id for one in there), key=lot)[:most]
