"""``caretier triage``: red flags and the second look on the command line; needs no network.

Exit codes: 0 done; 2 the input cannot be used, or with ``--jsonl`` at least one line could not.
The level of urgency does not change the exit code.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from compliance.errors import BadInputError, CaretierError
from services.consult.messages import MAX_QUESTION_CHARS, Person, Triage, Urgency
from services.consult.triage import Triager

app = typer.Typer(add_completion=False)

_COLOURS = {Urgency.EMERGENCY: "bold red", Urgency.URGENT: "yellow", Urgency.ROUTINE: "green"}
_WORDS = {
    "en": {
        Urgency.EMERGENCY: "EMERGENCY",
        Urgency.URGENT: "SEE SOMEONE TODAY",
        Urgency.ROUTINE: "No red flag found. This is not a diagnosis: if it gets worse, ask again.",
    },
    "es": {
        Urgency.EMERGENCY: "EMERGENCIA",
        Urgency.URGENT: "CONSULTE HOY",
        Urgency.ROUTINE: (
            "Ninguna señal de alarma. No es un diagnóstico: si empeora, pregunte de nuevo."
        ),
    },
}


@app.command()
def triage(  # noqa: PLR0917 - Typer calls it by name
    text: Annotated[
        str | None,
        typer.Argument(help="The message; - or nothing: standard input. With --jsonl a file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the triage object.")] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Read {"id", "text", …} lines, print one object each.')
    ] = False,
    country: Annotated[str, typer.Option(help="ISO 3166 code, for telephone numbers.")] = "US",
    language: Annotated[str, typer.Option(help="en or es.")] = "en",
    age: Annotated[int | None, typer.Option(help="Age in years.")] = None,
    sex: Annotated[str | None, typer.Option(help="female or male.")] = None,
    pregnant: Annotated[bool, typer.Option("--pregnant", help="The person is pregnant.")] = False,
) -> None:
    """Say whether a message needs an emergency call, a visit today, or neither."""
    try:
        person = _person(
            {
                "country": country,
                "language": language,
                "age_years": age,
                "sex": sex,
                "pregnant": pregnant or None,
            }
        )
        rules = Triager.load()
        if jsonl:
            lines: Iterable[str] = sys.stdin if text in (None, "-") else _lines(Path(text or ""))
            if not _each_line(lines, rules, person):
                raise typer.Exit(BadInputError.exit_code)
            return
        result = rules.assess(_checked(sys.stdin.read() if text in (None, "-") else text), person)
    except CaretierError as error:
        typer.echo(f"{error.message} {error.advice}", err=True)
        raise typer.Exit(error.exit_code) from error
    if as_json:
        typer.echo(json.dumps(result.model_dump(mode="json"), ensure_ascii=False))
    else:
        _show(result, person)


def _person(fields: dict[str, Any]) -> Person:
    """Check what is known of the person.

    Raises:
        BadInputError: naming the field, never its value.
    """
    try:
        return Person.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInputError(f"{place}: {first['msg']}.") from error


def _checked(text: object) -> str:
    """Return a message that can be triaged.

    Raises:
        BadInputError: there is no text, or too much.
    """
    if not isinstance(text, str) or not text.strip():
        raise BadInputError("There is no text.")
    if len(text) > MAX_QUESTION_CHARS:
        raise BadInputError(f"The text is longer than {MAX_QUESTION_CHARS} characters.")
    return text


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError("The file cannot be read as UTF-8 text.") from error


def _each_line(lines: Iterable[str], rules: Triager, person: Person) -> bool:
    """Answer each line with one line; return whether all could be used."""
    good = True
    for line in lines:
        if not line.strip():
            continue
        identifier: Any = None
        try:
            identifier, text, known = _parse(line, person)
            answer = {"id": identifier, **rules.assess(text, known).model_dump(mode="json")}
        except _LineError as error:
            good = False
            answer = {"id": error.identifier, "error": error.problem}
        typer.echo(json.dumps(answer, ensure_ascii=False))
    return good


class _LineError(Exception):
    """One line cannot be used; carries its id and an RFC 9457-shaped problem."""

    def __init__(self, identifier: Any, detail: str) -> None:
        super().__init__(detail)
        self.identifier = identifier
        self.problem = {
            "type": f"urn:caretier:problem:{BadInputError.kind}",
            "title": "The line cannot be used",
            "detail": detail,
        }


def _parse(line: str, person: Person) -> tuple[Any, str, Person]:
    """Read one line; ``age`` and the fields of a person are taken, others left alone.

    Raises:
        _LineError: the line is not a JSON object, or a field is wrong.
    """
    try:
        loaded = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _LineError(None, "The line is not JSON.") from error
    if not isinstance(loaded, dict):
        raise _LineError(None, "The line is not a JSON object.")
    identifier = loaded.get("id")
    known = person.model_dump()
    if "age" in loaded:
        known["age_years"] = loaded["age"]
    known |= {name: loaded[name] for name in known if name in loaded}
    try:
        return identifier, _checked(loaded.get("text")), _person(known)
    except BadInputError as error:
        raise _LineError(identifier, error.message) from error


def _show(result: Triage, person: Person) -> None:
    """Print for a reader; what to do comes first."""
    console = Console()
    words = _WORDS[person.language]
    if result.advice is None:
        console.print(Text(words[result.level], style=_COLOURS[result.level]))
        return
    title = Text(words[result.level], style=_COLOURS[result.level])
    console.print(Panel(Text(result.advice), title=title, border_style=_COLOURS[result.level]))
    console.print(Text(f"{result.rule} · {result.source}", style="dim"))
