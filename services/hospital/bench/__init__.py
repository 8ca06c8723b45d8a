"""``caretier bench fhir``: the FHIR server and decision support, beside the raw database.

Everything runs in this process, one call after another, so the figures are of the program and not
of a network. Other programs on the machine make them worse; run it on an idle one.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from services.fhir.bench.corpus import Known, items
from services.fhir.bench.measures import Rest, imported, validated
from services.fhir.bench.raw import RawTable
from services.fhir.bench.timing import Figure, Timing
from services.fhir.store import FhirStore
from services.hospital.bench.hooks import hooks
from services.store.database import Database

app = typer.Typer(add_completion=False)


def _machine(database: Database) -> str:
    memory = psutil.virtual_memory().total / 2**30
    with database.reading() as session:
        kind = session.get_bind().dialect.name
        ask = "select sqlite_version()" if kind == "sqlite" else "show server_version"
        version = session.scalar(text(ask))
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB,"
        f" Python {platform.python_version()}, {kind} {version},"
        f" load average {os.getloadavg()[0]:.1f}"
    )


async def _all(rest: Rest, figures: list[Figure], folder: Path, times: int) -> None:
    figures += [figure async for figure in rest.figures()]
    figures += [figure async for figure in hooks(folder, times)]


def measure(
    database: Database, folder: Path, size: int, data: Path | None, times: int
) -> list[Figure]:
    """Load so many resources and take every figure."""
    store, raw, known = FhirStore(database), RawTable(database), Known()
    loaded, texts = imported(store, raw, items(size, data, known))
    figures = [validated(texts), loaded]
    gc.collect()
    gc.freeze()  # as the hospital does when it has started
    asyncio.run(_all(Rest(store, raw, known, times), figures, folder, times))
    gc.unfreeze()
    raw.close()
    return figures


@app.command()
def fhir(
    resources: Annotated[int, typer.Option(min=100, help="How many are loaded.")] = 100_000,
    times: Annotated[int, typer.Option(min=4, help="Calls of each kind.")] = 200,
    data: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="NDJSON to repeat; the sandbox if none."),
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="URL of an empty database; a SQLite file if none.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Load resources, then time reads, searches, transactions and decision support."""
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as name, console.status("Loading and asking …"):
        folder = Path(name)
        opened = Database(database or f"sqlite:///{folder / 'bench.db'}")
        opened.migrate("services.fhir")
        figures = measure(opened, folder, resources, data, times)
        machine = _machine(opened)
        opened.close()
    if as_json:
        rows = [figure.to_json() for figure in figures]
        typer.echo(json.dumps({"machine": machine, "resources": resources, "figures": rows}))
        return
    _show(figures, f"{resources} resources, one call at a time; {machine}")


def _show(figures: list[Figure], said: str) -> None:
    table = Table("what", "calls", "per second", "p95 ms", "raw per second", "raw p95 ms")
    for figure in figures:
        ours, raw = (list(_cells(timing)) for timing in (figure.ours, figure.raw))
        table.add_row(figure.name, str(figure.ours.count), *ours, *raw)
    out = Console()
    out.print(table)
    out.print(said)


def _cells(timing: Timing | None) -> Iterator[Any]:
    yield f"{timing.rate:,.0f}" if timing else "-"
    yield f"{timing.p95:.1f}" if timing and timing.p95 is not None else "-"
