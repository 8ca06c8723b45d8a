"""``caretier hospital cds``: the EHRs that may call for decision support, and a dry run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.hospital.cds.service import Cds

cds_app = typer.Typer(add_completion=False, no_args_is_help=True, help="Decision support.")
NOT_FOUND = 3


def _cds(context: typer.Context) -> Cds:
    from services.hospital.service import Hospital
    from services.hospital.settings import HospitalSettings

    made = Hospital(HospitalSettings(data=context.obj / "hospital"))
    context.call_on_close(made.database.close)
    return made.cds


@cds_app.command()
def trust(
    context: typer.Context,
    issuer: str,
    jwks_url: str,
    *,
    fhir: Annotated[
        str | None, typer.Option(help="Base of its FHIR server, to which its tokens may be sent.")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Browser origin that may call; may be repeated.")
    ] = None,
) -> None:
    """Take the calls of the EHR ISSUER, whose public keys are at JWKS_URL."""
    ehr = _cds(context).ehrs.trust(issuer, jwks_url, fhir_server=fhir, origins=origin or ())
    typer.echo(f"{ehr.id}  {ehr.issuer} may call.")
    typer.echo("List the origins of its addresses in CARETIER_HOSPITAL_OUTBOUND too.")


@cds_app.command()
def distrust(context: typer.Context, issuer: str) -> None:
    """Take no more calls of the EHR ISSUER."""
    if not _cds(context).ehrs.distrust(issuer):
        typer.echo("No such EHR is trusted.", err=True)
        raise typer.Exit(NOT_FOUND)
    typer.echo(f"{issuer} may not call any more.")


@cds_app.command(name="list")
def list_(context: typer.Context) -> None:
    """List the EHRs that may call: id, issuer, keys, FHIR server, origins."""
    for ehr in _cds(context).ehrs.all():
        typer.echo(
            f"{ehr.id}  {ehr.issuer}  {ehr.jwks_url}  {ehr.fhir_server or '-'}  "
            f"{' '.join(ehr.origins) or '-'}"
        )


@cds_app.command(name="try")
def try_(
    file: Path,
    service: Annotated[
        str | None, typer.Option(help="Id of the service; by the hook of the request when unset.")
    ] = None,
) -> None:
    """Print the cards for the request in FILE; nothing is fetched, kept or written down."""
    from services.hospital.cds.dry_run import dry_run

    print_cards(dry_run(file.read_bytes(), service))


def print_cards(cards: list[dict[str, object]]) -> None:
    """Print cards as JSON."""
    typer.echo(json.dumps({"cards": cards}, indent=2, ensure_ascii=False))
