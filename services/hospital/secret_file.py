"""Keys in files beside the database, so that a copy of the database alone opens nothing."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from compliance.sealing.encoding import from_text, to_text
from services.hospital.errors import UnreadableError

KEY_BYTES = 32
NONCE_BYTES = 12


class TextKey:
    """Seals short texts with AES-256-GCM, each to where it stands.

    Args:
        key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, text: str, place: str) -> str:
        """Encrypt; ``place`` (table, row, column) is bound to it."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return to_text(nonce + self._cipher.encrypt(nonce, text.encode(), place.encode()))

    def open(self, sealed: str, place: str) -> str:
        """Decrypt.

        Raises:
            UnreadableError: it was sealed with another key, to another place, or changed.
        """
        try:
            raw = from_text(sealed)
            plain = self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode())
            return plain.decode()
        except (InvalidTag, ValueError):
            raise UnreadableError("A text cannot be opened with its key.") from None


def load_or_create(path: Path) -> bytes:
    """The key in a file, made on first use (mode 0600); of two makers at once one counts.

    Raises:
        UnreadableError: the file does not hold a key.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    if not path.exists():
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise UnreadableError("A key file is damaged.")
    return key
