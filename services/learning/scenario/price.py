"""What a privacy budget would cost: one clinic's change with noise for several ε, and its answers.

The whole change of the site is clipped and noise is added to it; ``down`` is public and stays as
drawn. Trained once: what differs between the rows is the noise alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from services.bricks.adapters.unpack import unpack_embedded
from services.learning.contribution import length_of
from services.learning.privacy.accountant import Mechanism, epsilon_of, noise_for
from services.learning.rounds.ports import Say
from services.learning.scenario.facts import facts
from services.learning.scenario.quality import Quality, of_change
from services.learning.train import Recipe, TrainRequest, train_local
from services.learning.train.material import protected
from services.learning.train.update import clip_and_noise

BUDGETS = (8.0, 1_000.0, 100_000.0)
DELTA = 1e-5
STEPS, RATE = 30, 0.008


@dataclass(frozen=True)
class Price:
    """One row: ε (None without noise), noise over the bound, the bound, and what is answered."""

    epsilon: float | None
    noise: float
    clip: float
    quality: Quality

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def price(say: Say) -> list[Price]:
    """Train once, then add the noise of each budget.

    Errors as `train_local`.
    """
    told = facts()
    rules = told.rules
    examples = [example for rule in rules for example in rule.examples("east")]
    request = TrainRequest(
        unpack_embedded(),
        [*examples, *told.besides()],
        "general/0",
        protected(),
        recipe=Recipe(steps=STEPS, rate=RATE, both=False),
    )
    delta = train_local(request, say=say).delta
    clip = length_of(delta)
    rows = [Price(None, 0.0, clip, of_change(delta, rules))]
    for budget in BUDGETS:
        noise = noise_for(budget, DELTA, steps=1, rate=1.0)
        spent = epsilon_of([Mechanism(1, 1.0, noise)], DELTA)
        rows.append(Price(spent, noise, clip, of_change(clip_and_noise(delta, clip, noise), rules)))
        say(f"ε {spent:.0f}: {rows[-1].quality.words}")
    return rows


def show_price(rows: list[Price]) -> None:
    """Print the rows."""
    from rich.console import Console
    from rich.table import Table

    table = Table("ε", "noise over the bound", "bound", "right", title="What a budget costs")
    for row in rows:
        spent = "none" if row.epsilon is None else f"{row.epsilon:.0f}"
        table.add_row(spent, f"{row.noise:.3g}", f"{row.clip:.1f}", row.quality.words)
    table.caption = f"δ {DELTA:g}; the whole change of one clinic is what is protected."
    Console().print(table)
