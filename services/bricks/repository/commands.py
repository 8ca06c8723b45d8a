"""Commands of `caretier bricks` for the bricks of a node, and for publishing them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from services.bricks.repository.options import (
    DATA,
    DataOption,
    JsonOption,
    KeysOption,
    PassphraseOption,
    ProposeOption,
)
from services.bricks.repository.repository_commands import app as repository_app

app = typer.Typer(add_completion=False)
app.add_typer(repository_app, name="repository")

Refs = Annotated[list[str], typer.Argument(metavar="BRICK…", help="Like heart-style@2.")]


@app.command()
def show(
    ref: Annotated[str, typer.Argument(metavar="BRICK", help="heart-style@2, or the latest.")],
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Show everything that a brick says of itself."""
    from services.bricks.repository.options import store_of
    from services.bricks.repository.show import show_brick

    store = store_of(data)
    manifest = store.get(ref) if "@" in ref else store.latest(ref)
    if as_json:
        typer.echo(manifest.canonical().decode())
    else:
        show_brick(manifest)


@app.command()
def verify(
    refs: Annotated[
        list[str] | None, typer.Argument(metavar="BRICK…", help="All when none is named.")
    ] = None,
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Read every file of bricks through its digest. Exit code 20 when one is damaged."""
    _verify(data, refs or [], as_json=as_json)


def _verify(data: Path, refs: list[str], *, as_json: bool) -> None:
    from services.bricks.errors import BrickDamagedError
    from services.bricks.repository.options import store_of
    from services.bricks.show import progress_bar

    store = store_of(data)
    chosen = refs or store.refs()
    found: dict[str, str | None] = {}
    with progress_bar(len(chosen)) as progress:
        for ref in chosen:
            found[ref] = None
            try:
                store.verify(ref)
            except BrickDamagedError as error:
                found[ref] = f"{error.message} {error.advice}"
            progress(Path(ref), 1)
    damaged = {ref: said for ref, said in found.items() if said is not None}
    if as_json:
        typer.echo(json.dumps({"verified": len(found) - len(damaged), "damaged": damaged}))
    else:
        for said in damaged.values():
            typer.echo(said, err=True)
        typer.echo(f"{len(found) - len(damaged)} of {len(found)} bricks are whole.")
    if damaged:
        raise typer.Exit(BrickDamagedError.exit_code)


@app.command()
def remove(
    refs: Refs,
    *,
    data: DataOption = DATA,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete bricks of a node and the files that no other one needs; what is in use stays."""
    from services.bricks.repository.options import store_of
    from services.bricks.repository.removal import remove_all
    from services.bricks.sizes import said_bytes

    freed = remove_all(store_of(data), refs, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps({"removed": [] if dry_run else refs, "bytes": freed}))
    else:
        said = "Would free" if dry_run else "Freed"
        typer.echo(f"{said} {said_bytes(freed)}.")


@app.command()
def publish(
    refs: Refs,
    *,
    data: DataOption = DATA,
    keys: KeysOption = None,
    passphrase: PassphraseOption = None,
    propose: ProposeOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what nodes would have to fetch.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Sign bricks of the data folder and publish them in its repository, all or none."""
    _publish(data, refs, keys, passphrase, propose, dry_run=dry_run, as_json=as_json)


def _publish(
    data: Path,
    refs: list[str],
    folders: list[Path] | None,
    passphrase: Path | None,
    propose: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    from services.bricks.repository.options import repository_of, ring_of, store_of
    from services.bricks.repository.publish import preview, publish_all
    from services.bricks.repository.show import show_moved

    repository, store = repository_of(data, propose), store_of(data)
    if dry_run:
        done = preview(repository, store, refs)
    else:
        done = publish_all(repository, store, ring_of(data, folders, passphrase), refs)
    if as_json:
        typer.echo(json.dumps({"published": [asdict(one) for one in done]}))
        return
    said = "would be published" if dry_run else "is proposed" if propose else "is published"
    for one in done:
        typer.echo(f"{one.ref} {said} as {one.path}.")
        show_moved(one.moved)
