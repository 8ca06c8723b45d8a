"""Measure a candidate: every suite of the policy, before and after, and the shadow."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compliance.errors import BadInputError
from services.bricks.adapters.base import Base
from services.bricks.errors import BrickError, BrickUnknownError
from services.bricks.store import BrickStore
from services.learning.errors import RoundBlockedError
from services.learning.evaluate.book import Ask, ScoreBook
from services.learning.evaluate.forms import GGUF, Made, Worn, forms, parent_worn
from services.learning.evaluate.shadow import MEASURE, Recent, losses, shadow_suite
from services.learning.evaluate.suite import Item, Suite
from services.learning.evaluate.suites import Suites
from services.learning.evaluate.worker import ask
from services.learning.gates import Scores
from services.learning.rounds.ports import Candidate, Measured

SCORES = "scores"
"""Folder of the scores that were found, below that of learning."""
SHADOW = "shadow"
"""Suite of the shipped questions that are asked in the shadow."""
Model = Callable[[], Path]
"""Gives the model's GGUF file."""


def _none(_domain: str, _count: int) -> Sequence[Item]:
    return ()


class SuiteEvaluator:
    """Measures candidates on the model that the parent answers with.

    Args:
        model: gives the model's GGUF file; called on first use.
        suites: by name.
        folder: of learning.
        store: with the parent's adapter.
        recent: questions for the shadow.
        threads: of the CPU.
        ask: how a suite is scored.
    """

    def __init__(
        self,
        model: Model,
        suites: Suites,
        folder: Path,
        *,
        store: BrickStore,
        recent: Recent = _none,
        threads: int = 1,
        ask: Ask = ask,
    ) -> None:
        self._model, self._suites, self._folder, self._store = model, suites, folder, store
        self._recent, self._threads, self._ask = recent, threads, ask

    def measure(self, candidate: Candidate) -> Measured:
        """Measure on every suite that the policy names; one that nobody has is left out.

        Raises:
            RoundBlockedError: a suite or the parent's adapter is not as it has to be.
            FencedOffError: somebody else works on the round by now.
            EngineError: the model could not be asked; the next attempt goes on where this ended.
        """
        began, model = time.monotonic(), self._model()
        made = forms(candidate, Base.of(model), self._store)
        book = ScoreBook(self._folder / SCORES, model, threads=self._threads, ask=self._ask)
        try:
            before = parent_worn(self._store, candidate.parent)
            after = Worn(candidate.folder / GGUF, made.digest)
            suites = self._named(candidate)
            asked = [*suites, *self._shadow(candidate)]
            found = {
                suite.name: self._both(candidate, book, before, after, suite) for suite in asked
            }
        except (BadInputError, BrickError, BrickUnknownError) as error:
            raise RoundBlockedError(error.message, remedy=error.advice) from error
        book.tidy()
        shown = found.get(SHADOW)
        return Measured(
            suites={suite.name: found[suite.name] for suite in suites},
            shadow=(len(shown.after), losses(shown)) if shown else (0, 0),
            notes=self._notes(candidate, made, suites, time.monotonic() - began),
        )

    def _named(self, candidate: Candidate) -> list[Suite]:
        asked = candidate.policy.release
        names = dict.fromkeys([*asked.safety, *asked.suites, *asked.protected])
        return [suite for name in names if (suite := self._suites.get(name)) is not None]

    def _shadow(self, candidate: Candidate) -> list[Suite]:
        count = candidate.policy.release.shadow
        shipped = self._suites.get(SHADOW)
        if not count or shipped is None:
            return []
        own = self._recent(candidate.domain, count)
        return [shadow_suite(own, shipped, count)]

    @staticmethod
    def _both(
        candidate: Candidate, book: ScoreBook, before: Worn, after: Worn, suite: Suite
    ) -> Scores:
        candidate.still()  # a measurement is long: whoever was fenced off stops here
        with ThreadPoolExecutor(max_workers=2) as side_by_side:  # each in a process of its own
            former = side_by_side.submit(
                book.scores, before, suite, lambda said: candidate.say(f"the parent, {said}")
            )
            new = book.scores(after, suite, lambda said: candidate.say(f"the candidate, {said}"))
            return Scores(former.result(), new)

    def _notes(
        self, candidate: Candidate, made: Made, suites: Sequence[Suite], seconds: float
    ) -> dict[str, object]:
        asked = candidate.policy.release
        wanted = {*asked.safety, *asked.suites, *asked.protected}
        return {
            "adapter": made.digest,
            "adapter_bytes": (candidate.folder / GGUF).stat().st_size,
            "base": candidate.base,
            "lost_onto_parent": round(made.lost, 4),
            "missing_suites": sorted(wanted - {suite.name for suite in suites}),
            "seconds": round(seconds, 1),
            "shadow": MEASURE,
            "suites": {
                suite.name: {"kind": suite.kind, "items": len(suite.items), "digest": suite.digest}
                for suite in suites
            },
        }
