"""`caretier rounds`."""

from __future__ import annotations

import typer

app = typer.Typer(add_completion=False)


@app.callback()
def _root() -> None:
    """Not there yet."""
