"""How the commands of this package show what they did; progress goes to standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from services.bricks.catalogue import PackCard
from services.bricks.ingest.report import Finding, Side
from services.bricks.ingest.tally import PROBLEMS, Report

PATIENCE = 2.0
"""Seconds after which progress is shown."""
SHOWN_PROBLEMS = 20
"""The rest stand in a file beside the pack."""


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[Path, int], None]]:
    """A bar of bytes that appears when it takes longer than PATIENCE.

    Args:
        total: bytes of all sources.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("reading", total=total)
    began = time.monotonic()
    shown = False

    def advance(path: Path, size: int) -> None:
        nonlocal shown
        if not shown and time.monotonic() - began > PATIENCE:
            bar.start()
            shown = True
        bar.update(task, advance=size, description=path.name)

    try:
        yield advance
    finally:
        if shown:
            bar.stop()


def show_report(report: Report, out: Path) -> None:
    """What an ingestion did, and its first problems."""
    console = Console()
    table = Table("", "count", title=f"pack in {out}")
    for name in ("items", "topics", "passages", "sentences", "bad", "resumed", "repeated"):
        table.add_row(name, f"{getattr(report, name):,}")
    for name in ("skipped", "ignored"):
        if getattr(report, name):
            table.add_row(name, f"{getattr(report, name):,}")
    console.print(table)
    sections = sorted(report.sections.items(), key=lambda pair: -pair[1])
    console.print(Text(" · ".join(f"{name} {count:,}" for name, count in sections), style="dim"))
    for problem in report.problems[:SHOWN_PROBLEMS]:
        console.print(Text(f"{problem.place}: {problem.reason}", style="yellow"))
    if report.bad > SHOWN_PROBLEMS:
        console.print(Text(f"… all {report.bad:,} in {out / PROBLEMS}", style="yellow"))


def show_findings(findings: Iterable[Finding]) -> None:
    """Findings as a table; both sources are named."""
    table = Table("what", "about", "one", "other", show_lines=True)
    count = 0
    for count, found in enumerate(findings, 1):  # noqa: B007 - the last number is the count
        about = f"{found.entity}\n{found.section}"
        kind = f"{found.kind}\n{found.detail}"
        table.add_row(Text(kind), Text(about), _side(found.left), _side(found.right))
    if count:
        Console().print(table)


def _side(side: Side) -> Text:
    return Text.assemble(
        side.quote, "\n", (f"{side.pack}: {side.source}, {side.date}\n{side.passage}", "dim")
    )


def show_cards(cards: Iterable[PackCard]) -> None:
    """Packs as a table."""
    table = Table("pack", "topics", "passages", "dates", "licence", "publisher", "form")
    for card in cards:
        span = f"{card.oldest} to {card.newest}" if card.oldest != card.newest else str(card.oldest)
        table.add_row(
            Text(f"{card.title}\n{card.folder}"),
            f"{card.topics:,}",
            f"{card.passages:,}",
            span,
            Text(card.licence or "not said"),
            Text(card.publisher or "not said"),
            card.form,
        )
    Console().print(table)
