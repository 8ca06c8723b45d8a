"""``caretier study``: the root key, an export of FHIR files, and the way back.

    caretier study key root.key
    caretier study export record.json --study asthma-2026 --key root.key --out export
    caretier study originals export/reversal.bin patient-q3fk-7t2m-x4ab-c5de --study … --key …

Exit codes: 0 done; 2 bad input; 4 nothing may leave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from compliance.errors import BadInputError, CaretierError
from services.fhir import jsontext

if TYPE_CHECKING:
    from compliance.deidentify.fhir import Exported
    from compliance.deidentify.pseudonyms import StudyKey

app = typer.Typer(
    help="De-identified FHIR for a study.", no_args_is_help=True, add_completion=False
)
_Study = Annotated[str, typer.Option(help="Name of the study: other names, other pseudonyms.")]
_Key = Annotated[
    Path | None, typer.Option(help="File of the root key; CARETIER_STUDY_ROOT when left out.")
]
REVERSAL = "reversal.bin"
"""Name of the sealed way back; it stays with the key and is not part of what is given out."""


@app.command()
def key(path: Annotated[Path, typer.Argument(help="New file; it must not exist.")]) -> None:
    """Make a new root key, readable by you alone. Whoever has it can undo every pseudonym."""
    from compliance.deidentify.pseudonyms import new_root_file

    try:
        new_root_file(path)
    except CaretierError as error:
        raise _stop(error) from None
    typer.echo(f"Wrote {path}. Keep it apart from what you export.")


@app.command()
def export(
    files: Annotated[
        list[Path], typer.Argument(help="FHIR R4: a resource, an array, a Bundle, or NDJSON.")
    ],
    study: _Study,
    out: Annotated[Path, typer.Option(help="New folder: one NDJSON file a type.")],
    key: _Key = None,
    language: Annotated[str, typer.Option(help="en or es")] = "en",
) -> None:
    """Write records out without the people in them; files given together stay linked."""
    from compliance.deidentify import Deidentifier
    from compliance.deidentify.fhir import FhirDeidentifier

    try:
        if language not in {"en", "es"}:
            raise BadInputError("The language is not one of en, es.")
        secret = _secret(key, study)
        resources = [resource for path in files for resource in _read(path)]
        today = datetime.now(tz=UTC).date()
        tongue = cast("Literal['en', 'es']", language)
        made = FhirDeidentifier(Deidentifier.load(), secret, today, tongue).resources(resources)
        _write(made, out)
    except OSError as error:
        raise _stop(BadInputError(f"Cannot read or write a file: {error.strerror}.")) from None
    except CaretierError as error:
        raise _stop(error) from None
    typer.echo(f"{len(made.resources)} of {len(resources)} resources are in {out}.")
    for note in made.notes:
        typer.echo(f"  {note.path}: {note.reason} ({note.count})")
    typer.echo(f"{REVERSAL} there is the way back, sealed: keep it, do not give it out.")


@app.command()
def originals(
    sealed: Annotated[Path, typer.Argument(help="reversal.bin of an export.")],
    replacement: Annotated[str, typer.Argument(help="A pseudonym or surrogate.")],
    study: _Study,
    key: _Key = None,
) -> None:
    """Say what a pseudonym or surrogate stands for."""
    from compliance.deidentify.reversal import ReversalMap

    try:
        found = ReversalMap.unseal(sealed.read_bytes(), _secret(key, study)).originals(replacement)
        if not found:
            raise BadInputError("That was never given out in this export.")
    except OSError as error:
        raise _stop(BadInputError(f"Cannot read the file: {error.strerror}.")) from None
    except CaretierError as error:
        raise _stop(error) from None
    for original in found:
        typer.echo(original)


def _secret(path: Path | None, study: str) -> StudyKey:
    """The study's key, from the file or the environment."""
    from compliance.deidentify.pseudonyms import StudyKey

    return StudyKey.from_file(path, study) if path else StudyKey.from_environment(study)


def _read(path: Path) -> Iterator[Mapping[str, Any]]:
    """Resources of a file, those of a Bundle singly; decimals keep their digits."""
    text = path.read_bytes()
    try:
        if path.suffix in {".ndjson", ".jsonl"}:
            values = [jsontext.loads_exact(line) for line in text.splitlines() if line.strip()]
        else:
            whole = jsontext.loads_exact(text)
            values = whole if isinstance(whole, list) else [whole]
    except (ValueError, RecursionError):
        raise BadInputError("A file is not FHIR JSON.") from None
    for value in values:
        yield from _of_bundle(value)


def _of_bundle(value: Any) -> Iterator[Mapping[str, Any]]:
    """The resources of a Bundle, or the one resource that ``value`` is."""
    if not isinstance(value, Mapping):
        raise BadInputError("A file holds something that is no FHIR resource.")
    if value.get("resourceType") != "Bundle":
        yield value
        return
    for entry in value.get("entry", ()):
        if isinstance(entry, Mapping) and isinstance(entry.get("resource"), Mapping):
            yield entry["resource"]


def _write(made: Exported, folder: Path) -> None:
    """A new folder with an NDJSON file for each type and the sealed way back."""
    try:
        folder.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        raise BadInputError("The folder to write to exists already.") from None
    for resource in made.resources:
        with (folder / f"{resource['resourceType']}.ndjson").open("a", encoding="utf-8") as stream:
            stream.write(jsontext.dumps(resource) + "\n")
    (folder / REVERSAL).write_bytes(made.reversal)


def _stop(error: CaretierError) -> typer.Exit:
    """Say what happened; the exit to raise."""
    typer.echo(f"{error.message} {error.advice}", err=True)
    return typer.Exit(error.exit_code)
