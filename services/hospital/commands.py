"""``caretier hospital`` and ``caretier worker``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.hospital.cds_commands import cds_app
from services.hospital.ehr_commands import ehr_app
from services.hospital.settings import HospitalSettings
from services.hospital.smart_commands import client_app

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.hospital.record_erasure import Plan
    from services.hospital.service import Hospital

app = typer.Typer(add_completion=False, help="The hospital: serve, codes, users, keys, records.")
worker_app = typer.Typer(add_completion=False, help="The hospital's Celery worker and beat.")
app.add_typer(cds_app, name="cds")
app.add_typer(client_app, name="client")
app.add_typer(ehr_app, name="ehr")
DataOption = Annotated[Path, typer.Option("--data", help="Folder of all state.")]
DEFAULT_DATA = Path("var")


def _settings(data: Path, port: int | None = None) -> HospitalSettings:
    settings = HospitalSettings(data=data / "hospital")
    return settings if port is None else settings.model_copy(update={"port": port})


def _opened(context: typer.Context) -> Hospital:
    """The hospital, until the command ends."""
    from services.hospital.service import Hospital

    made = Hospital(_settings(context.obj))
    context.call_on_close(made.database.close)
    return made


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    data: DataOption = DEFAULT_DATA,
    port: Annotated[int | None, typer.Option(help="TCP port; 8000 when unset.")] = None,
) -> None:
    """Serve the hospital's API and portal until interrupted."""
    context.obj = data
    if context.invoked_subcommand is None:
        from services.web.serve import serve

        settings = _settings(data, port)
        serve(lambda: _application(settings), settings.host, settings.port)


def _application(settings: HospitalSettings) -> FastAPI:
    from services.hospital.app import create

    return create(settings)


@app.command()
def code(context: typer.Context) -> None:
    """Print a one-time code for a clinic; it is valid for 24 hours."""
    typer.echo(_opened(context).clinic_code())


@app.command()
def rotate(context: typer.Context) -> None:
    """Give the hospital a new key to seal to; a running one goes on, and keeps the former one."""
    from compliance.audit import AuditTrail
    from services.consult.messages import Level
    from services.exchange.rotation import rotate_node

    settings = _settings(context.obj)
    trail = AuditTrail.open(settings.data, "hospital", node=settings.name)
    keys = settings.data / "keys"
    bundle = rotate_node(keys, name=settings.name, level=Level.HOSPITAL, trail=trail)
    typer.echo(f"The key is now {bundle.sealing[0].key_id}; {len(bundle.sealing)} keys are held.")


@app.command()
def user(
    context: typer.Context,
    username: str,
    *,
    name: Annotated[str, typer.Option(help="Name that patients see under a signed reply.")] = "",
    role: Annotated[str, typer.Option(help="clinician, operator, privacy or admin.")] = "clinician",
    acts_as: Annotated[
        str, typer.Option(help='In the record: "Practitioner/x Organization/y".')
    ] = "",
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password; asked for when unset.")
    ] = None,
) -> None:
    """Make an account for the portal."""
    if password_file is not None:
        password = password_file.read_text(encoding="utf-8").strip()
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    hospital = _opened(context)
    hospital.accounts.add_user(
        username,
        password,
        name or username,
        role,  # type: ignore[arg-type]
        acts_as=acts_as.split(),
    )
    typer.echo(f"{username} can sign in as {role}.")


@app.command()
def erase(
    context: typer.Context,
    referral: str,
    reason: Annotated[str, typer.Option(help="person, retention, mistake or court.")] = "person",
) -> None:
    """Destroy the key and the rows of REFERRAL; prints the signed receipt."""
    from services.hospital.audited import Caller

    erasures = _opened(context).erasures
    typer.echo(json.dumps(erasures.erase(referral, reason, Caller.shell()), indent=2))


@app.command(name="erase-record")
def erase_record(
    context: typer.Context,
    patient: str,
    reason: Annotated[str, typer.Option(help="person, retention, mistake or court.")] = "person",
    *,
    yes: Annotated[bool, typer.Option(help="Do not ask for the id once more.")] = False,
) -> None:
    """Destroy the health record of PATIENT (id) for good; prints the signed receipt."""
    from services.hospital.audited import Caller

    erasures = _opened(context).record_erasures
    plan = erasures.plan(patient)
    typer.echo(_planned(plan), err=True)
    if not yes and typer.prompt("Type the id to destroy it", err=True) != patient:
        typer.echo("Nothing was destroyed.", err=True)
        raise typer.Exit(1)
    typer.echo(json.dumps(erasures.erase(patient, reason, Caller.shell()), indent=2))


def _planned(plan: Plan) -> str:
    """What an erasure would do, for a person to read before it is done."""
    counts = ", ".join(f"{count} {kind}" for kind, count in plan.resources.items())
    lines = [
        f"It destroys {plan.total} resources and {plan.versions} former versions.",
        f"Resources: {counts or 'none'}.",
        f"{plan.shared} resources stay: they are in another person's record, too.",
        "The audit trail, reviews of emergency access and backups keep what they hold.",
    ]
    if plan.connections:
        names = ", ".join(plan.connections)
        lines.append(f"{names}: what changes there comes back. Take the person out there first.")
    if plan.held:
        lines.append("A legal hold keeps it: it cannot be erased.")
    return "\n".join(lines)


@app.command()
def hold(
    context: typer.Context,
    subject: str,
    reason: Annotated[str, typer.Option(help="File number; no person's data.")] = "",
    lift: Annotated[bool, typer.Option(help="Lift the hold instead.")] = False,
) -> None:
    """Keep SUBJECT (referral:ID or patient:ID) beyond its time, or lift that."""
    from services.hospital.audited import Caller

    holds = _opened(context).holds
    if lift:
        holds.lift(subject, Caller.shell())
    else:
        holds.place(subject, reason, Caller.shell())
    typer.echo(f"{len(holds.active())} under hold.")


@app.command(name="reset-factor")
def reset_factor(context: typer.Context, username: str) -> None:
    """Take the second factor of USERNAME away, when authenticator and recovery codes are lost."""
    from services.hospital.audited import Caller

    hospital = _opened(context)
    found = [u for u in hospital.accounts.users() if u.username == username.strip().lower()]
    if not found or not hospital.factors.remove(found[0], Caller.shell()):
        typer.echo("There is no such account, or it has no second factor.", err=True)
        raise typer.Exit(3)
    typer.echo(f"{username} signs in with the password alone until a new one is set up.")


@app.command()
def link(
    context: typer.Context,
    username: str,
    issuer: Annotated[str, typer.Argument(help="Who says who they are, at the EHR.")] = "",
    person: Annotated[str, typer.Argument(help="Their id there (sub).")] = "",
) -> None:
    """Let who is PERSON by the word of ISSUER open the portal from the EHR as USERNAME.

    Without them, the link is taken away.
    """
    from services.hospital.audited import Caller

    links = _opened(context).launching.links
    if issuer or person:
        links.link(username, issuer, person, Caller.shell())
        typer.echo(f"{username} is who the EHR says.")
    else:
        links.unlink(username, Caller.shell())
        typer.echo(f"{username} is linked to nobody.")


@app.command()
def key(
    context: typer.Context,
    name: str,
    scopes: str,
    *,
    patient: Annotated[
        str | None, typer.Option(help="Id of the one Patient whose record it may read.")
    ] = None,
    requests: Annotated[
        int | None, typer.Option(min=0, help="To models, a minute; 0: no limit.")
    ] = None,
    tokens: Annotated[
        int | None, typer.Option(min=0, help="Of models, a minute; 0: no limit.")
    ] = None,
) -> None:
    """Make an API key NAME with SCOPES ("patient/*.rs chat"); it is shown this once.

    Models: chat for answers from sources, engine for every expert's raw words, engine.NAME for one
    expert, engine.base for the model without any; operator pushes and pops experts.
    """
    keys = _opened(context).accounts.keys
    typer.echo(keys.make(name, scopes, patient=patient, requests=requests, tokens=tokens))


@app.command()
def keys(context: typer.Context) -> None:
    """List the API keys: id, name, scopes, patient, and whether they are revoked."""
    for row in _opened(context).accounts.keys.listing():
        state = "revoked" if row.revoked else "good"
        typer.echo(
            f"{row.digest[:16]}  {state:7}  {row.patient or '*':12}  {row.name}: {row.scopes}"
        )


@app.command(name="revoke-key")
def revoke_key(context: typer.Context, key_id: str) -> None:
    """Refuse every further call with the key KEY_ID."""
    _opened(context).accounts.keys.revoke(key_id)
    typer.echo(f"{key_id} opens nothing any more.")


@app.command()
def load(context: typer.Context, path: Path) -> None:
    """Load FHIR R4 resources from a file or folder (NDJSON, Bundle, JSON) into the record."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from services.fhir.load import load_path

    store = _opened(context).records
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        line = progress.add_task("Loading")
        report = load_path(
            store, path, lambda count: progress.update(line, description=f"Loading {count}")
        )
    for kind, count in sorted(report.loaded.items()):
        typer.echo(f"{count:7d} {kind}")
    for where, reason in report.rejected[:20]:
        typer.echo(f"rejected {where}: {reason}", err=True)
    if report.rejected:
        typer.echo(f"{len(report.rejected)} rejected in all.", err=True)
        raise typer.Exit(2)


@app.command()
def export(context: typer.Context, folder: Path) -> None:
    """Write every resource of the record into FOLDER as NDJSON, a file or more for each type."""
    from services.fhir.bulk.export import export_to
    from services.hospital.audited import Caller

    if folder.exists() and any(folder.iterdir()):
        typer.echo("The folder is not empty.", err=True)
        raise typer.Exit(2)
    hospital = _opened(context)
    hospital.auditor.copied(Caller.shell())
    for kind, count in sorted(export_to(hospital.database, folder).items()):
        typer.echo(f"{count:7d} {kind}")


@worker_app.command()
def worker(
    data: DataOption = DEFAULT_DATA,
    redis: Annotated[str | None, typer.Option(help="Address of Redis.")] = None,
    concurrency: Annotated[int, typer.Option(help="Worker processes.")] = 1,
    queue: Annotated[
        str, typer.Option(help="all, or patients and learning apart: one worker each.")
    ] = "all",
) -> None:
    """Run a worker until interrupted; the clock of what recurs is with the one for patients."""
    from services.hospital.queue import make_celery, queues_of, register

    settings = _settings(data)
    if redis:
        settings = settings.model_copy(update={"redis": redis})
    if not settings.redis:
        typer.echo(
            "No Redis is configured: set CARETIER_HOSPITAL_REDIS, or start all with `caretier up`.",
            err=True,
        )
        raise typer.Exit(2)
    celery = make_celery(settings)
    register(celery, settings)
    beat = [] if queue == "learning" else ["-B"]
    arguments = [*beat, f"--concurrency={concurrency}", "--loglevel=WARNING"]
    celery.worker_main(["worker", "-Q", ",".join(queues_of(queue)), *arguments])
    sys.exit(0)
