"""What the commands of learning print."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import typer


def printed(held: Any, as_json: bool, rendered: Callable[[], Any]) -> None:
    """Print JSON, or what is rendered for people.

    Args:
        held: what there is to say, as JSON has it.
        as_json: whether a program reads it.
        rendered: makes a table or text of it, where it is not.
    """
    if as_json:
        typer.echo(json.dumps(held, indent=2))
        return
    from rich.console import Console

    Console().print(rendered())
