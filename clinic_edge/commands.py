"""``caretier clinic``: serve, enrol at the hospital, make codes for devices, rotate the key."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clinic_edge.learning_commands import learning_commands
from clinic_edge.settings import ClinicSettings

if TYPE_CHECKING:
    from fastapi import FastAPI

app = typer.Typer(add_completion=False, help="The clinic node: serve, enrol, make device codes.")
DataOption = Annotated[Path, typer.Option("--data", help="Folder of all state.")]
DEFAULT_DATA = Path("var")


def _settings(data: Path, port: int | None = None) -> ClinicSettings:
    settings = ClinicSettings(data=data / "clinic")
    return settings if port is None else settings.model_copy(update={"port": port})


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    data: DataOption = DEFAULT_DATA,
    port: Annotated[int | None, typer.Option(help="TCP port; 8100 when unset.")] = None,
) -> None:
    """Serve the clinic node until interrupted."""
    context.obj = data
    if context.invoked_subcommand is None:
        from services.web.serve import serve

        settings = _settings(data, port)
        serve(lambda: _application(settings), settings.host, settings.port)


def _application(settings: ClinicSettings) -> FastAPI:
    from clinic_edge.app import create

    return create(settings)


@app.command()
def enrol(context: typer.Context, code: str) -> None:
    """Enrol this clinic at the hospital with a one-time CODE."""
    from clinic_edge.service import Clinic

    bundle = asyncio.run(Clinic(_settings(context.obj)).enrol(code))
    typer.echo(f"Enrolled at {bundle.node}.")


@app.command()
def code(
    context: typer.Context,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many codes.")] = 1,
) -> None:
    """Print one-time codes for new devices, a line each; they are valid for 24 hours."""
    from clinic_edge.service import Clinic

    clinic = Clinic(_settings(context.obj))
    for _ in range(count):
        typer.echo(clinic.device_code())


@app.command()
def rotate(context: typer.Context) -> None:
    """Give this clinic a new key to seal to; a running clinic goes on, and keeps the former one."""
    from compliance.audit import AuditTrail
    from services.consult.messages import Level
    from services.exchange.rotation import rotate_node

    settings = _settings(context.obj)
    trail = AuditTrail.open(settings.data, "clinic", node=settings.name)
    keys = settings.data / "keys"
    bundle = rotate_node(keys, name=settings.name, level=Level.CLINIC, trail=trail)
    typer.echo(f"The key is now {bundle.sealing[0].key_id}; {len(bundle.sealing)} keys are held.")


@app.command()
def pull(
    context: typer.Context,
    bricks: Annotated[
        list[str] | None, typer.Argument(metavar="[BRICK…]", help="heart-style@2, or heart-style.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Bring the copy of the hospital's bricks up to date, and this clinic's own ones or BRICKs."""
    from clinic_edge.service import Clinic
    from services.bricks.sizes import said_bytes
    from services.bricks.updater.show import progress_of_files, show_pulled

    clinic = Clinic(_settings(context.obj))
    with progress_of_files() as progress:
        synced = clinic.bricks.sync(progress)
        typer.echo(
            f"The copy holds {len(synced.refs)} bricks; {said_bytes(synced.moved)} came.", err=True
        )
        wanted = bricks or []
        done = [clinic.bricks.pull(brick, progress) for brick in wanted]
        done = done if wanted else clinic.bricks.update(progress)
    show_pulled(done, as_json=as_json)


@app.command()
def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Show what this clinic answers with, which bricks are in use, and how updates go."""
    from services.bricks.standing import standing_of
    from services.bricks.store import BrickStore
    from services.bricks.updater.installed import Installed
    from services.bricks.updater.ledger import Updates
    from services.bricks.updater.show import show_installed, show_standing, show_updates

    folder = _settings(context.obj).data / "bricks"
    standing, updates, state = standing_of(folder), Updates.of(folder), Installed(folder).state()
    if as_json:
        told = {
            "standing": standing.model_dump(mode="json") if standing else None,
            "installed": state.model_dump(mode="json"),
            "updates": updates.model_dump(mode="json"),
        }
        typer.echo(json.dumps(told))
        return
    show_standing(standing)
    show_installed(state, {m.ref: m.size for m in BrickStore(folder).manifests()})
    show_updates(updates)


learning_commands(app)
