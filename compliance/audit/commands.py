"""``caretier audit``: check trails, and write their events out.

Exit codes: 0 whole; 5 a trail is broken, vanished or unreadable, or there is none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compliance.errors import CaretierError

if TYPE_CHECKING:
    from compliance.audit.verify import VerifyReport

app = typer.Typer(help="Audit trails.", no_args_is_help=True, add_completion=False)
BROKEN_EXIT = 5


@app.callback()
def audit() -> None:
    """Audit trails: what was done and what crossed a tier, chained so that changes show."""


@app.command()
def verify(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Trails; all under --data when left out.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Where state lives.")] = Path("var"),
    witness: Annotated[
        list[Path] | None,
        typer.Option(help="A peer's witnessed.jsonl, copied from its machine; may be repeated."),
    ] = None,
) -> None:
    """Check audit trails; exit 5 when one is broken or vanished, or there is none."""
    from compliance.audit.survey import verify_data
    from compliance.audit.verify import verify_file

    try:
        reports = [verify_file(path) for path in paths or ()] or verify_data(data, witness or ())
    except CaretierError as error:
        raise _stop(error) from None
    if not reports:
        typer.echo(f"No audit trail under {data}.", err=True)
        raise typer.Exit(BROKEN_EXIT)
    _print(reports)
    if not all(report.ok for report in reports):
        raise typer.Exit(BROKEN_EXIT)


@app.command()
def export(
    path: Annotated[Path, typer.Argument(help="The trail.")],
    first: Annotated[int, typer.Option(min=0, help="From this record on.")] = 0,
) -> None:
    """Print the events as FHIR R4 AuditEvents, one JSON object a line (NDJSON).

    An audit record repository takes them as they are; what is not whole is not exported.
    """
    from compliance.audit.reading import TrailReader
    from compliance.audit.verify import verify_file

    report = verify_file(path)
    if not report.ok:
        _print([report])
        raise typer.Exit(BROKEN_EXIT)
    try:
        for record in TrailReader(path).records():
            if record.seq >= first:
                typer.echo(json.dumps(record.event, ensure_ascii=False))
    except CaretierError as error:
        raise _stop(error) from None


def _print(reports: list[VerifyReport]) -> None:
    """A table of what was found."""
    from rich.console import Console
    from rich.table import Table

    table = Table("trail", "records", "witnessed", "state", "first bad", "reason")
    for report in reports:
        table.add_row(
            str(report.path),
            str(report.records),
            str(report.witnessed or ""),
            "whole" if report.ok else "BROKEN",
            "" if report.first_bad is None else str(report.first_bad),
            report.reason or "",
        )
    Console().print(table)


def _stop(error: CaretierError) -> typer.Exit:
    """Say what happened on standard error; the exit to raise."""
    typer.echo(f"{error.message} {error.advice}", err=True)
    return typer.Exit(error.exit_code)
