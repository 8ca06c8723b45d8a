"""How a student does: beside what devices have now, and beside the parent that it is to be like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.bricks.store import BrickStore
from services.engines.torch_side import Say
from services.learning.evaluate.book import ScoreBook
from services.learning.evaluate.forms import Worn, parent_worn
from services.learning.evaluate.suites import Suites
from services.learning.gates import Criterion, Evidence, Scores, may_release
from services.learning.policy import DomainPolicy

LEAST_KEPT = 0.5
"""Share of the parent's gain that a student has to have."""


@dataclass(frozen=True)
class Figures:
    """Scores of a student.

    Attributes:
        suites: of what devices have now, and of the student.
        parents: mean score of the parent by suite.
        kept: share of the parent's gain over the bare model that the student has; 0 where the
            parent gained nothing.
        criteria: what it is held against.
    """

    suites: Mapping[str, Scores]
    parents: Mapping[str, float]
    kept: float
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class Measuring:
    """Measures students.

    Attributes:
        book: of scores.
        store: with the releases.
        suites: by name.
        policy: of the domain.
        say: is told of progress.
    """

    book: ScoreBook
    store: BrickStore
    suites: Suites
    policy: DomainPolicy
    say: Say

    def figures(self, parent: str, former: str | None, student: Worn) -> Figures:
        """Measure a student of a parent, which is to come in the place of ``former``.

        Raises:
            BrickError, BrickUnknownError: a release is not here as it has to be.
            EngineError: the model could not be asked.
        """
        asked, bare = self.policy.release, Worn(None, "base")
        teacher, now = parent_worn(self.store, parent), parent_worn(self.store, former)
        suites, parents = dict[str, Scores](), dict[str, float]()
        gained = kept = 0.0
        for name in dict.fromkeys([*asked.safety, *asked.suites, *asked.protected]):
            suite = self.suites.get(name)
            if suite is None:
                continue
            base, best, before, after = (
                self.book.scores(worn, suite, self.say) for worn in (bare, teacher, now, student)
            )
            suites[name], parents[name] = Scores(before, after), mean(best)
            if name in asked.suites:
                gained += mean(best) - mean(base)
                kept += mean(after) - mean(base)
        share = kept / gained if gained > 0 else 0.0
        return Figures(suites, parents, share, _criteria(self.policy, suites, share))


def mean(scores: Sequence[float]) -> float:
    """Of the scores."""
    return sum(scores) / len(scores)


def _criteria(
    policy: DomainPolicy, suites: Mapping[str, Scores], kept: float
) -> tuple[Criterion, ...]:
    """Safety and protected knowledge as for every release; the gain by what is kept of it."""
    held = may_release(policy, Evidence(suites=suites))
    same = [one for one in held if one.name.startswith(("safety:", "protected:"))]
    needs = f"at least {LEAST_KEPT:.0%} of the parent's gain"
    return (Criterion("kept", kept >= LEAST_KEPT, needs, f"{kept:.0%}"), *same)
