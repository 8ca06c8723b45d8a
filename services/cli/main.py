"""Entry point of the `caretier` command."""

from __future__ import annotations

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
    "audit",
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
    """Run the command; our own errors become a sentence and their exit status."""
    try:
        app()
    except CaretierError as error:
        typer.echo(f"{error.message} {error.advice}", err=True)
        sys.exit(error.exit_code)
