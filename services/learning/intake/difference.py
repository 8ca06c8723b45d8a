"""How far a release is from what it would be without what was withdrawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from services.learning.aggregate import Delta, Factors
from services.learning.contribution import length_of
from services.learning.errors import AggregationError
from services.learning.models import LearningRound
from services.learning.rounds import Rounds, read_delta
from services.learning.rounds.collect import used

MOST = 64
"""With more contributions than this nobody waits for the comparison."""


@dataclass(frozen=True)
class Difference:
    """What a change is with and without something.

    Attributes:
        before: length of the change that was made; after: of the one without it.
        apart: length of what lies between them; share: that as a share of ``before``.
    """

    before: float
    after: float
    apart: float
    share: float


def difference(rounds: Rounds, row: LearningRound) -> Difference | None:
    """What a round's change would be without what was withdrawn.

    None where it cannot be told: too few contributions are left for the rule, too many for a quick
    answer, or files are no longer there.
    """
    with rounds.database.reading() as session:
        there = used(session, row.id)
    files = [rounds.files.contribution(one.id) for one in there]
    whole = rounds.files.holds(row.id, row.candidate) and all(path.is_file() for path in files)
    if not whole or not 0 < len(there) <= MOST:
        return None
    try:
        made = rounds.combining.together(there, rounds.policy.of(row.domain), lambda _text: None)
    except AggregationError:
        return None
    return between(read_delta(rounds.files.candidate(row.id)), made.delta)


def between(before: Delta, after: Delta) -> Difference | None:
    """How far two changes lie apart; None where that cannot be said."""
    length, apart = length_of(before), length_of(_minus(before, after))
    if not (length > 0 and math.isfinite(apart)):
        return None
    return Difference(length, length_of(after), apart, apart / length)


def _minus(one: Delta, other: Delta) -> dict[str, Factors]:
    """The difference of two changes, as factors side by side."""
    return {
        module: Factors(
            np.concatenate([one[module].up, -other[module].up], axis=1),
            np.concatenate([one[module].down, other[module].down], axis=0),
        )
        for module in one
    }
