"""Which of several experts of one field takes a question: the better measured, else the newest.

Experts of one field that cover the same are told apart by what their bricks' makers measured, where
it is the same figure of the same suite; one that was measured goes before one that was not; else
the one that an operator put in place last. Never by name: that would be chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.experts.expert import Expert

Because = Literal["alone", "measured", "unmeasured", "newest"]
"""``measured``: it did better on the same suite; ``unmeasured``: the others were never measured."""


@dataclass(frozen=True)
class Ranked:
    """Who takes it, why, and before whom; ``suite`` is what all were measured on, if that told."""

    first: Expert
    because: Because
    over: tuple[Expert, ...] = ()
    suite: str = ""


def first_of(experts: Sequence[Expert]) -> Ranked:
    """Rank experts that cover the same; there must be one at least."""
    left = list(experts)
    because: Because = "alone"
    suite = _told_apart(left)
    if suite:
        best = max(dict(one.measured)[suite] for one in left)
        left = [one for one in left if dict(one.measured)[suite] == best]
        because = "measured"
    elif any(one.measured for one in left) and not all(one.measured for one in left):
        left = [one for one in left if one.measured]
        because = "unmeasured"
    if len(left) > 1:
        because = "newest"
    first = max(left, key=lambda one: (one.pushed, one.id))
    over = tuple(one for one in experts if one.id != first.id)
    return Ranked(first, because if over else "alone", over, suite)


def ranked_by_field(experts: Sequence[Expert]) -> tuple[Ranked, ...]:
    """Each field that more than one expert has, with who takes its questions."""
    fields: dict[tuple[str, str | None], list[Expert]] = defaultdict(list)
    for one in experts:
        fields[one.domain, one.sub_domain].append(one)
    return tuple(first_of(several) for several in fields.values() if len(several) > 1)


def _told_apart(experts: Sequence[Expert]) -> str:
    """A figure that all were measured by and that is not equal for all; "" where there is none."""
    common = set.intersection(*({name for name, _ in one.measured} for one in experts))
    apart = (n for n in sorted(common) if len({dict(one.measured)[n] for one in experts}) > 1)
    return next(apart, "")
