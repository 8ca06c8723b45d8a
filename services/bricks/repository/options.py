"""Options that the commands of bricks share, and what they stand for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from compliance.errors import BadInputError
from services.bricks.manifest import BrickId, Level
from services.bricks.repository import ONLINE_KEYS, REPOSITORY
from services.bricks.repository.key_ring import Ask, KeyRing, nobody
from services.bricks.repository.repository import Repository
from services.bricks.store import BrickStore

DATA = Path("var/hospital")
"""Folder of the hospital's state where none is named."""
PUBLISHER_KEYS = "publisher-keys"
"""Folder of the sealed keys that sign bricks, below the data folder, unless another is given."""
MAX_PASSPHRASE_FILE = 4096
"""Bytes of a file that holds a passphrase."""
_LEVEL: TypeAdapter[Level] = TypeAdapter(Level)
_DOMAIN: TypeAdapter[str] = TypeAdapter(BrickId)

DataOption = Annotated[
    Path,
    typer.Option("--data", file_okay=False, help="The node's data folder, like var/clinic."),
]
KeysOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--keys", file_okay=False, help="Folder with keys, besides those of the data folder; again."
    ),
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        envvar="CARETIER_REPOSITORY_PASSPHRASE_FILE",
        help="File with the keys' passphrase; asked for when unset.",
    ),
]
ProposeOption = Annotated[
    Path | None,
    typer.Option(
        "--propose", file_okay=False, help="Publish nothing yet: write it here for more to sign."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a JSON object.")]


def store_of(data: Path) -> BrickStore:
    """The bricks of a node."""
    return BrickStore(data / "bricks")


def repository_of(data: Path, propose: Path | None = None) -> Repository:
    """The repository of a hospital; what is done to it is proposed in a folder, if one is given."""
    return Repository(data / REPOSITORY, proposals=propose)


def ring_of(data: Path, folders: list[Path] | None, passphrase: Path | None) -> KeyRing:
    """The keys at hand: of the data folder, and of the folders that were named.

    Raises:
        BadInputError: a folder that was named is not there, or the passphrase cannot be read.
    """
    for folder in folders or ():
        if not folder.is_dir():
            raise BadInputError(f"There is no folder {folder}.")
    usual = (data / ONLINE_KEYS, data / PUBLISHER_KEYS)
    return KeyRing([*usual, *(folders or ())], _asking(passphrase))


def delegable(level: str, domain: str) -> tuple[Level, str]:
    """A level and domain as people write them.

    Raises:
        BadInputError: there is no such level, or a domain is not written so.
    """
    try:
        return _LEVEL.validate_python(level), _DOMAIN.validate_python(domain)
    except ValidationError:
        raise BadInputError(
            f"{level} {domain} cannot be delegated: a level is device, clinic or hospital, a "
            "domain is written in small letters, digits and hyphens."
        ) from None


def ask_new(passphrase: Path | None) -> Ask:
    """Asks for the passphrases of new keys, twice; or takes that of a file."""
    if passphrase is not None:
        return _from_file(passphrase)
    return lambda which: str(
        typer.prompt(
            f"New passphrase for {which}", hide_input=True, confirmation_prompt=True, err=True
        )
    )


def _asking(passphrase: Path | None) -> Ask:
    if passphrase is not None:
        return _from_file(passphrase)
    if not sys.stdin.isatty():
        return nobody
    return lambda label: str(typer.prompt(f"Passphrase of {label}", hide_input=True, err=True))


def _from_file(path: Path) -> Ask:
    try:
        with path.open(encoding="utf-8") as stream:
            held = stream.read(MAX_PASSPHRASE_FILE).rstrip("\r\n")
    except (OSError, ValueError):
        raise BadInputError(f"The passphrase cannot be read from {path}.") from None
    return lambda _which: held
