"""``caretier hospital ehr``: records of other servers that are read into the hospital's own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.hospital.settings import HospitalSettings

if TYPE_CHECKING:
    from services.hospital.ehr.outcome import Outcome
    from services.hospital.service import Hospital

ehr_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Records of other FHIR servers."
)
INCOMPLETE = 2


def _hospital(context: typer.Context) -> Hospital:
    """The hospital, until the command ends."""
    from services.hospital.service import Hospital

    made = Hospital(HospitalSettings(data=context.obj / "hospital"))
    context.call_on_close(made.database.close)
    return made


@ehr_app.command()
def add(
    context: typer.Context,
    name: str,
    base: str,
    *,
    client_id: Annotated[str | None, typer.Option(help="Ours, at that server.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="Private key, PEM (RSA or P-384).")] = None,
    key_id: Annotated[str | None, typer.Option(help="Its id in the JWKS given there.")] = None,
    scope: Annotated[str, typer.Option(help="Scopes to ask for.")] = "system/*.rs",
    ask: Annotated[
        list[str] | None,
        typer.Option(help="Type or search to read, repeated; the types of US Core when unset."),
    ] = None,
    patient: Annotated[list[str] | None, typer.Option(help="Id of a patient, repeated.")] = None,
    group: Annotated[str | None, typer.Option(help="Id of a Group of patients.")] = None,
    keep_ids: Annotated[bool, typer.Option(help="Ids are the same on both sides.")] = False,
    every: Annotated[int, typer.Option(help="Minutes between two readings.")] = 5,
    full: Annotated[int, typer.Option(help="Days between two readings of everything.")] = 7,
) -> None:
    """Connect the FHIR server at BASE as NAME; it is read when the hospital runs.

    Without a patient or a group, everybody's record is read.
    """
    from services.hospital.ehr.asks import ASKS
    from services.hospital.ehr.connections import Connecting

    hospital = _hospital(context)
    hospital.outbound.check(base)
    hospital.ehr.connect(
        Connecting(
            name,
            base,
            client_id=client_id,
            key_file=key_file,
            key_id=key_id,
            scope=scope,
            asks=ask or ASKS,
            patients=patient or (),
            group=group,
            keep_ids=keep_ids,
            every_minutes=every,
            full_days=full,
        )
    )
    typer.echo(f"{name} is connected; `caretier hospital ehr sync {name}` reads it now.")


@ehr_app.command(name="list")
def list_(context: typer.Context) -> None:
    """List the connections: name, address, whose records, what is read."""
    for row in _hospital(context).ehr.connections.all():
        whose = row.patients or (f"Group/{row.group}" if row.group else "everybody")
        typer.echo(f"{row.name:16}  {row.base}  {whose}  {row.asks}")


@ehr_app.command()
def status(context: typer.Context) -> None:
    """Show how each connection stands."""
    for one in _hospital(context).ehr.status():
        synced = one["synced"].isoformat(timespec="seconds") if one["synced"] else "never"
        typer.echo(
            f"{one['name']:16}  {one['state']:8}  {synced:25}  {one['resources']} resources, "
            f"{one['awaited']} awaited  {one['error'] or ''}".rstrip()
        )


@ehr_app.command()
def sync(
    context: typer.Context,
    name: str,
    *,
    full: Annotated[bool, typer.Option(help="Read everything, and find what was deleted.")] = False,
    allow_deletions: Annotated[
        bool, typer.Option(help="Also where much of a type seems to be gone.")
    ] = False,
) -> None:
    """Read the connection NAME now."""
    from rich.console import Console

    ehr = _hospital(context).ehr
    console = Console(stderr=True)
    with console.status("Reading") as line:
        outcome = asyncio.run(
            ehr.sync(
                name,
                "full" if full else "new",
                allow=allow_deletions,
                progress=lambda count: line.update(f"Reading: {count} resources"),
            )
        )
    _show(outcome)


def _show(outcome: Outcome) -> None:
    for kind, count in sorted(outcome.read.items()):
        typer.echo(f"{count:7d} {kind}")
    typer.echo(f"{outcome.deleted:7d} deleted")
    for trouble in outcome.troubles:
        typer.echo(f"not read: {trouble}", err=True)
    for failure in outcome.failures[:20]:
        typer.echo(f"awaited: {failure.what} ({failure.code})", err=True)
    if outcome.failures or outcome.troubles:
        typer.echo(f"{len(outcome.failures)} awaited in all.", err=True)
        raise typer.Exit(INCOMPLETE)


@ehr_app.command()
def remove(
    context: typer.Context,
    name: str,
    *,
    forget: Annotated[
        bool, typer.Option(help="Also where its resources came from: they count as written here.")
    ] = False,
) -> None:
    """Disconnect NAME, and end its subscriptions; its resources stay."""
    from compliance.errors import CaretierError

    ehr = _hospital(context).ehr
    try:
        asyncio.run(ehr.unsubscribe(name))
    except CaretierError as error:
        typer.echo(f"Its subscriptions stand: {error.message}", err=True)
    ehr.disconnect(name, forget=forget)
    typer.echo(f"{name} is read no more.")
