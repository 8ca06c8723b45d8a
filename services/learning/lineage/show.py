"""Lineage on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

Held = Mapping[str, Any]


def lineage_report(held: Held) -> RenderableType:
    """A brick, what it stands on, and who contributed."""
    tree = Tree(f"[bold]{held['brick']}[/]")
    branch = tree
    for number, one in enumerate(held["bricks"]):
        if number:
            branch = branch.add(f"stands on [bold]{one['brick']}[/]")
        for line in _brick(one):
            branch.add(line)
    branch.add(f"base model {held['base'] or 'unknown'}")
    sites = ", ".join(held["sites"]) or "none: it was not made by a round"
    cut = "\nThere is more below; it is cut here." if held["more"] else ""
    return Group(tree, f"Contributing sites: {sites}.{cut}")


def contribution_report(held: Held) -> RenderableType:
    """Where a contribution went."""
    lines = [
        f"[bold]{held['id']}[/] of {escape(held['site'])}, {held['domain']}, "
        f"epoch {held['epoch']}: {held['state']} {escape(held['reason'] or '')}".rstrip(),
        f"round {held['round'] or '—'}",
    ]
    credit = held["credit"]
    if credit is not None and credit["gain"] is not None:
        lines.append(f"added {told(credit)} on the learned suites")
    lines += [f"in {one['brick']} ({one['state']})" for one in held["releases"]]
    return "\n".join(lines if held["releases"] else [*lines, "in no release"])


def told(credit: Held) -> str:
    """A gain with its interval."""
    return f"{credit['gain']:+.1%} ({credit['low']:+.1%} to {credit['high']:+.1%})"


def _brick(one: Held) -> list[RenderableType]:
    lines: list[RenderableType] = []
    manifest, row = one["manifest"], one["round"]
    if one["revoked"]:
        lines.append(f"[red]taken back: {escape(one['revoked'])}[/]")
    if manifest is None:
        lines.append("[dim]its files are not here[/]")
    else:
        origin = manifest["lineage"]
        lines.append(
            f"{escape(manifest['title'])}; {manifest['kind']}, {origin['operation']} "
            f"{manifest['created'][:10]}; {escape(manifest['licence'])}"
        )
        lines += [
            f"source: {escape(source['name'])}, {source['date']}, {escape(source['licence'])}"
            for source in manifest["sources"]
        ]
    if row is not None:
        lines += _round(row)
    return lines


def _round(row: Held) -> list[RenderableType]:
    people = ", ".join(escape(one["by"]) for one in row["approvals"] if one["approved"])
    anew = f", makes {row['rebuilds'][:8]} anew" if row["rebuilds"] else ""
    out = f"{row['state']}{anew}; let out by {people or 'nobody'}"
    lines: list[RenderableType] = [f"round {row['id'][:8]}, epoch {row['epoch']}, {out}"]
    lines += [
        f"{suite['name']} ({suite['kind']}): {suite['before']:.1%} → {suite['after']:.1%}"
        for suite in row["suites"]
    ]
    table = Table("site", "examples", "weight", "since")
    for given in row["contributions"]:
        weight = f"{given['weight']:.1%}"
        table.add_row(escape(given["site"]), str(given["examples"]), weight, given["state"])
    return [*lines, table]
