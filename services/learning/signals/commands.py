"""`caretier rounds signals` and `caretier clinic signals`: what is there to learn from.

With ``--open`` it lists what patients say is wrong; with ``--answer ID --better TEXT`` somebody who
knows puts it right, and the two answers become a preference pair. Exit codes: 0 done; 3 no such
signal; 6 the text could not be de-identified for certain.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from compliance.errors import BadInputError

if TYPE_CHECKING:
    from services.store.database import Database

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Open = Annotated[bool, typer.Option("--open", help="List what is said to be wrong, in its words.")]
Answer = Annotated[str | None, typer.Option(metavar="ID", help="Put this one right.")]
Better = Annotated[str, typer.Option(metavar="TEXT", help="What would have been right.")]
Language = Annotated[Literal["en", "es"], typer.Option(help="Of --better.")]


def signals(
    context: typer.Context,
    *,
    open_: Open = False,
    answer: Answer = None,
    better: Better = "",
    language: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Count the hospital's own signals by domain and kind, list what is wrong, or put it right."""
    from services.learning.rounds.opening import Beside

    beside = Beside(context.obj)
    context.call_on_close(beside.close)
    if answer is not None:

        def write_down(what: str) -> None:
            beside.write_down(what, "answered")

        put_right(beside.database, answer, better, language, write_down)
        return
    show(beside.database, open_=open_, as_json=as_json)


def put_right(
    database: Database,
    answer: str,
    better: str,
    language: Literal["en", "es"],
    write_down: Callable[[str], None],
) -> None:
    """Keep what would have been right beside a signal, de-identified.

    Raises:
        NotFoundError, BadInputError: see `answer_correction`.
        DeidentificationError: the text could not be de-identified for certain; nothing was kept.
        AuditError: it could not be written down; nothing was kept.
    """
    from compliance.deidentify import Deidentifier
    from services.learning.signals.book import answer_correction

    if not better.strip():
        raise BadInputError("--better says what would have been right.")
    masked = Deidentifier.load().deidentify(better, language=language).text
    write_down(f"signal:{answer[:36]}")
    id_ = answer_correction(database, answer, masked)
    typer.echo(f"{id_} teaches now: {masked}")


def show(database: Database, *, open_: bool, as_json: bool) -> None:
    """Print counts, or what is said to be wrong and nobody has put right."""
    from services.learning.signals.counts import counts, unanswered

    with database.reading() as session:
        held: list[Any] = unanswered(session) if open_ else counts(session)
    if as_json:
        typer.echo(json.dumps(held, indent=2, ensure_ascii=False))
    elif not held:
        typer.echo("Nothing is said to be wrong." if open_ else "There are no signals.")
    else:
        _table(held)


def _table(held: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*held[0])
    for row in held:
        table.add_row(*(escape(str(value)) for value in row.values()))
    Console().print(table)
