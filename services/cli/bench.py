"""`caretier bench`: measurements; each package brings its own (group ``caretier.benches``)."""

from __future__ import annotations

import typer

from services.cli.main import LazyGroup


class _Benches(LazyGroup):
    group_name = "caretier.benches"


app = typer.Typer(cls=_Benches, add_completion=False, no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Measure this installation and print the figures with the machine."""
