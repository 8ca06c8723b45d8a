"""What came of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.learning.scenario.quality import Quality


@dataclass(frozen=True)
class Step:
    """A step of the story, in seconds and in seconds of the processor, its processes included."""

    name: str
    seconds: float
    cpu: float


@dataclass(frozen=True)
class SiteResult:
    """One site: its answers before, with its own training alone, and at the end; bytes moved."""

    name: str
    before: Quality
    alone: Quality
    after: Quality
    sent: int
    fetched: int


@dataclass(frozen=True)
class Released:
    """One release.

    Attributes:
        brick: ``id@version``; state: of its round at the end.
        quality: of the parent with it, on the rules that the first round teaches.
        unasked: the same for the rule that no suite asks for.
        suites: mean score of each suite, before and with it.
        weights: of each site in the aggregate, by name.
        epsilon: greatest budget that a node spent; None where none was added.
        signed: whether a client of the repository verified it and its files.
        hours: of the simulated clock until its end; steps: of the rollout; reason: of its end.
    """

    brick: str
    state: str
    quality: Quality
    unasked: Quality
    suites: Mapping[str, tuple[float, float]]
    criteria: Mapping[str, bool]
    weights: Mapping[str, float]
    epsilon: float | None
    signed: bool
    hours: float
    steps: tuple[str, ...]
    reason: str | None


@dataclass(frozen=True)
class Planted:
    """A bad release, signed past the gates; see `Released`, but ``state`` is of the rollout."""

    brick: str
    state: str
    unasked: Quality
    hours: float
    steps: tuple[str, ...]
    reason: str | None


@dataclass(frozen=True)
class Outcome:
    """Everything.

    Attributes:
        sites: each site.
        mean: what a plain mean with the hostile change would have answered.
        refused: why the hostile site's first change was refused; trust: in it, afterwards.
        first: the release that teaches; second, third: planted regressions, one
            hostile, one that forgot.
        said: an answer of the engine of the clinic that never saw the rules.
        kept: share of the fleet that has the first release in use at the end.
        again: what a clinic is told that asks for the withdrawn releases' last.
        nodes: of the fleet.
        model_bytes: of the whole model's file, to hold the moved bytes against.
    """

    sites: tuple[SiteResult, ...]
    mean: Quality
    refused: str
    trust: float
    first: Released
    second: Planted
    third: Planted
    said: str
    kept: float
    again: str
    nodes: int
    model_bytes: int
    steps: tuple[Step, ...]

    @property
    def seconds(self) -> float:
        """Of the whole run."""
        return sum(step.seconds for step in self.steps)

    @property
    def cpu(self) -> float:
        """Seconds of the processor."""
        return sum(step.cpu for step in self.steps)

    def site(self, name: str) -> SiteResult:
        """A site by its name."""
        return next(site for site in self.sites if site.name == name)
