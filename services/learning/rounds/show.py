"""Rounds on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

BAR = 20
"""Characters of a bar."""
COLOURS = {
    "released": "green",
    "waiting": "yellow",
    "blocked": "red",
    "failed": "red",
    "rolled-back": "red",
}
Held = Mapping[str, Any]


def rounds_table(rows: Sequence[Held]) -> RenderableType:
    """The list of rounds."""
    if not rows:
        return "No round yet. `caretier rounds dry-run` says what one needs."
    table = Table("round", "domain", "epoch", "state", "brick", "since", "")
    for one in rows:
        error = escape(one["error"] or "")
        brick = one["brick"] or ""
        state, since = _state(one["state"]), one["changed"]
        table.add_row(one["id"][:8], one["domain"], str(one["epoch"]), state, brick, since, error)
    return table


def round_report(held: Held) -> RenderableType:
    """All there is of a round."""
    lines = [
        f"[bold]{held['id']}[/]  {held['domain']}, epoch {held['epoch']}: {_state(held['state'])}",
        f"candidate {held['candidate'] or '—'}",
        f"parent {held['parent'] or 'the bare model'}; brick {held['brick'] or '—'}",
        f"rule {held['rule']}; policy {held['policy'][:19]}…",
    ]
    lines += [f"[red]{escape(held['error'])}[/]"] if held["error"] else []
    lines += [f"[dim]{escape(held['progress'])}[/]"] if held["progress"] else []
    parts: list[RenderableType] = ["\n".join(lines)]
    if held["criteria"]:
        parts.append(criteria_table(held["criteria"]))
    if held["suites"]:
        parts.append(_suites(held["suites"]))
    if held["anew"]:
        parts.append(_anew(held["anew"]))
    if held["contributions"]:
        parts.append(_contributions(held["contributions"]))
    parts += [
        f"{'approved' if one['approved'] else '[red]rejected[/]'} by {escape(one['by'])}, "
        f"{one['at']}: {escape(one['note'] or 'no reason given')}"
        for one in held["approvals"]
    ]
    return Group(*parts)


def criteria_table(criteria: Sequence[Held]) -> Table:
    """Each criterion with what it needs and has; what blocks is marked."""
    table = Table("criterion", "", "needs", "has")
    for one in criteria:
        mark = "[green]holds[/]" if one["holds"] else "[red]blocks[/]"
        table.add_row(one["name"], mark, escape(one["needs"]), escape(one["has"]))
    return table


def rehearsal_report(held: Held) -> RenderableType:
    """What a dry run says."""
    parts: list[RenderableType] = [f"A round of {held['domain']}:", criteria_table(held["start"])]
    if held["round"]:
        parts += [f"The round {held['round'][:8]}:", criteria_table(held["release"])]
    lacking = ", ".join(held["blocking"])
    parts.append(f"[red]Blocked by {lacking}.[/]" if lacking else "[green]Nothing blocks.[/]")
    return Group(*parts)


def credit_report(held: Held | None, state: str) -> RenderableType:
    """What each contribution added to a release."""
    if held is None:
        return (
            "Its credit is being measured: one job after the other, behind all other learning."
            if state == "released"
            else f"The round is {state}: credit is measured once it is released."
        )
    on = f"{', '.join(held['suites'])} ({held['items']} items)"
    lines = [
        f"By {held['method']} on {on}; {held['evaluations']} measurements.",
        f"Intervals are of {held['confidence']:.0%}.",
        f"The release as a whole: {_gained(held['whole'])}",
    ]
    lines += [f"[red]{escape(held['error'])}[/]"] if held["error"] else []
    table = Table("site", "contribution", "added (interval)")
    for one in held["contributions"]:
        table.add_row(one["site"], one["id"][:8], _gained(one))
    note = "This weighs nothing: no rule and no trust is changed by it."
    return Group("\n".join(lines), table, f"[dim]{note}[/]")


def _gained(one: Held) -> str:
    if one["gain"] is None:
        return "not measured"
    return f"{one['gain']:+.1%} ({one['low']:+.1%} to {one['high']:+.1%})"


def dead_report(held: Held) -> RenderableType:
    """What came to nothing, with why."""
    table = Table("what", "id", "why", "what to do")
    for one in held["rounds"]:
        retry = f"caretier rounds retry {one['id'][:8]}"
        table.add_row("round", one["id"][:8], escape(one["error"] or ""), retry)
    for one in held["contributions"]:
        why = f"{one['site']}: {one['reason'] or ''}"
        aside = one["state"] == "quarantined"
        act = f"caretier rounds readmit {one['id'][:8]}" if aside else "nothing"
        table.add_row(one["state"], one["id"][:8], escape(why), act)
    return table if table.row_count else "Nothing came to nothing."


def _suites(suites: Sequence[Held]) -> Table:
    table = Table("suite", "kind", "items", "before", "after", "gain (interval)")
    for one in suites:
        table.add_row(
            one["name"],
            one["kind"],
            str(one["items"]),
            f"{one['before']:.1%}",
            f"{one['after']:.1%}",
            f"{one['gain_mean']:+.1%} ({one['gain_low']:+.1%} to {one['gain_high']:+.1%})",
        )
    return table


def _anew(held: Held) -> RenderableType:
    """A release that is made anew, beside the one that it replaces."""
    table = Table("suite", f"as {held['former'] or '—'}", "without what was withdrawn")
    for one in held["suites"]:
        table.add_row(one["name"], f"{one['before']:.1%}", f"{one['after']:.1%}")
    return table


def _contributions(given: Sequence[Held]) -> Table:
    table = Table("site", "examples", "ε", "length", "weight", "")
    most = max(one["weight"] for one in given) or 1.0
    for one in given:
        epsilon = "—" if one["epsilon"] is None else f"{one['epsilon']:.2f}"
        bar = "█" * round(BAR * max(one["weight"], 0.0) / most)
        table.add_row(
            one["site"],
            str(one["examples"]),
            epsilon,
            f"{one['norm']:.3f}",
            f"{one['weight']:.1%}",
            bar,
        )
    return table


def _state(state: str) -> str:
    colour = COLOURS.get(state)
    return f"[{colour}]{state}[/]" if colour else state
