"""The commands; what they need is loaded when they run."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from services.learning.aggregate import Rule

robustness_app = typer.Typer(add_completion=False)
aggregation_app = typer.Typer(add_completion=False)
COUNTS = [100, 250, 500, 1000]
DEFAULT_RULES = [Rule.MULTI_KRUM]


@robustness_app.command()
def robustness(
    clients: Annotated[int, typer.Option(min=19, max=500, help="Of the federation.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Of learning, each attacked.")] = 3,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Run every attack against every rule, and one hostile client too many before the gate.

    Bounds are held where the federation is the one that they were set for (20 clients, 3 rounds);
    a cell beyond its bound makes the command fail. A fifth of the clients is hostile.
    """
    from rich.console import Console

    from services.learning.bench.bed import Bed
    from services.learning.bench.bounds import beyond
    from services.learning.bench.cells import CLIENTS, ROUNDS, table
    from services.learning.bench.report import as_row, show_attacks

    hostile = clients // 5
    bed = Bed.made(clients)
    with Console(stderr=True).status("Starting …") as status:
        borne = table(bed, bears=hostile, there=hostile, rounds=rounds, progress=status.update)
        over = table(bed, bears=hostile, there=hostile + 1, rounds=rounds, progress=status.update)
    if as_json:
        typer.echo(json.dumps({"borne": list(map(as_row, borne)), "over": list(map(as_row, over))}))
    else:
        show_attacks(borne, over)
    if (clients, rounds) == (CLIENTS, ROUNDS) and any(beyond(cell) for cell in borne):
        raise typer.Exit(1)


@aggregation_app.command()
def aggregation(
    count: Annotated[
        list[int] | None, typer.Option(min=1, max=5000, help="Contributions; may be repeated.")
    ] = None,
    rule: Annotated[list[Rule] | None, typer.Option(help="May be repeated.")] = None,
    flower: Annotated[
        Path | None, typer.Option(help="Folder with Flower in it, to compare with.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="For the contributions (2 MB each); kept when named.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Aggregate contributions of the embedded model's adapter size; tell time and memory.

    To compare with Flower: `pip install --no-deps --target FOLDER flwr==1.42.0`.
    """
    from rich.console import Console

    from services.learning.bench import flower as second
    from services.learning.bench.report import show_scale
    from services.learning.bench.scale import drawn, growth, measure, write

    counts = sorted(set(count or COUNTS))
    with (
        Console(stderr=True).status("Starting …") as status,
        tempfile.TemporaryDirectory() as own,
    ):
        functions = second.load(flower) if flower else None
        place = folder or Path(own)
        place.mkdir(parents=True, exist_ok=True)
        write(place, counts[-1], status.update)
        rows = []
        for one in rule or DEFAULT_RULES:
            for n in counts:
                status.update(f"{one}: {n} contributions")
                rows.append(measure(place, one, n))
        status.update("Comparing with Flower")
        compared = second.compare(functions, drawn(20), 4) if functions else []
    if as_json:
        grown = {one: growth([r for r in rows if r.rule is one]) for one in {r.rule for r in rows}}
        typer.echo(
            json.dumps(
                {
                    "measured": [asdict(row) for row in rows],
                    "growth": {one.value: asdict(held) for one, held in grown.items() if held},
                    "flower": [asdict(row) for row in compared],
                }
            )
        )
    else:
        show_scale(rows, compared)
