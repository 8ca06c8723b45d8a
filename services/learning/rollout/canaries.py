"""Canary questions: the published brick is asked, before any node has it, through the real engine.

What is asked is the hospital's own suite ``canaries``, where it has one, and the safety suites of
the update policy. A question fails where the former release got it right and this one does not: the
gates have judged the candidate's files, this judges what nodes would fetch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from services.bricks.store import BrickStore
from services.learning.evaluate.book import ScoreBook
from services.learning.evaluate.evaluator import SCORES
from services.learning.evaluate.forms import parent_worn
from services.learning.evaluate.suite import Suite
from services.learning.evaluate.suites import Suites
from services.learning.policy import Policy
from services.learning.rollout.ports import CanaryResult

OWN = "canaries"
SHOWN_CHARS = 60
"""Of a question that failed; suites hold nothing of a patient."""
Score = Callable[[str | None, Suite], Sequence[float]]
"""Scores of a suite's items under a release; under the bare model when None."""


class EngineCanaries:
    """Asks canary questions of releases in a hospital's store.

    Args:
        suites: by name.
        policy: the update policy.
        domain_of: the domain of a release.
        score: how a suite is asked.
    """

    def __init__(
        self, suites: Suites, policy: Policy, domain_of: Callable[[str], str], score: Score
    ) -> None:
        self._suites, self._policy = suites, policy
        self._domain_of, self._score = domain_of, score

    def __call__(self, brick: str, former: str | None) -> CanaryResult:
        """Ask all of them.

        Raises:
            BrickError: a release is not here, or not whole.
            EngineError: the model could not be asked.
        """
        asked, failed = 0, list[str]()
        for suite in self._suites_of(brick):
            before, after = self._score(former, suite), self._score(brick, suite)
            asked += len(suite.items)
            failed += [
                f"“{item.ask[:SHOWN_CHARS]}”"
                for item, was, now in zip(suite.items, before, after, strict=True)
                if was >= 1 > now
            ]
        return CanaryResult(asked, tuple(failed))

    def _suites_of(self, brick: str) -> list[Suite]:
        safety = self._policy.of(self._domain_of(brick)).release.safety
        found = (self._suites.get(name) for name in dict.fromkeys((OWN, *safety)))
        return [suite for suite in found if suite is not None]


def by_engine(
    store: BrickStore, model: Callable[[], Path], folder: Path
) -> Callable[[str | None, Suite], Sequence[float]]:
    """Scores through llama.cpp in a process of its own; what was scored once is looked up.

    Args:
        store: with the releases.
        model: gives the GGUF file that they belong to.
        folder: of learning.
    """

    def score(ref: str | None, suite: Suite) -> Sequence[float]:
        book = ScoreBook(folder / SCORES, model())
        return book.scores(parent_worn(store, ref), suite, lambda _said: None)

    return score
