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
from services.bricks.updater.catalogue import Catalogue
from services.bricks.updater.download import Progress
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
