"""`caretier bricks repository channels`: who is offered which version, and whose key says so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.bricks.repository.options import (
    DATA,
    DataOption,
    JsonOption,
    KeysOption,
    PassphraseOption,
)

if TYPE_CHECKING:
    from services.bricks.channels import Channels


def channels(
    *,
    data: DataOption = DATA,
    make: Annotated[
        bool, typer.Option("--make", help="Make the role and its key; targets' key signs that.")
    ] = False,
    keys: KeysOption = None,
    passphrase: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which version of a brick is for all, on its way, or withdrawn; --make it so."""
    from services.bricks.repository.channels import channels_of
    from services.bricks.repository.options import repository_of

    repository = repository_of(data)
    if make:
        _make(data, keys, passphrase)
    _show(channels_of(repository), as_json=as_json)


def _make(data: Path, keys: list[Path] | None, passphrase: Path | None) -> None:
    from services.bricks.repository import ONLINE_KEYS
    from services.bricks.repository.channels import open_channels
    from services.bricks.repository.key_maker import KeyMaker
    from services.bricks.repository.key_ring import nobody
    from services.bricks.repository.options import repository_of, ring_of

    ring = ring_of(data, keys, passphrase)
    open_channels(repository_of(data), KeyMaker(nobody), ring, data / ONLINE_KEYS)
    typer.echo("This machine signs from now on who is offered which version.", err=True)


def _show(held: Channels, *, as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from services.bricks.channels import FARTHEST

    if as_json:
        typer.echo(held.canonical().decode())
        return
    table = Table("brick", "for all", "on its way", "withdrawn")
    for brick, line in sorted(held.bricks.items()):
        coming = "" if line.next is None else str(line.next.version)
        if line.next is not None and line.next.reach != FARTHEST:
            coming += " (to nobody yet)" if line.next.reach is None else " (by turns)"
        gone = ", ".join(str(version) for version in sorted(line.withdrawn))
        table.add_row(brick, str(line.settled or ""), coming, gone)
    Console().print(table)
