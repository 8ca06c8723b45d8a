"""``caretier hospital client``: the programs that may ask for access."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.hospital.settings import HospitalSettings

if TYPE_CHECKING:
    from services.hospital.smart.service import Smart

client_app = typer.Typer(help="Programs that may ask for access (SMART on FHIR).")
FOR_PEOPLE = "openid fhirUser profile launch launch/patient launch/encounter online_access"


def _smart(context: typer.Context) -> Smart:
    """The authorization server, until the command ends."""
    from services.hospital.service import Hospital

    hospital = Hospital(HospitalSettings(data=context.obj / "hospital"))
    context.call_on_close(hospital.database.close)
    return hospital.smart


@client_app.command()
def add(
    context: typer.Context,
    name: str,
    scopes: Annotated[str, typer.Argument(help='At most granted: "patient/*.rs user/*.rs".')],
    *,
    public: Annotated[bool, typer.Option(help="It can keep no secret (browser, phone).")] = False,
    secret: Annotated[bool, typer.Option(help="It proves itself by a secret.")] = False,
    jwks: Annotated[Path | None, typer.Option(help="File with its public keys.")] = None,
    jwks_uri: Annotated[str | None, typer.Option(help="Address of its public keys.")] = None,
    redirect: Annotated[list[str] | None, typer.Option(help="Address to come back to.")] = None,
    launch: Annotated[str | None, typer.Option(help="Address to launch it at.")] = None,
    origin: Annotated[list[str] | None, typer.Option(help="Of its pages in a browser.")] = None,
    client_id: Annotated[str | None, typer.Option("--id", help="Its client_id.")] = None,
) -> None:
    """Register NAME for SCOPES; prints its client_id, and its secret this once.

    A program for people gets the scopes of the launch itself too (openid, launch/patient and such).
    """
    if public + secret + bool(jwks or jwks_uri) != 1:
        raise typer.BadParameter("Say how it proves itself: --public, --secret, --jwks, --jwks-uri")
    client, given = _smart(context).clients.add(
        name,
        "public" if public else "symmetric" if secret else "asymmetric",
        f"{FOR_PEOPLE} {scopes}" if redirect else scopes,
        id_=client_id,
        redirects=redirect or (),
        origins=origin or (),
        launch_url=launch,
        jwks=jwks.read_text(encoding="utf-8") if jwks else None,
        jwks_uri=jwks_uri,
    )
    typer.echo(f"client_id {client.id}")
    if given:
        typer.echo(f"client_secret {given}")


@client_app.command(name="list")
def listing(context: typer.Context) -> None:
    """List the programs: id, how they prove themselves, name and scopes."""
    for row in _smart(context).clients.listing():
        state = "revoked" if row.revoked else row.kind
        typer.echo(f"{row.id:32}  {state:10}  {row.name}: {row.scopes}")


@client_app.command()
def revoke(context: typer.Context, client_id: str) -> None:
    """Refuse every further call of CLIENT_ID, and every token that it holds."""
    _smart(context).clients.revoke(client_id)
    typer.echo(f"{client_id} opens nothing any more.")


@client_app.command(name="rotate-key")
def rotate_key(context: typer.Context) -> None:
    """Sign ID tokens with a fresh key from now on; the former one is published for a week."""
    typer.echo(_smart(context).signing.rotate())
