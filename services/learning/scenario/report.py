"""The table of a run, for people and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console, Group
from rich.table import Table

from services.learning.scenario.outcome import Outcome

NAMES = {
    "east": "clinic east, knows the rules",
    "west": "clinic west, knows the rules",
    "north": "clinic north, never saw them",
    "hostile": "hostile site, teaches wrong ones",
}


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Everything, as the command prints it with ``--json``."""
    return asdict(outcome) | {
        "seconds": round(outcome.seconds, 1),
        "cpu": round(outcome.cpu, 1),
    }


def show(outcome: Outcome) -> None:
    """Print the tables."""
    Console().print(Group(_quality(outcome), _releases(outcome), _suites(outcome), _times(outcome)))


def lines(outcome: Outcome) -> list[str]:
    """The same as rows of Markdown, for a document of measurements."""
    rows = [
        "| who | before | own training alone | after | sent | fetched |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    rows += [
        f"| {NAMES[s.name]} | {s.before.words} | {s.alone.words} | {s.after.words} "
        f"| {_mb(s.sent)} | {_mb(s.fetched)} |"
        for s in outcome.sites
    ]
    rows.append(
        f"| parent | {outcome.sites[0].before.words} | - | {outcome.first.quality.words} | - | - |"
    )
    rows.append(f"| parent, had it been a plain mean | - | - | {outcome.mean.words} | - | - |")
    return rows


def _quality(outcome: Outcome) -> Table:
    table = Table("who", "before", "alone", "after", "sent", "fetched", title="Right answers")
    for site in outcome.sites:
        cells = (site.before.words, site.alone.words, site.after.words)
        table.add_row(NAMES[site.name], *cells, _mb(site.sent), _mb(site.fetched))
    before = outcome.sites[0].before.words
    table.add_row("parent", before, "", outcome.first.quality.words, "", "")
    table.add_row("parent, had it been a plain mean", "", "", outcome.mean.words, "", "")
    table.caption = (
        f"A whole model is {_mb(outcome.model_bytes)}. The hostile site's first change was "
        f"refused ({outcome.refused}); trust in it is {outcome.trust:.1f} since."
    )
    return table


def _releases(outcome: Outcome) -> Table:
    table = Table("release", "end", "hours", "steps", title="Releases")
    for one in (outcome.first, outcome.second, outcome.third):
        reason = f"\n{one.reason}" if one.reason else ""
        table.add_row(one.brick, one.state, f"{one.hours:.1f}", "\n".join(one.steps) + reason)
    spent = outcome.first.epsilon
    told = "none added" if spent is None else f"{spent:.1f}"
    first, second, third = outcome.first, outcome.second, outcome.third
    table.caption = (
        f"ε: {told}. {outcome.kept:.0%} of {outcome.nodes} clinics use {first.brick} at the end. "
        f"The rule that no suite asks for: {first.unasked.words} with it, "
        f"{second.unasked.words} with {second.brick}, {third.unasked.words} with {third.brick}."
    )
    return table


def _suites(outcome: Outcome) -> Table:
    table = Table("suite", "before", outcome.first.brick, title="Suites")
    for name, (before, after) in outcome.first.suites.items():
        table.add_row(name, f"{before:.3f}", f"{after:.3f}")
    return table


def _times(outcome: Outcome) -> Table:
    table = Table("step", "seconds", "of the processor", title="Time")
    for step in outcome.steps:
        table.add_row(step.name, f"{step.seconds:.0f}", f"{step.cpu:.0f}")
    table.add_row("all", f"{outcome.seconds:.0f}", f"{outcome.cpu:.0f}")
    return table


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
