"""Commands of `caretier bricks` that belong to this package."""

from __future__ import annotations

import typer

app = typer.Typer(add_completion=False)
