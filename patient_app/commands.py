"""``caretier device`` and ``caretier ask``."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from compliance.errors import CaretierError
from patient_app.settings import DeviceSettings

if TYPE_CHECKING:
    from fastapi import FastAPI

app = typer.Typer(add_completion=False, help="The patient's device: serve, add people, enrol.")
ask_app = typer.Typer(add_completion=False)
DataOption = Annotated[Path, typer.Option("--data", help="Folder of all state.")]
DEFAULT_DATA = Path("var")


def _settings(data: Path, port: int | None = None) -> DeviceSettings:
    settings = DeviceSettings(data=data / "device")
    return settings if port is None else settings.model_copy(update={"port": port})


def _passphrase(settings: DeviceSettings) -> str:
    kept = settings.passphrase()
    return kept or str(typer.prompt("Passphrase", hide_input=True))


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    data: DataOption = DEFAULT_DATA,
    port: Annotated[int | None, typer.Option(help="TCP port; 8200 when unset.")] = None,
) -> None:
    """Serve the patient client until interrupted."""
    context.obj = data
    if context.invoked_subcommand is None:
        from services.web.serve import serve

        settings = _settings(data, port)
        serve(lambda: _application(settings), settings.host, settings.port)


def _application(settings: DeviceSettings) -> FastAPI:
    from patient_app.app import create

    return create(settings)


@app.command()
def add(
    context: typer.Context,
    person: str,
    record: Annotated[Path | None, typer.Option(help="FHIR file to import.")] = None,
) -> None:
    """Make a vault for PERSON (an id of your choice)."""
    from patient_app.importing import parse_record
    from patient_app.service import Device

    settings = _settings(context.obj)
    member = Device(settings).add(person, _passphrase(settings))
    if record is not None:
        count = member.import_record(parse_record(record.read_bytes()))
        typer.echo(f"{count} resources imported.")
    typer.echo(f"{person} has a vault on this device. Its recovery text, for another device:")
    typer.echo(member.vault.recovery_text())
    typer.echo("Write it down and keep it away from this device; with the passphrase it opens it.")


@app.command()
def enrol(context: typer.Context, code: str, person: str | None = None) -> None:
    """Enrol a person's device at the clinic with a one-time CODE."""
    from patient_app.service import Device

    settings = _settings(context.obj)
    device = Device(settings)
    chosen = person or next(iter(device.people()), "")
    member = device.unlock(chosen, _passphrase(settings))
    typer.echo(f"Enrolled at {asyncio.run(device.enrol(member, code))}.")


@app.command()
def sandbox(context: typer.Context, people: Path) -> None:
    """Make a vault for each record file in PEOPLE, enrolled by codes that are read from stdin."""
    from patient_app.importing import parse_record
    from patient_app.newcomers import LABELS, Labels
    from patient_app.service import Device
    from services.fhir.sandbox import called

    settings = _settings(context.obj)
    device, labels = Device(settings), Labels(settings.data / LABELS)
    codes = [line.strip() for line in sys.stdin if line.strip()]
    for file, code in zip(sorted(people.glob("*.json")), codes, strict=True):
        known = file.stem in device.people()
        member = device.member(file.stem) if known else device.add(file.stem, _passphrase(settings))
        member.import_record(parse_record(file.read_bytes()))
        asyncio.run(device.enrol(member, code))
        device.lock(file.stem)
        labels.put(file.stem, called(file.stem), list(device.people()))
        typer.echo(file.stem)


@app.command()
def pull(
    context: typer.Context,
    bricks: Annotated[
        list[str] | None, typer.Argument(metavar="[BRICK…]", help="heart-style@2, or heart-style.")
    ] = None,
    person: Annotated[str | None, typer.Option(help="Over whose line; the first's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Bring this device's bricks up to date over the line to the clinic, or fetch BRICKs."""
    from patient_app.bricks import languages_of
    from patient_app.service import Device
    from services.bricks.updater.show import progress_of_files, show_pulled

    settings = _settings(context.obj)
    device = Device(settings)
    chosen = person or next(iter(device.people()), "")
    member = device.unlock(chosen, _passphrase(settings))
    with progress_of_files() as progress:
        if bricks:
            done = [device.bricks.pull(member, brick, progress) for brick in bricks]
        else:
            done = device.bricks.update(member, languages_of([member]), progress, asked=True)
    device.lock(chosen)
    show_pulled(done, as_json=as_json)


@app.command()
def reminders(
    context: typer.Context,
    person: Annotated[str | None, typer.Option(help="Whose; the first's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """Print the doses of today that PERSON wants to be reminded of, and how each stands."""
    from dataclasses import asdict

    from patient_app.medicines.reminders import due
    from patient_app.medicines.routes import clock
    from patient_app.service import Device

    settings = _settings(context.obj)
    device = Device(settings)
    chosen = person or next(iter(device.people()), "")
    doses = due(device.unlock(chosen, _passphrase(settings)), clock())
    device.lock(chosen)
    if as_json:
        typer.echo(json.dumps([asdict(dose) for dose in doses], ensure_ascii=False))
        return
    for dose in doses:
        typer.echo(f"{dose.time}  {dose.state:8}{dose.name}")
    if not doses:
        typer.echo("Nothing is due today.")


@app.command("accept-restore")
def accept_restore(
    context: typer.Context,
    person: str,
    moved: Annotated[
        bool, typer.Option("--moved", help="From another device: ask for the recovery text.")
    ] = False,
) -> None:
    """Open PERSON's vault although it is older than the last one seen (restored from a backup)."""
    from patient_app.vault import Vault

    settings = _settings(context.obj)
    passphrase = _passphrase(settings)
    recovery = str(typer.prompt("Recovery text", hide_input=True)) if moved else None
    Vault.open(settings.vaults / person, passphrase, accept_restore=True, recovery=recovery).close()
    typer.echo("The restored vault is accepted.")


@ask_app.command()
def ask(  # noqa: PLR0917 - options of the command line
    question: Annotated[str | None, typer.Argument(help="The question.")] = None,
    patient: Annotated[str | None, typer.Option(help="Whose vault; the first when unset.")] = None,
    local_only: Annotated[bool, typer.Option("--local-only", help="Nothing may leave.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Send what would leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer object.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="A question a line on stdin.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a referral's answer.")] = 20.0,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Ask a question at the device tier; `--yes` is the patient's "send it".

    Exit status: 0 answered, emergency or on its way; 2 bad input; 7 abstained.
    """
    asker = _Asker(_settings(data), local_only=local_only, yes=yes, wait=wait)
    if jsonl:
        raise typer.Exit(asyncio.run(asker.lines(patient)))
    if question is None:
        typer.echo("Give a question, or --jsonl.", err=True)
        raise typer.Exit(2)
    raise typer.Exit(asyncio.run(asker.one(question, patient, as_json=as_json)))


class _Asker:
    """Runs questions in this process; models are loaded once."""

    def __init__(
        self, settings: DeviceSettings, *, local_only: bool, yes: bool, wait: float
    ) -> None:
        from patient_app.service import Device

        self._device = Device(settings)
        self._settings = settings
        self._local_only, self._yes, self._wait = local_only, yes, wait
        self._console = Console()

    def _member(self, patient: str | None) -> Any:
        if self._settings.passphrase() is not None or not self._device.people():
            return self._device.member(patient)
        chosen = patient or self._device.people()[0]
        return self._device.members.get(chosen) or self._device.unlock(
            chosen, _passphrase(self._settings)
        )

    async def one(self, question: str, patient: str | None, *, as_json: bool) -> int:
        """Ask one question and print it; returns the exit status."""
        try:
            member = self._member(patient)
            answer = await self._answer(member, question, None, show=not as_json)
        except CaretierError as error:
            if as_json:
                typer.echo(json.dumps({"error": _error(error)}))
            else:
                typer.echo(f"{error.message} {error.advice}", err=True)
            return error.exit_code
        finally:
            await self._device.close()
        if as_json:
            typer.echo(answer.model_dump_json())
        return 7 if answer.status == "abstained" else 0

    async def lines(self, patient: str | None) -> int:
        """Ask a question a line; a bad line gives an error object and the rest goes on."""
        status = 0
        for line in sys.stdin:
            if not line.strip():
                continue
            id_: Any = None
            try:
                row = _row(line)
                id_ = row.get("id")
                text, talk, whose = _fields(row)
                member = self._member(whose or patient)
                answer = await self._answer(member, text, talk, show=False)
                out = {**answer.model_dump(mode="json"), "consult": answer.id, "id": id_}
            except CaretierError as error:
                status = 2
                out = {"id": id_, "error": _error(error)}
            typer.echo(json.dumps(out, ensure_ascii=False))
        await self._device.close()
        return status

    async def _answer(
        self, member: Any, question: str, conversation: str | None, *, show: bool
    ) -> Any:
        from services.consult.messages import Answer, Status, Triage

        answer: Answer | None = None
        events = self._device.ask(
            member, question, conversation=conversation, local_only=self._local_only
        )
        with self._console.status("Looking…") if show else _Quiet():
            async for event in events:
                if show and isinstance(event, Triage) and event.advice:
                    self._console.print(f"[bold red]{event.advice}[/]")
                if isinstance(event, Answer):
                    answer = event
        assert answer is not None  # noqa: S101 - the answer is always the last event
        if show:
            _print(self._console, answer)
        if answer.offer is not None and self._allowed(answer, show=show):
            sent = self._device.discloser.send(member, answer.offer.preview_id)
            answer = sent
        if answer.status in {Status.QUEUED, Status.REFERRED}:
            with self._console.status("Waiting for the clinic…") if show else _Quiet():
                answer = await self._device.wait(member, answer.id, self._wait)
            if show:
                _print(self._console, answer)
        return answer

    def _allowed(self, answer: Any, *, show: bool) -> bool:
        if self._yes:
            return True
        if not show or not sys.stdin.isatty():
            return False
        shown = answer.offer.disclosure
        self._console.rule(f"This would go to: {', '.join(shown.readers)}")
        self._console.print(shown.text, markup=False)
        self._console.rule()
        return typer.confirm("Send it?")


class _Quiet:
    """A progress line that shows nothing."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _row(line: str) -> dict[str, Any]:
    """One line as an object.

    Raises:
        BadInputError: it is none.
    """
    from compliance.errors import BadInputError

    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise BadInputError("A line is not JSON.") from None
    if not isinstance(row, dict):
        raise BadInputError("A line is not a JSON object.")
    return row


def _fields(row: dict[str, Any]) -> tuple[str, str | None, str | None]:
    """Text, conversation and patient of a line.

    Raises:
        BadInputError: no id or text, or a field is no string.
    """
    from compliance.errors import BadInputError

    text, talk, whose = row.get("text"), row.get("conversation"), row.get("patient")
    if "id" not in row or not isinstance(text, str):
        raise BadInputError("A line has no id or no text.")
    if not all(isinstance(field, str | None) for field in (talk, whose)):
        raise BadInputError("The conversation and the patient of a line are strings.")
    return text, talk, whose


def _error(error: CaretierError) -> dict[str, str]:
    title = (type(error).__doc__ or "").splitlines()[0]
    return {"type": f"urn:caretier:problem:{error.kind}", "title": title, "detail": error.message}


def _print(console: Console, answer: Any) -> None:
    numbers = {c.id: n for n, c in enumerate(answer.citations, 1)}
    if answer.status == "emergency":
        console.print(f"[bold red]{answer.text}[/]")
    elif answer.sentences and answer.status == "answered" and "clinician" not in answer.experts:
        if answer.triage.advice:
            console.print(f"[bold yellow]{answer.triage.advice}[/]")
        for sentence in answer.sentences:
            marks = "".join(f"[{numbers[c]}]" for c in sentence.citations if c in numbers)
            console.print(f"{sentence.text} {marks}", markup=False, highlight=False)
    else:
        console.print(answer.text, markup=False, highlight=False)
    for citation in answer.citations:
        where = f"{citation.source}: {citation.title}, {citation.date or 'no date'}"
        console.print(f"  [{numbers[citation.id]}] {where} {citation.url or ''}", markup=False)
    waiting = f" (waiting for: {answer.degraded_from})" if answer.degraded_from else ""
    console.print(f"{answer.status} by {answer.tier}{waiting}", style="dim")
