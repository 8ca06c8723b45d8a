"""Trying a change out on a few suites, apart from the candidate of its round."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from services.engines.digest import file_digest
from services.learning.aggregate import Delta
from services.learning.errors import RoundBlockedError
from services.learning.gates import Scores
from services.learning.models import LearningRound
from services.learning.policy import DomainPolicy
from services.learning.rounds.files import CANDIDATE, RoundFiles, write_delta
from services.learning.rounds.ports import Candidate, Evaluator, Say

LONGEST = 86_400.0
"""Seconds after which no trial goes on any more."""


@dataclass(frozen=True)
class Trials:
    """Measures changes that are no candidates.

    Args:
        files: of the rounds; what a trial writes is deleted when it ends.
        evaluator: measures.
    """

    files: RoundFiles
    evaluator: Evaluator

    def scores(
        self,
        row: LearningRound,
        change: Delta,
        suites: Sequence[str],
        policy: DomainPolicy,
        *,
        still: Callable[[], None] = lambda: None,
        say: Say = lambda _text: None,
    ) -> Mapping[str, Scores]:
        """Scores of each suite, with the round's parent as it is and with the change on it.

        Raises:
            RoundBlockedError: a suite could not be measured.
        """
        folder = self.files.of(row.id) / "trials" / str(uuid4())
        folder.mkdir(parents=True, mode=0o700)
        _sweep(folder.parent)
        try:
            path = folder / CANDIDATE
            write_delta(path, change)
            measured = self.evaluator.measure(
                Candidate(
                    round=row.id,
                    domain=row.domain,
                    epoch=row.epoch,
                    base=row.base,
                    parent=row.parent,
                    folder=folder,
                    path=path,
                    digest=file_digest(path),
                    policy=only(policy, suites),
                    still=still,
                    say=say,
                )
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        lacking = [name for name in suites if not _whole(measured.suites.get(name))]
        if lacking:
            raise RoundBlockedError(f"The suite {lacking[0]} was not measured.")
        return {name: measured.suites[name] for name in suites}


def _sweep(trials: Path) -> None:
    """Delete what trials left behind that died."""
    for left in trials.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > LONGEST:
                shutil.rmtree(left, ignore_errors=True)


def only(policy: DomainPolicy, suites: Sequence[str]) -> DomainPolicy:
    """A policy that asks for these suites alone, so that nothing else is measured."""
    asked = {"suites": tuple(suites), "protected": (), "safety": (), "shadow": 0}
    return policy.model_copy(update={"release": policy.release.model_copy(update=asked)})


def _whole(scores: Scores | None) -> bool:
    return scores is not None and 0 < len(scores.before) == len(scores.after)
