"""One cell of the attack table: some rounds of learning under one attack and one rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.learning.aggregate import Delta, InMemory, Rule, aggregate
from services.learning.aggregate.delta import Floats
from services.learning.bench.attacks import Attack, hostile
from services.learning.bench.bed import RANK, TARGET, Bed, Examples, Model, trained, triggered
from services.learning.bench.door import refused
from services.learning.gates import Scores

CLIENTS, HOSTILE, ROUNDS = 20, 4, 3


@dataclass(frozen=True)
class Cell:
    """What came of it.

    Attributes:
        error: of the first round's aggregate, relative to the honest mean's length.
        refused: hostile contributions that were refused at the door, with the reason; in a round.
        suites: of the first model and the last one.
        backdoor: share of items with the trigger, not of its class, that are called by it.
    """

    attack: Attack
    rule: Rule
    hostile: int
    error: float
    refused: tuple[str, ...]
    suites: dict[str, Scores] = field(repr=False)
    backdoor: float
    lost: float

    def accuracy(self, suite: str) -> float:
        """Share of a suite's items that the last model answers rightly."""
        return float(np.mean(self.suites[suite].after))

    @property
    def gain(self) -> float:
        """Accuracy on the learned suite, over that of the first model."""
        return self.accuracy("learned") - float(np.mean(self.suites["learned"].before))


def run_cell(
    bed: Bed,
    attack: Attack,
    rule: Rule,
    *,
    bears: int = HOSTILE,
    there: int = HOSTILE,
    rounds: int = ROUNDS,
) -> Cell:
    """Learn for some rounds.

    Args:
        bed: the task.
        attack: of the hostile clients.
        rule: of the aggregation.
        bears: how many hostile clients the rule is told to bear.
        there: how many there are; they are the first ones.
        rounds: each on the parent that the one before made.
    """
    model, error, lost = bed.model, 0.0, 0.0
    reasons: tuple[str, ...] = ()
    for number in range(rounds):
        honest = trained(model, _of(bed, slice(there, None)))
        sent = hostile(attack, model, _of(bed, slice(0, there)), honest)
        why = [refused(one) for one in sent]
        taken = [one for one, reason in zip(sent, why, strict=True) if reason is None] + honest
        made = aggregate(InMemory(taken), rule, rank=RANK, hostile=_borne(rule, taken, bears))
        if number == 0:
            error, reasons = _error(made.delta, honest), tuple(r for r in why if r)
        lost = max(lost, made.lost)
        model = model.with_change(made.delta)
    suites = {k: Scores(bed.model.right(s), model.right(s)) for k, s in bed.suites.items()}
    return Cell(attack, rule, there, error, reasons, suites, _backdoor(model, bed), lost)


def table(
    bed: Bed,
    *,
    rounds: int = ROUNDS,
    bears: int = HOSTILE,
    there: int = HOSTILE,
    attacks: Sequence[Attack] = tuple(Attack),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Cell]:
    """Every attack against every rule."""
    made = []
    for attack in attacks:
        for rule in Rule:
            progress(f"{attack} against {rule}")
            made.append(run_cell(bed, attack, rule, bears=bears, there=there, rounds=rounds))
    return made


def _of(bed: Bed, which: slice) -> Examples:
    return Examples(bed.clients.inputs[which], bed.clients.labels[which])


def _borne(rule: Rule, taken: Sequence[Delta], bears: int) -> int:
    """What the rule can bear of so many: Bulyan needs 4 f + 3 of them."""
    return min(bears, (len(taken) - 3) // (4 if rule is Rule.BULYAN else 2))


def _error(delta: Delta, honest: Sequence[Delta]) -> float:
    apart = whole = 0.0
    for name, factors in delta.items():
        mean: Floats = np.mean([one[name].dense() for one in honest], axis=0)
        apart += float(((factors.dense() - mean) ** 2).sum())
        whole += float((mean**2).sum())
    return float(np.sqrt(apart / whole))


def _backdoor(model: Model, bed: Bed) -> float:
    """How often the trigger has its way."""
    suite = bed.suites["learned"]
    others = triggered(suite.part(np.flatnonzero(suite.labels != TARGET)))
    return float((model.odds(others.inputs).argmax(-1) == TARGET).mean())
