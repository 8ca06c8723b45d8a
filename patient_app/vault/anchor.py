"""The note outside the vault's folder of the newest state that this device has seen."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from compliance.sealing.encoding import canonical_json
from patient_app.vault.errors import VaultAnchorMissingError, VaultRolledBackError

ENVIRONMENT = "CARETIER_ANCHORS"
"""Environment variable that names another folder for anchors."""


def anchor_folder() -> Path:
    """Return the folder of anchors: ``CARETIER_ANCHORS``, or below the user's state folder."""
    return Path(
        os.environ.get(ENVIRONMENT) or Path(platformdirs.user_state_dir("caretier")) / "anchors"
    )


class Anchor:
    """One vault's anchor: its highest counter, with a MAC under a key that is in the vault."""

    def __init__(self, vault: str) -> None:
        self._vault = vault
        self._path = anchor_folder() / vault

    def read(self) -> bytes | None:
        """Return the anchor's bytes, unchecked, or None if there is none.

        They are read before the vault's state is: a writer in between then only makes the vault
        look newer than its anchor, which is fine.
        """
        try:
            return self._path.read_bytes()
        except OSError:
            return None

    def counter(self, data: bytes | None, key: str) -> int:
        """Return the counter that the bytes of `read` vouch for.

        Raises:
            VaultAnchorMissingError: there is none.
            VaultRolledBackError: it is damaged or not this vault's.
        """
        if data is None:
            raise VaultAnchorMissingError("This device does not know how new the vault is.")
        try:
            body = json.loads(data)
            counter, mac = body["counter"], body["mac"]
            genuine = isinstance(counter, int) and hmac.compare_digest(
                mac.encode(), self._mac(counter, key).encode()
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            genuine = False
        if not genuine:
            raise VaultRolledBackError("The note of how new the vault is cannot be trusted.")
        return int(counter)

    def advance(self, counter: int, key: str, *, force: bool = False) -> None:
        """Write the counter, if it is higher than what is there.

        Args:
            counter: of a state that is on the disk.
            key: the anchor key of the vault's state.
            force: write it whatever is there (a new or restored vault).

        Raises:
            OSError: it cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._alone():
            if not force:
                with contextlib.suppress(VaultRolledBackError):
                    if self.counter(self.read(), key) >= counter:
                        return
            self._replace(counter, key)

    def remove(self) -> None:
        """Remove the anchor of an erased vault."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        with contextlib.suppress(OSError):
            self._lock_path().unlink()

    def _replace(self, counter: int, key: str) -> None:
        body = {"vault": self._vault, "counter": counter, "mac": self._mac(counter, key)}
        draft = self._path.with_suffix(".new")
        fd = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(canonical_json(body))
            file.flush()
            os.fsync(fd)
        draft.replace(self._path)

    def _mac(self, counter: int, key: str) -> str:
        message = canonical_json(["caretier/vault/anchor", self._vault, counter])
        return hmac.digest(bytes.fromhex(key), message, hashlib.sha256).hex()

    def _lock_path(self) -> Path:
        return self._path.with_suffix(".lock")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock_path().open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
