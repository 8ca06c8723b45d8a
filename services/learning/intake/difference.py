"""How far a release is from what it would be without what was withdrawn."""

from __future__ import annotations

import math

import numpy as np

from services.learning.aggregate import Delta, Factors
from services.learning.contribution import length_of
from services.learning.errors import AggregationError
from services.learning.models import LearningRound
from services.learning.rounds import Rounds, read_delta
from services.learning.rounds.collect import used

MOST = 64
"""With more contributions than this nobody waits for the comparison."""


def difference(rounds: Rounds, row: LearningRound) -> float | None:
    """Length of the change that the release would undergo, as a share of the release's own.

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
    before = read_delta(rounds.files.candidate(row.id))
    length = length_of(before)
    apart = length_of(_minus(before, made.delta))
    return apart / length if length > 0 and math.isfinite(apart) else None


def _minus(one: Delta, other: Delta) -> dict[str, Factors]:
    """The difference of two changes, as factors side by side."""
    return {
        module: Factors(
            np.concatenate([one[module].up, -other[module].up], axis=1),
            np.concatenate([one[module].down, other[module].down], axis=0),
        )
        for module in one
    }
