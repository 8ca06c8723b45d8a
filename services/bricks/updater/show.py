"""How updates are shown to people; progress goes to standard error."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import typer
from rich.bar import Bar
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from services.bricks.manifest import split_ref
from services.bricks.sizes import said_bytes
from services.bricks.standing import Standing
from services.bricks.updater.catalogue import Catalogue
from services.bricks.updater.download import Progress
from services.bricks.updater.ledger import Updates
from services.bricks.updater.state import State
from services.bricks.updater.updater import Pulled, Updater

PATIENCE = 2.0
"""Seconds after which progress is shown."""
_BAR = 24
"""Characters of a bar."""
_LEAST = 0.001
"""The least share that is given as a figure."""


@contextmanager
def progress_of_files() -> Iterator[Progress]:
    """A bar for each file on its way, from when it takes longer than PATIENCE."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    bars = Bars(*columns, TransferSpeedColumn(), console=Console(stderr=True), transient=True)
    tasks: dict[str, Any] = {}
    began, shown = time.monotonic(), False

    def advance(name: str, here: int, size: int) -> None:
        nonlocal shown
        if not shown and time.monotonic() - began > PATIENCE:
            bars.start()
            shown = True
        if name not in tasks:
            tasks[name] = bars.add_task(name, total=size)
        bars.update(tasks[name], completed=here)

    try:
        yield advance
    finally:
        bars.stop()


def show_pulled(done: Sequence[Pulled], *, dry_run: bool = False, as_json: bool = False) -> None:
    """What came, and how little of the whole had to be moved for it."""
    if as_json:
        typer.echo(json.dumps({"pulled": [asdict(one) for one in done], "dry_run": dry_run}))
        return
    if not done:
        typer.echo("Everything that is in use is up to date.")
        return
    table = Table("brick", "before", "would move" if dry_run else "moved", "of", "model", "")
    for one in done:
        whole = one.model or one.size
        table.add_row(
            one.ref,
            str(one.before or ""),
            said_bytes(one.moved),
            said_bytes(one.size),
            said_bytes(one.model) if one.model else "",
            _share(one.moved, whole),
        )
    Console().print(table)


def _share(part: int, whole: int) -> Table:
    """A bar and its figure: how much of the full model (or brick) was moved."""
    shown = Table.grid(padding=(0, 1))
    share = part / max(whole, 1)
    figure = "< 0.1 %" if 0 < share < _LEAST else f"{100 * share:.1f} %"
    shown.add_row(Bar(1.0, 0.0, min(share, 1.0), width=_BAR), Text(figure))
    return shown


def show_offered(updater: Updater, catalogue: Catalogue, *, as_json: bool = False) -> None:
    """What a repository has for this node, and what of it is in use."""
    state = updater.installed.state()
    bricks = sorted({split_ref(ref)[0] for ref in catalogue.entries})
    rows = [_offered(catalogue, state, brick) for brick in bricks]
    if as_json:
        held = {"bricks": rows, "left_out": dict(catalogue.left_out)}
        typer.echo(json.dumps({**held, "expires": catalogue.expires.isoformat()}))
        return
    table = Table("brick", "level", "versions", "in use", "")
    for row in rows:
        table.add_row(
            row["id"],
            row["level"],
            " ".join(map(str, row["versions"])),
            str(row["active"] or ""),
            Text(row["said"] or "", style="dim"),
        )
    Console().print(table)
    for role, reason in sorted(catalogue.left_out.items()):
        typer.echo(f"Left out: {role}. {reason}", err=True)


def _offered(catalogue: Catalogue, state: State, brick: str) -> dict[str, Any]:
    versions = catalogue.versions(brick)
    entry = next(e for r, e in catalogue.entries.items() if split_ref(r)[0] == brick)
    said = state.obstacle(f"{brick}@{versions[-1]}") if versions else "taken back"
    active = state.active().get(brick)
    row = {"id": brick, "level": entry.level, "domain": entry.domain, "versions": versions}
    return {**row, "active": active, "said": said}


def show_installed(state: State, sizes: dict[str, int], *, as_json: bool = False) -> None:
    """What is in use, what comes back, and what is not to be used.

    Args:
        state: of the node.
        sizes: bytes of each brick here, by ``id@version``.
        as_json: print an object instead of a table.
    """
    if as_json:
        typer.echo(state.model_dump_json())
        return
    table = Table("brick", "in use", "last good", "pinned", "size", "not to be used")
    for brick, now in sorted(state.bricks.items()):
        aside = [f"{version}: {reason}" for version, reason in sorted(now.aside.items())]
        taken = [
            f"{split_ref(ref)[1]}: taken back. {reason}"
            for ref, reason in sorted(state.revoked.items())
            if split_ref(ref)[0] == brick
        ]
        size = sizes.get(f"{brick}@{now.active}")
        table.add_row(
            Text(brick, style="bold" if now.active else "dim"),
            str(state.active().get(brick, "none")),
            str(state.good(brick) or ""),
            str(now.pinned or ""),
            said_bytes(size) if size is not None else "not here",
            Text("\n".join([*aside, *taken]), style="yellow"),
        )
    if state.bricks:
        Console().print(table)
    else:
        typer.echo("No brick is in use here; the built-in knowledge is.")


def show_updates(updates: Updates, most: int = 10) -> None:
    """What updates changed or failed at last, the latest first, and how far one is that runs."""
    console = Console()
    if (way := updates.running) is not None:
        table = Table.grid(padding=(0, 1))
        bar = Bar(float(max(way.size, 1)), 0.0, float(way.here), width=_BAR)
        table.add_row(
            f"{way.step} runs, {way.at:%H:%M:%S}:",
            Text(way.file),
            bar,
            f"{said_bytes(way.here)} of {said_bytes(way.size)}",
        )
        console.print(table)
    for step, at in sorted(updates.ended.items()):
        console.print(Text(f"{step} last went well {at:%Y-%m-%d %H:%M %Z}", style="dim"))
    if not updates.lines:
        return
    table = Table("when", "step", "brick", "before", "now", "moved", "why")
    for line in reversed(updates.lines[-most:]):
        table.add_row(
            f"{line.at:%Y-%m-%d %H:%M}",
            line.step,
            Text(line.brick or "all"),
            str(line.before or ""),
            "failed" if line.failed else str(line.after or ("" if line.brick is None else "none")),
            said_bytes(line.moved),
            Text(line.why or ""),
            style="yellow" if line.failed else "",
        )
    console.print(table)


def show_standing(standing: Standing | None) -> None:
    """Which model a node answers with, by which adapters, and what it leaves out."""
    console = Console()
    if standing is None:
        console.print("No running node has said yet what it uses.")
        return
    words = "writes" if standing.writes else "does not write: the sources' own words answer"
    model = f"{standing.model} {words}" if standing.model else "no model runs"
    used = f"adapters: {', '.join(standing.adapters) or 'none'}"
    console.print(Text(f"{standing.at:%Y-%m-%d %H:%M %Z}: {model}; {used}"))
    for ref, reason in sorted(standing.left_out.items()):
        console.print(Text(f"{ref} is not used: {reason}", style="yellow"))
