"""`caretier rounds scenario`: a whole learning story with real training, in a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

SHOWN_STEPS = 10
"""Of a training, every so many steps are said."""


def scenario(
    keep: Annotated[
        Path | None, typer.Option(help="Keep all state in this folder, which is made.")
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, max=4, help="Trainings at the same time.")] = 2,
    *,
    privacy: Annotated[
        bool, typer.Option("--privacy", help="Show what a privacy budget costs instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the made-up story: three clinics, one hostile, three releases, two of them taken back.

    Takes about three and a half minutes on two quiet cores. Needs the environment with torch.
    """
    from services.learning.scenario.price import price, show_price
    from services.learning.scenario.report import as_json as told
    from services.learning.scenario.report import show
    from services.learning.scenario.story import run

    if privacy:
        rows = price(_say)
        if as_json:
            typer.echo(json.dumps([row.told() for row in rows], indent=2))
        else:
            show_price(rows)
        return
    with TemporaryDirectory(prefix="caretier-scenario-") as scratch:
        outcome = run(keep or Path(scratch) / "state", _say, at_once)
    if as_json:
        typer.echo(json.dumps(told(outcome), indent=2))
    else:
        show(outcome)


def _say(line: str) -> None:
    """Progress on the error output; of a training's steps only some."""
    _, _, step = line.partition(": step ")
    number = step.partition(" ")[0]
    if number.isdecimal() and int(number) % SHOWN_STEPS:
        return
    typer.echo(line, err=True)
