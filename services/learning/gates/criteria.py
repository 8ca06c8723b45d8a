"""The policy's criteria, each with what it needs, what there is, and whether it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

from services.learning.gates.bootstrap import Gain, paired
from services.learning.policy import DomainPolicy, Release, Start


@dataclass(frozen=True)
class Criterion:
    """One line of a decision: ``needs`` and ``has`` in words, for people."""

    name: str
    holds: bool
    needs: str
    has: str


@dataclass(frozen=True)
class Readiness:
    """What there is to start a round with.

    ``error_rate`` is the share of answers that were corrected or overridden since the last release,
    None where there were none; ``drift`` how much greater it is than before that release, None
    where too few tell; ``days`` since the last round, None before the first.
    """

    contributions: int
    sites: int
    signals: int
    error_rate: float | None
    days: float | None
    running: bool = False
    drift: float | None = None


@dataclass(frozen=True)
class Scores:
    """Scores (0 to 1) of one suite's items, the same items before and after."""

    before: tuple[float, ...]
    after: tuple[float, ...]


@dataclass(frozen=True)
class Evidence:
    """What an update is judged by.

    Attributes:
        suites: by name.
        lost: share of the change that the projection left out.
        shadow: answers beside the current release: how many, and how many of them lost.
        approvals: people who approved this very digest.
        rejections: people who rejected it; one is enough to block it for good.
        epsilon: greatest privacy budget that a contributing node has spent, None where one said
            none.
    """

    suites: Mapping[str, Scores] = field(default_factory=dict)
    lost: float = 0.0
    shadow: tuple[int, int] = (0, 0)
    approvals: frozenset[str] = frozenset()
    rejections: frozenset[str] = frozenset()
    epsilon: float | None = None


def may_start(policy: DomainPolicy, ready: Readiness) -> tuple[Criterion, ...]:
    """The criteria for a round; it may start when all hold."""
    asked = policy.start
    return (
        _count("contributions", policy.enough, ready.contributions),
        _count("sites", asked.sites, ready.sites),
        _error_signal(asked, ready),
        Criterion(
            "wait",
            ready.days is None or ready.days >= asked.wait_days,
            f"{asked.wait_days:g} days since the last round",
            "no round yet" if ready.days is None else f"{ready.days:.1f} days",
        ),
        Criterion(
            "one-at-a-time",
            not ready.running,
            "no round of this domain is running",
            "one is running" if ready.running else "none",
        ),
    )


def _error_signal(asked: Start, ready: Readiness) -> Criterion:
    """Whether something says that the model is wrong, or more often than it was: one is enough."""
    rate, drift = ready.error_rate, ready.drift
    needs = [f"{asked.signals} corrections", f"{asked.error_rate:.0%} of answers corrected"]
    has = [
        f"{ready.signals} corrections",
        f"{'none' if rate is None else f'{rate:.0%}'} of answers",
    ]
    drifts = False
    if asked.drift is not None:
        drifts = drift is not None and drift >= asked.drift
        needs.append(f"a rise of {asked.drift:.0%}")
        has.append("no rise known" if drift is None else f"a change of {drift:+.0%}")
    signal = ready.signals >= asked.signals or (rate is not None and rate >= asked.error_rate)
    return Criterion("error-signal", signal or drifts, ", or ".join(needs), ", ".join(has))


def may_release(policy: DomainPolicy, evidence: Evidence) -> tuple[Criterion, ...]:
    """The criteria for a release; it may go out when all hold."""
    asked = policy.release
    shown, losses = evidence.shadow
    return (
        *chain.from_iterable(
            _suite(name, kind, asked, evidence.suites.get(name))
            for kind, names in (
                ("gain", asked.suites),
                ("protected", asked.protected),
                ("safety", asked.safety),
            )
            for name in names
        ),
        Criterion(
            "projection",
            evidence.lost <= policy.aggregate.max_lost,
            f"at most {policy.aggregate.max_lost:.0%} of the change lost",
            f"{evidence.lost:.0%}",
        ),
        _privacy(policy, evidence),
        Criterion(
            "shadow",
            shown >= asked.shadow and losses * 2 <= shown,
            f"{asked.shadow} answers in the shadow, no more lost than won",
            f"{shown} answers, {losses} lost",
        ),
        Criterion(
            "rejections",
            not evidence.rejections,
            "nobody rejected this candidate; another one may be made",
            f"rejected by {len(evidence.rejections)}" if evidence.rejections else "none",
        ),
        _count("approvals", asked.approvals, len(evidence.approvals)),
    )


def _count(name: str, needed: int, there: int) -> Criterion:
    return Criterion(name, there >= needed, f"at least {needed}", str(there))


def _privacy(policy: DomainPolicy, evidence: Evidence) -> Criterion:
    bound = policy.take.epsilon
    holds = bound is None or (evidence.epsilon is not None and evidence.epsilon <= bound)
    return Criterion(
        "privacy",
        holds,
        "no budget asked for" if bound is None else f"at most ε {bound:g} at every node",
        "a node said none" if evidence.epsilon is None else f"ε {evidence.epsilon:.2f}",
    )


def _suite(name: str, kind: str, asked: Release, scores: Scores | None) -> tuple[Criterion, ...]:
    """How an update did on a suite; one that was not run, or is too small, blocks."""
    label = f"{kind}:{name}"
    if scores is None or len(scores.before) != len(scores.after):
        return (Criterion(label, False, "the suite's scores, before and after", "not measured"),)
    if len(scores.after) < asked.items:
        few = f"{len(scores.after)} items"
        return (Criterion(label, False, f"at least {asked.items} items", few),)
    if kind == "safety":
        worse = sum(not a >= b for b, a in zip(scores.before, scores.after, strict=True))
        return (Criterion(label, worse == 0, "nothing worse", f"{worse} items worse"),)
    gain = paired(scores.before, scores.after, confidence=asked.confidence, samples=asked.samples)
    if kind == "gain":
        needed = f"a gain surely above {asked.min_gain:.0%}"
        return (Criterion(label, gain.low > asked.min_gain, needed, _told(gain)),)
    needed = f"surely not worse by more than {asked.worse_by:.0%}"
    return (Criterion(label, gain.low >= -asked.worse_by, needed, _told(gain)),)


def _told(gain: Gain) -> str:
    return f"{gain.mean:+.1%} ({gain.low:+.1%} to {gain.high:+.1%})"
