"""The keys that are at hand: those of the folders that were given, found by their ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from securesystemslib.signer import CryptoSigner

from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.key_files import SUFFIX, KeyFile

PIN = "root.json"
"""Beside the keys that people hold: the first root of the repository that they are for."""
Ask = Callable[[str], str]
"""Returns the passphrase of the key with this label."""


def nobody(label: str) -> str:
    """Nobody is there to be asked.

    Raises:
        RepositoryKeyError: always.
    """
    raise RepositoryKeyError(f"The key {label} needs its passphrase.")


class KeyRing:
    """Keys of some folders; each is opened once, when it first signs.

    Args:
        folders: that hold ``*.signing-key`` files; one that is not there (a stick that is not
            plugged in) holds none.
        ask: for a passphrase.
    """

    def __init__(self, folders: Sequence[Path], ask: Ask = nobody) -> None:
        self.folders, self.ask = tuple(folders), ask
        self._opened: dict[str, CryptoSigner] = {}
        self._made: dict[str, KeyFile] = {}

    def files(self) -> dict[str, KeyFile]:
        """All keys at hand now, by their ids."""
        paths = (path for folder in self.folders for path in sorted(folder.glob(f"*{SUFFIX}")))
        return self._made | {key.keyid: key for key in map(KeyFile.read, paths)}

    def hold(self, key: KeyFile, signer: CryptoSigner) -> None:
        """Take a key that was just made, open as it is."""
        self._made[key.keyid], self._opened[key.keyid] = key, signer

    def pins(self) -> tuple[bytes, ...]:
        """The roots that lie beside the keys; a repository has to descend from each."""
        paths = (folder / PIN for folder in self.folders)
        return tuple(path.read_bytes() for path in paths if path.is_file())

    def has(self, keyids: Collection[str], threshold: int) -> bool:
        """Whether enough of these keys are at hand; none is opened."""
        return len(self.files().keys() & set(keyids)) >= threshold

    def signers(self, keyids: Collection[str]) -> list[CryptoSigner]:
        """Those of these keys that are at hand.

        Raises:
            RepositoryKeyError: one does not open.
        """
        files = self.files()
        return [self._open(files[keyid]) for keyid in sorted(keyids) if keyid in files]

    def _open(self, key: KeyFile) -> CryptoSigner:
        if key.keyid not in self._opened:
            passphrase = self.ask(key.label) if key.protected else None
            self._opened[key.keyid] = key.signer(passphrase)
        return self._opened[key.keyid]
