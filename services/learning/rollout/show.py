"""Releases on their way, on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

COLOURS = {
    "released": "green",
    "watching": "cyan",
    "held": "yellow",
    "stopped": "red",
    "rolled-back": "red",
}
Held = Mapping[str, Any]


def rollouts_table(rows: Sequence[Held]) -> RenderableType:
    """The list of releases."""
    if not rows:
        return "No release was rolled out yet."
    table = Table("release", "in place of", "state", "cohort", "nodes", "since", "")
    for one in rows:
        table.add_row(
            one["brick"],
            one["former"] or "—",
            _state(one["state"]),
            one["cohort"],
            str(len(one["nodes"])) if one["nodes"] else "",
            one["since"][:16],
            escape(one["reason"] or ""),
        )
    return table


def rollout_report(held: Held) -> RenderableType:
    """All there is of a release on its way."""
    plan = ", ".join(f"{one['cohort']} ({one['nodes']})" for one in held["plan"])
    lines = [
        f"[bold]{held['brick']}[/] in place of {held['former'] or 'nothing'}",
        f"{_state(held['state'])}, {held['cohort']} since {held['since'][:16]}",
        f"cohorts: {plan}",
    ]
    lines += [escape(held["reason"])] if held["reason"] else []
    parts: list[RenderableType] = ["\n".join(lines)]
    if rises := (held["now"] or {}).get("rises"):
        parts.append(_rises(rises, held["before"] or {}, held["now"]))
    parts += [_step(step) for step in held["steps"]]
    return Group(*parts)


def _rises(rises: Sequence[Held], before: Held, now: Held) -> Table:
    table = Table("measure", "before", "now", "rise, interval", "allowed")
    for one in rises:
        if one["name"] == "latency":
            figures = (f"{one['before']:.0f} ms", f"{one['now']:.0f} ms")
            rise, allowed = f"{one['low']:.0%} of windows slow", f"{one['allowed']:g} times"
        else:
            figures = (f"{one['before']:.1%}", f"{one['now']:.1%}")
            rise, allowed = f"{one['low']:+.1%} … {one['high']:+.1%}", f"{one['allowed']:+.1%}"
        style = "red" if one["worse"] else "yellow" if one["beyond"] else ""
        table.add_row(one["name"], *figures, rise, allowed, style=style)
    count = (str(before.get("answers", 0)), str(now.get("answers", 0)))
    silent = f"{now.get('silent', 0)} of {now.get('cohort', 0)} nodes silent"
    table.add_row("answers", *count, silent, "")
    return table


def _step(step: Held) -> str:
    by = f" by {escape(step['by'])}" if step["by"] else ""
    reason = f": {escape(step['reason'])}" if step["reason"] else ""
    return f"{step['at'][:16]}  {step['move']}, {step['cohort']}{by}{reason}"


def _state(state: str) -> str:
    return f"[{COLOURS.get(state, '')}]{state}[/]" if state in COLOURS else state
