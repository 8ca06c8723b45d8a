"""`caretier experts`: list, push, pop and explain, asked of a hospital that runs.

The hospital is named by CARETIER_URL, the key by CARETIER_KEY (scope ``operator``; `caretier
hospital key NAME operator` makes one). A key is not taken from the command line, where every user
of the machine could read it.
"""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.experts.errors import HospitalAwayError, HospitalRefusedError

app = typer.Typer(add_completion=False, no_args_is_help=True)
HERE = "http://127.0.0.1:8000"
SECONDS = 180.0
"""A pop waits for the last request, and a push for the engine."""
_AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object.")]


@app.callback()
def _root() -> None:
    """Experts of a running hospital: which are pushed, push, pop, and how the gate chooses."""


@app.command(name="list")
def list_(as_json: _AsJson = False) -> None:
    """Every expert that is pushed, and why one is not in place."""
    found = _call("GET", "/v1/experts")
    if as_json:
        typer.echo(json.dumps(found))
        return
    if not found["experts"]:
        typer.echo("No expert is pushed. `caretier experts push BRICK` pushes one.")
        return
    table = Table("expert", "brick", "domain", "title", "state")
    for one in found["experts"]:
        domain = " / ".join(filter(None, [one["domain"], one["sub_domain"]]))
        state = "[green]in place[/]" if one["ready"] else f"[red]away[/]: {escape(one['trouble'])}"
        table.add_row(one["id"], one["brick"], domain, escape(one["title"]), state)
    Console().print(table)


@app.command()
def push(
    brick: Annotated[str, typer.Argument(help="id@version, or an id for its highest version.")],
    as_json: _AsJson = False,
) -> None:
    """Push an adapter of the hospital's store; requests that run go on with what they have."""
    name = brick.partition("@")[0]
    body = {"brick": brick} if "@" in brick else {}
    with Console(stderr=True).status(escape(f"Pushing {brick} …")):
        done = _call("PUT", f"/v1/experts/{name}", body)
    typer.echo(json.dumps(done) if as_json else f"{done['brick']} answers as model {done['id']}.")


@app.command()
def pop(
    expert: Annotated[str, typer.Argument(help="Name of the expert.")], as_json: _AsJson = False
) -> None:
    """Take an expert away; waits for requests that still use it."""
    with Console(stderr=True).status(escape(f"Waiting for the last request to {expert} …")):
        done = _call("DELETE", f"/v1/experts/{expert}")
    typer.echo(json.dumps(done) if as_json else f"{done['brick']} answers no more.")


@app.command()
def explain(
    question: Annotated[str, typer.Argument(help="A question; nothing answers it.")],
    as_json: _AsJson = False,
) -> None:
    """Which expert the gate would choose for each part of a question, and why."""
    found = _call("POST", "/v1/gate/explain", {"text": question})
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = Table("part", "expert", "decided by", "domains, best first", "lead")
    for part in found["parts"]:
        lead = "" if part["lead"] is None else f"{part['lead']:.3f} (needs {part['threshold']:g})"
        expert = part["expert"] or "[yellow]nobody[/]"
        scores = "\n".join(map(_score, part["scores"]))
        table.add_row(escape(part["text"]), expert, part["by"], scores, lead)
    Console().print(table)


def _score(score: dict[str, Any]) -> str:
    why = ", ".join(score["terms"]) if score["terms"] else f"{score['cosine']:.3f}"
    return f"{score['domain']}: {why}"


def _call(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the hospital.

    Raises:
        HospitalAwayError: it gives no answer.
        HospitalRefusedError: it refuses; the message is its own.
    """
    key = os.environ.get("CARETIER_KEY", "")
    if not key:
        raise HospitalRefusedError("CARETIER_KEY holds no key.")
    address = os.environ.get("CARETIER_URL", HERE).rstrip("/")
    try:
        with httpx.Client(trust_env=False, timeout=SECONDS) as client:
            answer = client.request(
                method, f"{address}{path}", json=body, headers={"authorization": f"Bearer {key}"}
            )
        found = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise HospitalAwayError(f"{address} gives no answer.") from error
    except ValueError:
        raise HospitalAwayError(f"{address} does not answer as a hospital.") from None
    if not isinstance(found, dict):
        raise HospitalAwayError(f"{address} does not answer as a hospital.")
    if answer.is_success:
        return found
    detail = str(found.get("detail") or found.get("title"))
    raise HospitalRefusedError(detail, remedy=found.get("remedy"))
