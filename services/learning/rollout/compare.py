"""Whether a release does worse than the former one: shown, and not by chance.

**Shares** (overrides, abstentions, referrals). The rise is the share under the release less the
share under the former one *at the same nodes*: each node's former share is weighted by its answers
now (indirect standardisation), so that a busy clinic with a rate of its own is no effect. Its
interval is Newcombe's hybrid score interval for the difference of two proportions, one-sided, with
the effective size of the weighted former sample. A release is stopped when the rise is more than
the policy allows **and** the lower end of the interval lies above zero.

**Latency**. A one-sided sign test: of the windows whose median is longer than the policy's multiple
of the node's own former median, are there more than chance gives if half were?

**Canaries**. No statistics: one more failure than allowed, and the release is stopped.

**Looking often**. There is a look when the answers have grown by half since the last one, not at
every report. Of the error that the policy allows (1 - confidence) each of the four measures gets a
quarter, and look k of it 1/((k+1)(k+2)) of that, which sums to one. So a release that is as good as
the former one is stopped with at most that probability, however long it is watched.

What it cannot see: with 50 answers each a rise from 10 % is found in most cases only from 30 points
on; what changes everywhere at the same time (a season) is taken for the release's doing; answers of
one window are taken to be independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median
from typing import Literal

from services.learning.policy import Rollout
from services.learning.rollout.tally import Pair

Share = Literal["overrides", "abstentions", "referrals"]
SHARES: tuple[Share, ...] = ("overrides", "abstentions", "referrals")
GROWTH = 1.5
"""The next look is when there are so many times the answers of the last one."""


@dataclass(frozen=True)
class Rise:
    """A measure under the release beside the former one.

    Attributes:
        name: of the measure.
        before, now: shares of answers; of latency the median in milliseconds.
        low, high: ends of the interval of the rise; of latency the share of slow windows alone.
        allowed: by the policy.
        worse: whether the release is to be stopped for it.
        beyond: whether the rise, shown or not, is more than is allowed.
    """

    name: str
    before: float
    now: float
    low: float
    high: float
    allowed: float
    worse: bool
    beyond: bool

    @property
    def words(self) -> str:
        """What rose, from what to what."""
        if self.name == "latency":
            return f"latency rose from {self.before:.0f} to {self.now:.0f} ms"
        return f"{self.name} rose from {self.before:.1%} to {self.now:.1%}"


def due(answers: int, looks: int, policy: Rollout) -> bool:
    """Whether it is time for look number ``looks`` (from 0 on)."""
    return answers >= policy.answers * GROWTH**looks


def error_of(look: int, policy: Rollout) -> float:
    """The error that one measure may make at a look."""
    return (1 - policy.confidence) / (len(SHARES) + 1) / ((look + 1) * (look + 2))


def compare(pairs: Sequence[Pair], policy: Rollout, look: int) -> tuple[Rise, ...]:
    """All measures of a cohort, for one look.

    Args:
        pairs: what each node counted under the release and under the former one.
        policy: what is allowed.
        look: its number.
    """
    error = error_of(look, policy)
    found = [_share(name, pairs, getattr(policy, name), error) for name in SHARES]
    slow = _latency(pairs, policy.latency, error)
    return (*found, *([slow] if slow else []))


def _share(name: Share, pairs: Sequence[Pair], allowed: float, error: float) -> Rise:
    answers = sum(pair.now.answers for pair in pairs)
    now = sum(getattr(pair.now, name) for pair in pairs) / answers if answers else 0.0
    before, size = _expected(name, pairs, answers)
    low, high = newcombe(now, answers, before, size, error)
    beyond = now - before > allowed
    return Rise(name, before, now, low, high, allowed, beyond and low > 0, beyond)


def _expected(name: Share, pairs: Sequence[Pair], answers: float) -> tuple[float, float]:
    """The share that the former release would have had of these nodes, and its effective size."""
    former = [pair for pair in pairs if pair.before.answers and pair.now.answers]
    if not former or not answers:
        return 0.0, 0.0
    weight = sum(pair.now.answers for pair in former)
    share = sum(pair.now.answers * pair.before.share(name) for pair in former) / weight
    size = weight**2 / sum(pair.now.answers**2 / pair.before.answers for pair in former)
    return share, size


def newcombe(now: float, n: float, before: float, m: float, error: float) -> tuple[float, float]:
    """Newcombe's interval for ``now - before``, each end wrong with a probability of ``error``."""
    if not n or not m:
        return -1.0, 1.0
    z = NormalDist().inv_cdf(1 - error)
    (low_1, high_1), (low_2, high_2) = wilson(now, n, z), wilson(before, m, z)
    rise = now - before
    return (
        rise - math.hypot(now - low_1, high_2 - before),
        rise + math.hypot(high_1 - now, before - low_2),
    )


def wilson(share: float, n: float, z: float) -> tuple[float, float]:
    """Wilson's score interval of a share of ``n``."""
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


def _latency(pairs: Sequence[Pair], times: float, error: float) -> Rise | None:
    """The sign test over windows; None where there is nothing to compare."""
    own = {pair.node: median(pair.before.latencies) for pair in pairs if pair.before.latencies}
    windows = [
        (value, own[pair.node])
        for pair in pairs
        if pair.node in own
        for value in pair.now.latencies
    ]
    if not windows:
        return None
    slow, all_ = sum(value > times * usual for value, usual in windows), len(windows)
    before, now = median(own.values()), median(value for value, _ in windows)
    worse = chance_of(slow, all_) <= error
    return Rise("latency", before, now, slow / all_, slow / all_, times, worse, 2 * slow > all_)


def chance_of(slow: int, windows: int) -> float:
    """The probability of at least so many slow windows if each is slow with one half."""
    return float(sum(math.comb(windows, k) for k in range(slow, windows + 1)) / 2**windows)
