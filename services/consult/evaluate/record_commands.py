"""``caretier bench record``: questions about the own record, by the rules and by the whole path.

Exit codes: 0 done; 2 a suite cannot be read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from services.consult.evaluate import record, released, suites
from services.consult.evaluate.scores import Rate
from services.consult.messages import Level
from services.consult.node import Node

app = typer.Typer(add_completion=False)

SUITES = Path("tests/suites/record")
VERDICTS = ("right", "wrong", "contradiction")


@app.command(name="record")
def record_suites(
    files: Annotated[list[Path] | None, typer.Argument(help="Suites (JSON Lines).")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    misses: Annotated[bool, typer.Option("--misses", help="List what went wrong.")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Keep these outcomes as those of the release.")
    ] = False,
) -> None:
    """Ask the sandbox people's records: right, wrong, contradicting the record."""
    console = Console(stderr=as_json)
    node = Node.open(Level.DEVICE)
    told: dict[str, Any] = {}
    for path in files or sorted(SUITES.glob("*.jsonl")):
        items = suites.read_items(path, record.RecordQuestion)
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(path.name, total=len(items))
            hear = partial(_advance, progress, task)
            results = asyncio.run(record.run(node, items, hear))
        figures = _figures(results)
        told[path.stem] = {name: rate.dump() for name, rate in figures.items()}
        if not as_json:
            _show(console, f"record: {path}", figures)
            _list_misses(console, results if misses else ())
        _compare(console, path.with_suffix(".released.json"), results, accept=accept)
    if as_json:
        typer.echo(json.dumps(told))


def _advance(progress: Progress, task: Any, done: int) -> None:
    progress.update(task, completed=done)


def _figures(results: Sequence[record.Result]) -> dict[str, Rate]:
    """Shares of each verdict by rules and by the path; then of right by kind of question."""
    ruled = [r for r in results if r.rules != record.LEFT]
    rates = {f"rules: {v}": Rate.of(r.rules == v for r in ruled) for v in VERDICTS}
    rates["rules: answered"] = Rate(len(ruled), len(results))
    rates |= {f"path: {v}": Rate.of(r.path == v for r in results) for v in VERDICTS}
    for kind in sorted({r.item.answer for r in results}):
        of_kind = [r.path == "right" for r in results if r.item.answer == kind]
        rates[f"path right: {kind}"] = Rate.of(of_kind)
    warned = [r.path == "right" for r in results if r.item.warns]
    rates["path right: warning due"] = Rate.of(warned)
    return rates


def _show(console: Console, title: str, rates: dict[str, Rate]) -> None:
    table = Table("figure", "hits / total = share [95 %]", title=title, title_justify="left")
    for name, rate in rates.items():
        if rate.total:
            table.add_row(name, str(rate))
    console.print(table)


def _list_misses(console: Console, results: Sequence[record.Result]) -> None:
    for r in results:
        if r.path != "right" or r.rules not in {"right", record.LEFT}:
            line = f"{r.rules} / {r.path} {r.item.id} {r.item.person} {r.item.q!r}"
            console.print(line, highlight=False, markup=False)
            console.print(f"    {r.told}", highlight=False, markup=False)


def _compare(
    console: Console, path: Path, results: Sequence[record.Result], *, accept: bool
) -> None:
    found = record.outcomes(results)
    for change in released.changes(path, found) or ():
        line = f"  {change.before} → {change.now}: {change.item}"
        console.print(line, highlight=False, markup=False)
    if accept:
        released.accept(path, found)
