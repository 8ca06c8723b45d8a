"""What each cell of the attack table is held to: 20 clients, 4 of them hostile, 3 rounds.

A bound says the least accuracy on the learned suite and the greatest share of items that the
backdoor turns. Bounds lie some points beyond what was measured. Rules that bear nothing (mean) or
little (norm clip, geometric median against a loud backdoor) have bounds that say so, so that nobody
reads safety into them: what they let through is `weak`.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.learning.aggregate import Rule
from services.learning.bench.attacks import Attack
from services.learning.bench.cells import Cell

WORSE_BY = 0.02
"""Of the protected suite, where the rule bears the attack."""


@dataclass(frozen=True)
class Bound:
    """Least accuracy on the learned and protected suites, greatest share that is turned."""

    learned: float
    backdoor: float = 0.10
    protected: float = 1.0 - WORSE_BY

    @property
    def weak(self) -> bool:
        """Whether the rule does not bear this attack."""
        return self.learned < LEAST or self.backdoor > MOST or self.protected < 1.0 - WORSE_BY


LEAST, MOST = 0.80, 0.10
_BORNE = Bound(0.92)
_KRUM = Bound(0.80)
"""One client's change alone, so less is learned, whatever the attack."""
_ANY = Bound(0.0, 1.0, 0.0)

BOUNDS: dict[Attack, dict[Rule, Bound]] = {
    Attack.NONE: {},
    Attack.SIGN_FLIP: {
        Rule.MEAN: _ANY,
        Rule.NORM_CLIP: Bound(0.85),
        Rule.TRIMMED_MEAN: Bound(0.90),
        Rule.MEDIAN: Bound(0.90),
        Rule.GEOMETRIC_MEDIAN: Bound(0.90),
    },
    Attack.GAUSSIAN: {Rule.MEAN: _ANY},
    Attack.BACKDOOR: {
        Rule.MEAN: Bound(0.90, 1.0),
        Rule.NORM_CLIP: Bound(0.90, 0.75),
        Rule.GEOMETRIC_MEDIAN: Bound(0.90, 0.60),
    },
    Attack.LITTLE: {
        Rule.MEAN: Bound(0.90),
        Rule.NORM_CLIP: Bound(0.90),
        Rule.TRIMMED_MEAN: Bound(0.88),
        Rule.MEDIAN: Bound(0.88),
        Rule.MULTI_KRUM: Bound(0.88),
        Rule.BULYAN: Bound(0.82),
        Rule.GEOMETRIC_MEDIAN: Bound(0.90),
    },
    Attack.LABEL_FLIP: {Rule.MEAN: Bound(0.85, 0.25)},
    Attack.SYBILS: {Rule.MEAN: Bound(0.85, 0.35)},
    Attack.NAN: {},
}


def bound(attack: Attack, rule: Rule) -> Bound:
    """What a cell is held to."""
    return BOUNDS[attack].get(rule, _KRUM if rule is Rule.KRUM else _BORNE)


def beyond(cell: Cell) -> tuple[str, ...]:
    """Which of its bounds a cell breaks; none where it keeps all."""
    held = bound(cell.attack, cell.rule)
    broken = {
        "learned": cell.accuracy("learned") < held.learned,
        "protected": cell.accuracy("protected") < held.protected,
        "backdoor": cell.backdoor > held.backdoor,
        "taken": cell.attack is Attack.NAN and len(cell.refused) < cell.hostile,
    }
    return tuple(name for name, is_broken in broken.items() if is_broken)
