"""`caretier rounds sources`: where knowledge comes from, what would change, and yes or no.

Exit codes: 0 done; 3 no such source, change or hospital; 95 what a source gives is not taken; 96 a
source gives no answer now; 97 this cannot be done with the change as it stands.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.learning.output import printed

if TYPE_CHECKING:
    from services.learning.sources.opening import BesideSources

app = typer.Typer(no_args_is_help=True, help="Where knowledge comes from: fetch, show, approve.")
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Change = Annotated[str, typer.Argument(metavar="CHANGE", help="Id, or how it begins.")]
_Candidate = Annotated[str, typer.Option(help="Digest that was looked at (`show`).")]
_By = Annotated[str, typer.Option("--clinician", help="Who looked at it; kept with the change.")]


@app.command(name="list")
def list_(context: typer.Context, as_json: _AsJson = False) -> None:
    """List the sources with their health, and the changes that are on their way."""
    from services.learning.sources.show import sources_table
    from services.learning.sources.view import overview, summary

    sources = _beside(context).sources
    rows = overview(sources)
    changes = [summary(row) for row in sources.book.listing(limit=30)]
    printed({"sources": rows, "changes": changes}, as_json, lambda: sources_table(rows, changes))


@app.command()
def fetch(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Its id, like medlineplus-topics.")],
    folder: Annotated[
        Path | None,
        typer.Option("--from", file_okay=False, exists=True, help="Its files lie here."),
    ] = None,
) -> None:
    """Ask a source now, or take its files from a folder; then check what is new."""
    beside = _beside(context)
    beside.sources.catalogue.of(source)
    beside.write_down(f"source:{source}", "asked")
    change = asyncio.run(beside.sources.fetch(source, folder))
    if change is None:
        typer.echo("Nothing is new.")
        return
    state = beside.sources.advance(change)
    if state == "superseded":
        typer.echo("Nothing is new but dates.")
        return
    typer.echo(f"The change is {state}; `caretier rounds sources show {change[:8]}` shows it.")


@app.command()
def show(context: typer.Context, change: _Change, as_json: _AsJson = False) -> None:
    """Show a change: contradictions first, then topics and sentences, then each criterion."""
    from services.learning.sources.show import change_report
    from services.learning.sources.view import detail

    beside = _beside(context)
    held = detail(beside.sources, _whole(beside, change))
    printed(held, as_json, lambda: change_report(held))


@app.command()
def approve(
    context: typer.Context,
    change: _Change,
    candidate: _Candidate,
    clinician: _By,
    note: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Approve what a clinician looked at: the brick is made and signed, or a notice is noted."""
    beside = _beside(context)
    id_ = _whole(beside, change)
    beside.write_down(f"change:{id_}", "approved")
    beside.sources.people.approve(id_, candidate, _who(clinician), note)
    typer.echo(f"The change is {beside.sources.advance(id_)}.")


@app.command()
def refuse(
    context: typer.Context,
    change: _Change,
    candidate: _Candidate,
    clinician: _By,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the change.")],
) -> None:
    """Refuse a change; what is in use stays."""
    beside = _beside(context)
    id_ = _whole(beside, change)
    beside.write_down(f"change:{id_}", "refused")
    state = beside.sources.people.refuse(id_, candidate, _who(clinician), reason)
    typer.echo(f"The change is {state}.")


@app.command()
def keep(
    context: typer.Context,
    change: _Change,
    passage: Annotated[list[str], typer.Argument(help="Like labels-aspirin-1a2b#dose.")],
    *,
    candidate: _Candidate,
    clinician: _By,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the change.")],
) -> None:
    """Keep passages that contradict knowledge in use; the change is checked again with them."""
    beside = _beside(context)
    id_ = _whole(beside, change)
    beside.write_down(f"change:{id_}", "kept")
    beside.sources.people.keep(id_, candidate, passage, _who(clinician), reason)
    typer.echo(f"The change is {beside.sources.advance(id_)}.")


@app.command()
def recheck(context: typer.Context, change: _Change) -> None:
    """Check a change again, by the list of sources and the knowledge in use as they are now."""
    beside = _beside(context)
    id_ = _whole(beside, change)
    beside.write_down(f"change:{id_}", "rechecked")
    beside.sources.people.recheck(id_)
    typer.echo(f"The change is {beside.sources.advance(id_)}.")


@app.command()
def sign(
    context: typer.Context,
    change: _Change,
    passphrase: Annotated[
        Path | None, typer.Option("--passphrase-file", help="File with that of the keys.")
    ] = None,
) -> None:
    """Publish the brick of an approved change with the keys of the hospital's folder."""
    beside = _beside(context)
    id_ = _whole(beside, change)
    beside.write_down(f"change:{id_}", "signed")
    typer.echo(f"The change is {beside.sources.sign(id_, beside.publisher(passphrase))}.")


def _who(name: str) -> str:
    """How a clinician is named whose word was given at the shell."""
    return f"{name.strip()[:48]} (at the shell)"


def _beside(context: typer.Context) -> BesideSources:
    """The sources, until the command ends."""
    from services.learning.sources.opening import BesideSources

    made = BesideSources(context.obj, lambda line: typer.echo(line, err=True))
    context.call_on_close(made.close)
    return made


def _whole(beside: BesideSources, begins: str) -> str:
    """The id of the one change whose id begins so."""
    from compliance.errors import NotFoundError

    found = [row.id for row in beside.sources.book.listing() if row.id.startswith(begins)]
    if len(found) != 1:
        raise NotFoundError(f"{len(found)} changes begin with {begins}.", remedy="Name it in full.")
    return found[0]
