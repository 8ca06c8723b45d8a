"""What the sampled Gaussian mechanism costs, by Rényi differential privacy.

The divergence of order a (integer, at least 2) for sampling rate q and noise multiplier s is
``log(sum_k C(a, k) (1 - q)^(a - k) q^k exp(k (k - 1) / (2 s²))) / (a - 1)`` (Mironov, Talwar and
Zhang 2019, section 3.3). It adds up over steps. The conversion to (ε, δ) is that of Balle et al.
2020 (theorem 21): ``ε = rdp + log((a - 1) / a) - (log δ + log a) / (a - 1)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from compliance.errors import BadInputError

ORDERS = (*range(2, 65), 80, 96, 128, 256, 512)


@dataclass(frozen=True)
class Mechanism:
    """So many steps of the sampled Gaussian mechanism.

    ``rate`` is the share of examples in a step (1 for all of them), ``noise`` the standard
    deviation of the noise over the clipping bound.
    """

    steps: int
    rate: float
    noise: float


def epsilon_of(mechanisms: Iterable[Mechanism], delta: float) -> float:
    """The ε of everything together at a δ; infinite where there is no noise.

    Raises:
        BadInputError: a rate, a number of steps or the δ is none.
    """
    if not 0 < delta < 1:
        raise BadInputError("δ lies between 0 and 1.")
    held = [m for m in mechanisms if m.steps]
    for mechanism in held:
        if mechanism.steps < 0 or not 0 < mechanism.rate <= 1 or mechanism.noise < 0:
            raise BadInputError("A mechanism has steps, a rate of at most 1, and noise.")
    if not held:
        return 0.0
    if any(m.noise == 0 for m in held):
        return math.inf
    return max(0.0, min(_converted(_total(held, a), a, delta) for a in ORDERS))


def noise_for(epsilon: float, delta: float, *, steps: int, rate: float) -> float:
    """The least noise multiplier that keeps to a budget, to three digits.

    Raises:
        BadInputError: the budget is none, or no sensible noise keeps to it.
    """
    low, high = 0.2, 0.4
    while epsilon_of([Mechanism(steps, rate, high)], delta) > epsilon:
        low, high = high, high * 2
        if high > 1e4:  # noqa: PLR2004 - noise ten thousand times the signal is none that helps
            raise BadInputError("No noise keeps to this privacy budget.")
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        if epsilon_of([Mechanism(steps, rate, middle)], delta) > epsilon:
            low = middle
        else:
            high = middle
    return high


def _total(mechanisms: Iterable[Mechanism], order: int) -> float:
    return sum(m.steps * _rdp(m.rate, m.noise, order) for m in mechanisms)


def _rdp(rate: float, noise: float, order: int) -> float:
    """Divergence of one step."""
    if rate == 1.0:
        return order / (2 * noise**2)
    terms = [
        _log_binomial(order, k)
        + k * math.log(rate)
        + (order - k) * math.log1p(-rate)
        + k * (k - 1) / (2 * noise**2)
        for k in range(order + 1)
    ]
    top = max(terms)
    return (top + math.log(sum(math.exp(t - top) for t in terms))) / (order - 1)


def _log_binomial(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _converted(rdp: float, order: int, delta: float) -> float:
    return rdp + math.log((order - 1) / order) - (math.log(delta) + math.log(order)) / (order - 1)
