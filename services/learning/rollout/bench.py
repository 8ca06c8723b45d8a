"""Figures of rollouts over simulated fleets: how soon a regression is stopped, and what in vain.

python -m services.learning.rollout.bench --trials 200
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

from services.learning.models import Base
from services.learning.policy import Policy
from services.learning.rollout.simulator import Rates, SimulatedFleet
from services.store.database import Database

RISES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
"""What is planted: points that the share of overrides, 8 % as a rule, is higher by."""
BASELINE, LONGEST = 5 * 1440.0, 12 * 1440.0
WINDOW = 60.0
OLD, NEW = "general@1", "general@2"


@dataclass(frozen=True)
class Trial:
    """How one rollout ended: after how many minutes, on how many answers, at how many nodes."""

    state: str
    cohort: str
    minutes: float
    answers: int
    nodes: int


def trial(database: Database, policy: Policy, seed: int, rise: float, nodes: int = 20) -> Trial:
    """Roll a release out over a fleet of its own."""
    fleet = SimulatedFleet(nodes, seed, window=1440)
    rollout = fleet.rollout(database, policy)
    fleet.live(rollout, BASELINE)
    fleet.window = timedelta(minutes=WINDOW)
    rollout.start(NEW, OLD)
    fleet.worse[NEW] = Rates(overrides=rise)
    minutes = fleet.live(rollout, LONGEST, until=NEW)
    row = rollout.book.get(NEW).deployment
    answers = int((row.now or {}).get("answers", 0))
    return Trial(row.state, row.cohort, minutes, answers, fleet.using(2))


def row_of(rise: float, trials: Sequence[Trial]) -> str:
    """A line of the table."""
    back = [one for one in trials if one.state == "rolled-back"]
    held = sum(one.state in {"held", "watching"} for one in trials)
    released = sum(one.state == "released" for one in trials)
    shown = "—"
    if back:
        hours = median(one.minutes for one in back) / 60
        answers = median(one.answers for one in back)
        shown = f"{answers:.0f} | {hours:.0f} | {median(one.nodes for one in back):.0f}"
    return f"| +{rise:.0%} | {len(back)} | {held} | {released} | {shown} |"


@contextmanager
def scratch() -> Iterator[Database]:
    """A database that nobody waits for."""
    with tempfile.TemporaryDirectory() as folder:
        made = Database(f"sqlite:///{Path(folder) / 'bench.db'}")
        Base.metadata.create_all(made.engine)
        yield made
        made.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--nodes", type=int, default=20)
    asked, policy = parser.parse_args(), Policy.load()
    print("| overrides | rolled back | held | released | answers | hours | nodes that had it |")  # noqa: T201
    print("|---|---|---|---|---|---|---|")  # noqa: T201
    for rise in RISES:
        found = []
        for seed in range(asked.trials):
            with scratch() as database:
                found.append(trial(database, policy, seed, rise, asked.nodes))
        print(row_of(rise, found), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
