"""The keys that a hospital's machine signs releases with."""

from __future__ import annotations

from pathlib import Path

from services.bricks.repository import ONLINE_KEYS
from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.key_ring import Ask, KeyRing, nobody
from services.bricks.repository.options import MAX_PASSPHRASE_FILE, PUBLISHER_KEYS


def signer_of(data: Path, passphrase: Path | None = None) -> KeyRing:
    """The keys in a hospital's data folder; nobody is asked for a passphrase.

    A key without one signs by itself; a sealed one opens with the passphrase of the file. Each
    call looks anew, so that keys which were brought since count.

    Args:
        data: folder of the hospital's state.
        passphrase: file with the passphrase, None where no key needs one.
    """
    ask = nobody if passphrase is None else _from_file(passphrase)
    return KeyRing([data / ONLINE_KEYS, data / PUBLISHER_KEYS], ask)


def _from_file(path: Path) -> Ask:
    def ask(label: str) -> str:
        try:
            with path.open(encoding="utf-8") as stream:
                return stream.read(MAX_PASSPHRASE_FILE).rstrip("\r\n")
        except (OSError, ValueError):
            raise RepositoryKeyError(
                f"The passphrase of {label} cannot be read from {path}."
            ) from None

    return ask
