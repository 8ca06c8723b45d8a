"""Entry point of the `caretier` command."""

from __future__ import annotations

import io
import sys
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from compliance.errors import CaretierError

ORDER = (
    "up",
    "hospital",
    "worker",
    "clinic",
    "device",
    "ask",
    "triage",
    "deidentify",
    "bricks",
    "advise",
    "experts",
    "rounds",
    "audit",
    "compliance",
    "study",
    "doctor",
    "bench",
)


class LazyGroup(TyperGroup):
    """Loads a command when it is asked for."""

    group_name = "caretier.commands"

    @cached_property
    def points(self) -> dict[str, EntryPoint]:
        """Entry points by command name."""
        return {p.name: p for p in entry_points(group=self.group_name)}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is the library's
        """Names in the order of the help page."""
        known = [n for n in ORDER if n in self.points]
        return known + sorted(set(self.points) - set(known))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the signature is the library's
        """Load one command, or None when there is none of that name."""
        point = self.points.get(cmd_name)
        if point is None:
            return None
        command = get_command(point.load())
        command.name = cmd_name
        return command


app = typer.Typer(cls=LazyGroup, add_completion=False, no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Caretier: a healthcare assistant that runs as a hierarchy of models."""


def main() -> None:
    """Run the command; errors become a sentence and an exit status, never a traceback.

    A traceback could show protected data: of what was not foreseen only kind and place are said.
    """
    _unbreakable_streams()
    try:
        app()
    except CaretierError as error:
        typer.echo(f"{error.message} {error.advice}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - whatever it is, its text stays here
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace else "?"
        kind = type(error).__name__
        typer.echo(f"Unexpected {kind} in {place}. {CaretierError.remedy}", err=True)
        sys.exit(CaretierError.exit_code)


def _unbreakable_streams() -> None:
    """Read and write UTF-8 whatever the surroundings say; bytes that are none break no batch."""
    for stream, errors in (
        (sys.stdin, "surrogateescape"),
        (sys.stdout, "replace"),
        (sys.stderr, "replace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
