"""``caretier deidentify``, and the other commands of this package by their names.

Exit codes: 0 done; 2 bad input (with ``--jsonl``: at least one bad line); 4 nothing may leave.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from compliance.audit.commands import app as audit_app
from compliance.errors import BadInputError, CaretierError

if TYPE_CHECKING:
    from compliance.deidentify import Deidentified, Deidentifier, KnownIdentifiers

__all__ = ["audit_app", "deidentify_app", "read_resources"]

deidentify_app = typer.Typer(
    help="Mask everything that identifies a person in a text.", add_completion=False
)

_BAD_LINE_EXIT = 2


@deidentify_app.command()
def deidentify(
    file: Annotated[str, typer.Argument(help="Text file, or - for standard input.")] = "-",
    patient: Annotated[
        Path | None, typer.Option(help="FHIR R4 Patient, Bundle, array or NDJSON.")
    ] = None,
    language: Annotated[str, typer.Option(help="en or es")] = "en",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print text, entities and detector version.")
    ] = False,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl",
            help='One {"id","text"[,"language","patient"]} a line in, one object a line out.',
        ),
    ] = False,
) -> None:
    """Mask the identifiers in a text; print nothing of it if that cannot be shown to work."""
    from compliance.deidentify import Deidentifier

    try:
        known = _known(read_resources(patient.read_text(encoding="utf-8"))) if patient else None
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        detector = Deidentifier.load()
        if jsonl:
            raise typer.Exit(_lines(detector, text, language, known))
        tongue = cast("Literal['en', 'es']", language)  # deidentify refuses what is neither
        result = detector.deidentify(text, language=tongue, known=known)
    except OSError as error:
        raise _stop(BadInputError(f"Cannot read the file: {error.strerror}.")) from None
    except UnicodeDecodeError:
        raise _stop(BadInputError("The file is not UTF-8 text.")) from None
    except CaretierError as error:
        raise _stop(error) from None
    typer.echo(json.dumps(result.to_dict(), ensure_ascii=False) if as_json else result.text)


def read_resources(text: str) -> list[Mapping[str, Any]]:
    """FHIR resources out of a JSON object, a JSON array, or NDJSON.

    Raises:
        BadInputError: it is none of them.
    """
    try:
        whole = json.loads(text)
    except ValueError:
        try:
            whole = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            whole = None
    resources = whole if isinstance(whole, list) else [whole]
    if not resources or not all(isinstance(resource, dict) for resource in resources):
        raise BadInputError("The record is no FHIR JSON: give a resource, an array, or NDJSON.")
    return resources


def _known(resources: list[Mapping[str, Any]]) -> KnownIdentifiers:
    """Identifiers of a record."""
    from compliance.deidentify import KnownIdentifiers

    return KnownIdentifiers.from_record(resources)


def _lines(detector: Deidentifier, text: str, language: str, known: KnownIdentifiers | None) -> int:
    """Answer every line; the exit status."""
    status = 0
    for output in _answers(detector, text, language, known):
        status = _BAD_LINE_EXIT if "error" in output else status
        typer.echo(json.dumps(output, ensure_ascii=False))
    return status


def _answers(
    detector: Deidentifier, text: str, language: str, known: KnownIdentifiers | None
) -> Iterator[dict[str, Any]]:
    """One answer a line, an error in the place of a bad one."""
    cache: dict[str, KnownIdentifiers] = {}
    for line in text.split("\n"):
        if not line.strip():
            continue
        item: Any = None
        try:
            item = _item(line)
            result = _answer(detector, item, language, known, cache)
            yield {"id": item["id"], **result.to_dict()}
        except CaretierError as error:
            key = item.get("id") if isinstance(item, dict) else None
            yield {
                "id": key,
                "error": _problem(error),
            }


def _problem(error: CaretierError) -> dict[str, str]:
    """The fields of a problem document (RFC 9457)."""
    return {
        "type": f"urn:caretier:problem:{error.kind}",
        "title": (type(error).__doc__ or "").splitlines()[0],
        "detail": error.message,
        "remedy": error.advice,
    }


def _item(line: str) -> dict[str, Any]:
    """One line of the input."""
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        item = None
    if not isinstance(item, dict) or "id" not in item:
        raise BadInputError('A line is not a JSON object with "id" and "text".')
    return item


def _answer(
    detector: Deidentifier,
    item: dict[str, Any],
    language: str,
    known: KnownIdentifiers | None,
    cache: dict[str, KnownIdentifiers],
) -> Deidentified:
    """Mask one line; a record of its own replaces the common one and is indexed once."""
    if "patient" in item:
        record = item["patient"]
        key = json.dumps(record, sort_keys=True)
        if key not in cache:
            cache.clear()
            cache[key] = _known(record if isinstance(record, list) else [record])
        known = cache[key]
    return detector.deidentify(
        cast("str", item.get("text")),
        language=cast("Literal['en', 'es']", item.get("language", language)),
        known=known,
    )


def _stop(error: CaretierError) -> typer.Exit:
    """Say what happened on standard error; the exit to raise."""
    typer.echo(f"{error.message} {error.advice}", err=True)
    return typer.Exit(error.exit_code)
