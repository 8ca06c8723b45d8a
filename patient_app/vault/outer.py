"""The outer key: half of what opens a vault, kept outside the folder that is backed up.

The wrapped data key in the vault's file opens with the passphrase (or the key store's key) and the
outer key together. Erasing destroys the outer key first, so that no copy of the folder opens any
more, whatever passphrase somebody knows. To take a vault to another device the person needs the
recovery text, which is the outer key written out.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from compliance.errors import BadInputError
from patient_app.vault.anchor import anchor_folder
from patient_app.vault.errors import VaultError, VaultOuterKeyMissingError
from patient_app.vault.kdf import KEY_BYTES

CHECK_BYTES = 3
GROUP = 5


class OuterKey:
    """The outer key of one vault, a file beside its anchor.

    Args:
        vault: id of the vault.
    """

    def __init__(self, vault: str) -> None:
        self._path: Path = anchor_folder() / f"{vault}.key"

    def create(self) -> bytes:
        """Make and keep a fresh key.

        Raises:
            VaultError: it cannot be written.
        """
        key = secrets.token_bytes(KEY_BYTES)
        self.keep(key)
        return key

    def keep(self, key: bytes) -> None:
        """Keep a key that is whole on the disk before its name points to it.

        Raises:
            VaultError: it cannot be written.
        """
        draft = self._path.with_suffix(".key-new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(descriptor)
            draft.replace(self._path)
        except OSError:
            raise VaultError("This device cannot keep the vault's outer key.") from None

    def read(self) -> bytes:
        """Return the key.

        Raises:
            VaultOuterKeyMissingError: it is not on this device, or not whole.
        """
        try:
            key = self._path.read_bytes()
        except OSError:
            key = b""
        if len(key) != KEY_BYTES:
            raise VaultOuterKeyMissingError("The outer key of this vault is not on this device.")
        return key

    def destroy(self) -> None:
        """Overwrite and remove the key; one that is not there is no error.

        Raises:
            VaultError: it is still there.
        """
        try:
            with self._path.open("r+b") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            self._path.unlink()
        except FileNotFoundError:
            return
        except OSError:
            raise VaultError("The vault's outer key could not be destroyed.") from None
        finally:
            with contextlib.suppress(OSError):
                self._path.with_suffix(".key-new").unlink()


def to_recovery(key: bytes) -> str:
    """Write a key out for paper: base32 in groups, with three bytes that show a slip."""
    text = base64.b32encode(key + _check(key)).decode()
    return "-".join(text[at : at + GROUP] for at in range(0, len(text), GROUP))


def from_recovery(text: str) -> bytes:
    """Read what `to_recovery` wrote; case, spaces and hyphens do not matter.

    Raises:
        BadInputError: it is not a recovery text, or was mistyped.
    """
    plain = "".join(text.upper().replace("-", " ").split())
    try:
        raw = base64.b32decode(plain.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    key, check = raw[:KEY_BYTES], raw[KEY_BYTES:]
    if len(key) != KEY_BYTES or check != _check(key):
        raise BadInputError(
            "The recovery text was mistyped.",
            remedy="Compare it with your paper, letter by letter.",
        )
    return key


def _check(key: bytes) -> bytes:
    return hashlib.sha256(b"caretier/vault/recovery" + key).digest()[:CHECK_BYTES]
