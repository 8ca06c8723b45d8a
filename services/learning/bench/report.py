"""The benches' tables for people."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from services.learning.aggregate import Rule
from services.learning.bench.attacks import Attack
from services.learning.bench.bounds import beyond, bound
from services.learning.bench.cells import Cell
from services.learning.bench.flower import Compared
from services.learning.bench.gate import blocked_by
from services.learning.bench.scale import Measured, growth

FLEET = 10_000
"""Contributions that the line is drawn on to."""
BAR = 40
TURNED = 0.2
"""Share of items with the trigger that makes a backdoor worth a line."""


def as_row(cell: Cell) -> dict[str, Any]:
    """A cell as JSON has it."""
    return {
        "attack": cell.attack.value,
        "rule": cell.rule.value,
        "hostile": cell.hostile,
        "error": round(cell.error, 3),
        "learned": round(cell.accuracy("learned"), 3),
        "protected": round(cell.accuracy("protected"), 3),
        "safety": round(cell.accuracy("safety"), 3),
        "backdoor": round(cell.backdoor, 3),
        "refused": list(cell.refused),
        "bears": not bound(cell.attack, cell.rule).weak,
        "beyond": list(beyond(cell)),
        "blocked": list(blocked_by(cell)),
    }


def show_attacks(borne: Sequence[Cell], over: Sequence[Cell]) -> None:
    """Print the attack table, and what the gate says of one hostile client too many."""
    out = Console()
    out.print(_grid(f"{borne[0].hostile} hostile: learned suite / backdoor", borne))
    out.print("✗ not borne by this rule; ! beyond its bound; G the gate blocks.")
    out.print("Not-finite contributions are refused at the door, before any rule.")
    out.print(_grid(f"{over[0].hostile} hostile, one more than the rule is told", over))
    passed = [cell for cell in over if cell.backdoor > TURNED and not blocked_by(cell)]
    for cell in passed:
        out.print(
            f"{cell.attack} past {cell.rule} and past the gate: {cell.backdoor:.0%} turned, "
            "for no suite holds the trigger."
        )
    out.print(machine())


def show_scale(rows: Sequence[Measured], compared: Sequence[Compared]) -> None:
    """Print time and memory, the growth with its extrapolation, and Flower beside it."""
    out = Console()
    made = Table("rule", "n", "s", "s processor", "MiB", "hostile counted", "", title="Aggregation")
    most = max(row.processor for row in rows)
    for row in rows:
        counted = "-" if row.counted is None else f"{row.counted} of {row.hostile}"
        made.add_row(
            row.rule,
            str(row.contributions),
            f"{row.seconds:.1f}",
            f"{row.processor:.1f}",
            f"{row.memory:.0f}",
            counted,
            "▇" * max(1, round(BAR * row.processor / most)),
        )
    out.print(made)
    for rule in dict.fromkeys(row.rule for row in rows):
        held = growth([row for row in rows if row.rule is rule])
        if held is not None:
            out.print(
                f"{rule}: processor time grows with n^{held.power:.2f}; the line gives "
                f"{held.at(FLEET) / 60:.0f} min for {FLEET:,} (extrapolated, not measured)."
            )
    if compared:
        beside = Table("rule", "s", "s Flower", "apart", title="One layer, 20 contributions")
        for one in compared:
            beside.add_row(one.rule, f"{one.seconds:.2f}", f"{one.flower:.2f}", f"{one.apart:.0e}")
        out.print(beside)
    out.print(machine())


def machine() -> str:
    """What the figures were taken on."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"load average {os.getloadavg()[0]:.1f}"
    )


def _grid(title: str, cells: Sequence[Cell]) -> Table:
    """Attacks down, rules across."""
    made = Table("attack", *(rule.value for rule in Rule), title=title)
    for attack in Attack:
        row = {cell.rule: cell for cell in cells if cell.attack is attack}
        made.add_row(attack.value, *(_cell(row[rule]) if rule in row else "" for rule in Rule))
    return made


def _cell(cell: Cell) -> str:
    weak = "✗" if bound(cell.attack, cell.rule).weak else ""
    wrong = "!" if beyond(cell) else ""
    gate = "G" if blocked_by(cell) else ""
    return f"{cell.accuracy('learned'):.2f}/{cell.backdoor:.2f} {weak}{wrong}{gate}".rstrip()
