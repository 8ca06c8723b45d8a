"""`caretier rounds lineage`: where a brick comes from, and where a contribution went."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def lineage(
    context: typer.Context,
    asked: Annotated[
        str,
        typer.Argument(
            metavar="BRICK",
            help="id@version, an answer's model, a file's digest, or the id of a round or call.",
        ),
    ],
    contribution: Annotated[
        bool, typer.Option("--contribution", help="BRICK is the id of a contribution instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say where a brick comes from: rounds, evidence, contributing sites by pseudonym."""
    from rich.console import Console

    from services.learning.intake import Sender
    from services.learning.lineage.show import contribution_report, lineage_report
    from services.learning.rounds.opening import Beside

    beside = Beside(context.obj)
    context.call_on_close(beside.close)
    if contribution:
        held = beside.lineage().of_contribution(asked, Sender("operator", None))
        report = contribution_report(held)
    else:
        held = beside.lineage().of(asked)
        report = lineage_report(held)
    if as_json:
        typer.echo(json.dumps(held, indent=2))
    else:
        Console().print(report)
