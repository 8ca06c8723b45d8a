"""Commands of `caretier bricks` that bring bricks to a node and say which are in use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compliance.errors import BadInputError
from services.bricks.repository.options import DATA, DataOption, JsonOption

if TYPE_CHECKING:
    from services.bricks.updater.download import Progress
    from services.bricks.updater.updater import Pulled, Updater

app = typer.Typer(add_completion=False)
FromOption = Annotated[
    Path | None,
    typer.Option(
        "--from",
        exists=True,
        file_okay=False,
        help="Folder of a repository, or of a copy that was carried here; else the node's own.",
    ),
]
RootOption = Annotated[
    Path | None,
    typer.Option(
        "--root",
        exists=True,
        dir_okay=False,
        help="Root to trust at the first time; an enrolled node trusts its hospital's already.",
    ),
]
Ref = Annotated[str, typer.Argument(metavar="BRICK@VERSION", help="Like heart-style@2.")]


@app.command()
def pull(
    bricks: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BRICK…]", help="heart-style, or heart-style@2. None: list them."),
    ] = None,
    *,
    data: DataOption = DATA,
    source: FromOption = None,
    root: RootOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Bring everything of this tier up to date.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would move.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch bricks out of a folder and put them in use, or list what there is.

    Over the network: `caretier clinic pull` and `caretier device pull`.
    """
    from services.bricks.updater.show import progress_of_files, show_offered, show_pulled

    with progress_of_files() as progress:
        updater = _updater(data, source, root, progress)
        if everything and not dry_run:
            done = _told(updater, lambda: updater.update(_tier(data), ("en", "es")))
        elif bricks and dry_run:
            done = [updater.foresee(brick) for brick in bricks]
        elif bricks:
            done = [_pulled(updater, brick) for brick in bricks]
        else:
            show_offered(updater, updater.check(), as_json=as_json)
            return
    show_pulled(done, dry_run=dry_run, as_json=as_json)


@app.command()
def pin(
    brick: Annotated[str, typer.Argument(metavar="BRICK[@VERSION]", help="Like heart-style@2.")],
    data: DataOption = DATA,
    off: Annotated[bool, typer.Option("--off", help="Take the pin off.")] = False,
) -> None:
    """Keep a brick at a version whatever comes; what is taken back goes out of use all the same."""
    from services.bricks.manifest import split_ref
    from services.bricks.updater.installed import Installed

    installed = Installed(data / "bricks")
    if off:
        name = brick.partition("@")[0]
        installed.pin(name, None)
        typer.echo(f"{name} follows the repository again.")
        return
    active = installed.active().get(brick)
    if active is None and "@" not in brick:
        raise BadInputError(f"No version of {brick} is in use here.", remedy="Name it, like ID@2.")
    ref = brick if active is None else f"{brick}@{active}"
    name, version = split_ref(ref)
    installed.pin(name, version)
    here = installed.active().get(name) == version
    later = f"will stay once `caretier bricks pull {ref}` has put it in use"
    typer.echo(f"{ref} stays." if here else f"{ref} {later}.")


@app.command()
def rollback(
    brick: Annotated[str, typer.Argument(metavar="BRICK[@VERSION]", help="Like heart-style@2.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept and shown.")],
    data: DataOption = DATA,
    source: FromOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a lower version in use, the last good one when none is named; the present one stays away.

    A version that is not here any more is fetched. REASON must not name a patient.
    """
    from services.bricks.errors import BrickUnknownError
    from services.bricks.updater.installed import Installed
    from services.bricks.updater.show import progress_of_files, show_pulled

    ref = brick
    if "@" not in brick:
        good = Installed(data / "bricks").state().good(brick)
        if good is None:
            raise BrickUnknownError(
                f"There is no last good version of {brick}.", remedy="Name one, like ID@2."
            )
        ref = f"{brick}@{good}"
    with progress_of_files() as progress:
        updater = _updater(data, source, None, progress, needed=False)
        done = _told(updater, lambda: [updater.roll_back(ref, reason)], ref)
    show_pulled(done, as_json=as_json)


@app.command()
def drop(
    brick: Annotated[str, typer.Argument(metavar="BRICK", help="Like heart-style.")],
    data: DataOption = DATA,
) -> None:
    """Take a brick out of use until it is pulled again; its files stay until `remove`."""
    from services.bricks.errors import BrickUnknownError
    from services.bricks.updater.installed import Installed

    installed = Installed(data / "bricks")
    if brick not in installed.active():
        raise BrickUnknownError(f"No version of {brick} is in use here.")
    installed.drop(brick)
    typer.echo(f"{brick} is not used any more.")


@app.command()
def installed(data: DataOption = DATA, as_json: JsonOption = False) -> None:
    """Show which version of each brick is in use, which comes back, and what updates did last."""
    from services.bricks.store import BrickStore
    from services.bricks.updater.installed import Installed
    from services.bricks.updater.ledger import Updates
    from services.bricks.updater.show import show_installed, show_updates

    folder = data / "bricks"
    sizes = {manifest.ref: manifest.size for manifest in BrickStore(folder).manifests()}
    show_installed(Installed(folder).state(), sizes, as_json=as_json)
    if not as_json:
        show_updates(Updates.of(folder))


def _pulled(updater: Updater, wanted: str) -> Pulled:
    return _told(updater, lambda: [updater.pull(wanted)], wanted)[0]


def _told(
    updater: Updater, change: Callable[[], list[Pulled]], wanted: str | None = None
) -> list[Pulled]:
    """Make a change, and write into the ledger of the node what it came to."""
    from services.bricks.updater.ledger import Ledger

    brick = wanted.partition("@")[0] if wanted else None
    with Ledger(updater.folder).step("update", updater.installed, brick=brick) as step:
        done = change()
        step.done(done, updater.failed)
        return done


def _updater(
    data: Path,
    source: Path | None,
    root: Path | None,
    progress: Progress,
    *,
    needed: bool = True,
) -> Updater:
    """An updater out of a folder: the one that was named, the hospital's own, the clinic's copy.

    Raises:
        BadInputError: none was named, the node has none, and it is needed.
    """
    from services.bricks.repository import REPOSITORY
    from services.bricks.updater.own import own_updater
    from services.bricks.updater.source import FolderSource
    from services.bricks.updater.updater import Updater

    own, copy = data / REPOSITORY, data / "mirror"
    if source is None and (own.is_dir() or not (needed or copy.is_dir())):
        return own_updater(data, progress)
    place = source or copy
    if not (place / "metadata").is_dir():
        raise BadInputError(
            f"{place} is no repository to pull out of.",
            remedy="Name one with --from FOLDER; a clinic or device asks the tier above with"
            " `caretier clinic pull` or `caretier device pull`.",
        )
    made = Updater(data / "bricks", FolderSource(place), progress=progress, tidy=not own.is_dir())
    if root is not None:
        made.client.trust(root.read_bytes())
    elif source is None and not made.client.trusts:
        kept = copy / "trust" / "root.json"
        if not kept.is_file():
            raise BadInputError(
                f"{copy} has no root that was vouched for.",
                remedy="Make the copy anew (`caretier clinic pull`), or name a root with --root.",
            )
        made.client.trust(kept.read_bytes())
    return made


def _tier(data: Path) -> str:
    from services.bricks.updater.updater import LEVELS

    return data.name if data.name in LEVELS else "hospital"
