"""`caretier bench robustness` and `caretier bench aggregation`."""

from __future__ import annotations

import typer

robustness_app = typer.Typer(add_completion=False)
aggregation_app = typer.Typer(add_completion=False)


@robustness_app.callback()
def _robustness() -> None:
    """Not there yet."""


@aggregation_app.callback()
def _aggregation() -> None:
    """Not there yet."""
