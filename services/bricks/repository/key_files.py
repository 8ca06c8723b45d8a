"""Signing keys in files: Ed25519, behind a passphrase or for the machine alone.

A key that people hold (root, targets, a delegation) is sealed with a passphrase: Argon2id, then
AES-256-GCM bound to role and key. A key that the hospital's machine uses by itself (snapshot,
timestamp) has none; its file is for its owner alone, and is not used when others may read it.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from securesystemslib.signer import CryptoSigner

from compliance.audit.files import sync_folder
from services.bricks.repository.errors import RepositoryKeyError

SUFFIX = ".signing-key"
"""Of the file of a private key."""
MIN_PASSPHRASE = 12
"""Characters of a new passphrase."""
_KEY_BYTES, _SALT_BYTES, _NONCE_BYTES = 32, 16, 12
_MAX_FILE = 4096

Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2,256}$")]
"""Bytes in hexadecimal digits."""


class Cost(BaseModel):
    """Work of Argon2id: passes, memory in KiB, lanes (RFC 9106, second recommendation)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passes: int = Field(default=3, ge=1, le=16)
    memory: int = Field(default=64 * 1024, ge=8, le=1024 * 1024)
    lanes: int = Field(default=4, ge=1, le=16)

    def derive(self, passphrase: str, salt: bytes) -> AESGCM:
        """The cipher that a passphrase stands for."""
        key = hash_secret_raw(
            passphrase.encode(),
            salt,
            time_cost=self.passes,
            memory_cost=self.memory,
            parallelism=self.lanes,
            hash_len=_KEY_BYTES,
            type=Type.ID,
        )
        return AESGCM(key)


class _Sealed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    cost: Cost
    salt: Hex
    nonce: Hex
    key: Hex


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["caretier-signing-key/1"] = "caretier-signing-key/1"
    role: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    keyid: str = Field(pattern=r"^[0-9a-f]{64}$")
    private: Hex | None = None
    sealed: _Sealed | None = None


@dataclass(frozen=True)
class KeyFile:
    """A key at hand; its private part is read only when it signs."""

    path: Path
    role: str
    keyid: str
    protected: bool

    @property
    def label(self) -> str:
        """What people know it by: role and the beginning of its id."""
        return f"{self.role}-{self.keyid[:8]}"

    @classmethod
    def read(cls, path: Path) -> KeyFile:
        """Look at a key file.

        Raises:
            RepositoryKeyError: it is none.
        """
        content = _read(path)
        return cls(path, content.role, content.keyid, content.sealed is not None)

    def signer(self, passphrase: str | None) -> CryptoSigner:
        """Open the key.

        Raises:
            RepositoryKeyError: the passphrase is wrong, the file is damaged, or others may read it.
        """
        content = _read(self.path)
        try:
            signer = CryptoSigner(_from_raw(self._raw(content, passphrase)))
        except (InvalidTag, ValueError):
            raise RepositoryKeyError(f"The key {self.label} does not open.") from None
        if signer.public_key.keyid != self.keyid:
            raise RepositoryKeyError(f"The key {self.label} is not the one it says it is.")
        return signer

    def _raw(self, content: _Content, passphrase: str | None) -> bytes:
        sealed = content.sealed
        if sealed is not None:
            cipher = sealed.cost.derive(passphrase or "", bytes.fromhex(sealed.salt))
            nonce, key = bytes.fromhex(sealed.nonce), bytes.fromhex(sealed.key)
            return cipher.decrypt(nonce, key, _bound(content.role, content.keyid))
        if self.path.stat().st_mode & 0o077:
            raise RepositoryKeyError(
                f"Others may read the key {self.label}.", remedy=f"chmod 600 {self.path}"
            )
        return bytes.fromhex(content.private or "")


def make_key(
    folder: Path, role: str, passphrase: str | None, cost: Cost | None = None
) -> tuple[KeyFile, CryptoSigner]:
    """Make a new key in a folder (mode 0600), sealed unless there is no passphrase.

    Raises:
        RepositoryKeyError: the passphrase is too short, or the folder cannot be written to.
    """
    if passphrase is not None and len(passphrase) < MIN_PASSPHRASE:
        raise RepositoryKeyError(
            f"A passphrase has to have at least {MIN_PASSPHRASE} characters.",
            remedy="Choose a longer one.",
        )
    private = Ed25519PrivateKey.generate()
    signer = CryptoSigner(private)
    keyid = signer.public_key.keyid
    raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    if passphrase is None:
        content = _Content(role=role, keyid=keyid, private=raw.hex())
    else:
        sealed = _seal(raw, _bound(role, keyid), passphrase, cost or Cost())
        content = _Content(role=role, keyid=keyid, sealed=sealed)
    path = folder / f"{role}-{keyid[:8]}{SUFFIX}"
    try:
        _write(path, content.model_dump_json(exclude_none=True, indent=1).encode() + b"\n")
    except OSError as error:
        raise RepositoryKeyError(
            f"No key can be written to {folder}: {error.strerror}.", remedy="Choose another folder."
        ) from None
    return KeyFile(path, role, keyid, protected=passphrase is not None), signer


def _seal(raw: bytes, bound: bytes, passphrase: str, cost: Cost) -> _Sealed:
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    key = cost.derive(passphrase, salt).encrypt(nonce, raw, bound)
    return _Sealed(cost=cost, salt=salt.hex(), nonce=nonce.hex(), key=key.hex())


def _bound(role: str, keyid: str) -> bytes:
    return json.dumps(["caretier-signing-key/1", role, keyid]).encode()


def _from_raw(raw: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(raw)


def _read(path: Path) -> _Content:
    try:
        with path.open("rb") as stream:
            return _Content.model_validate_json(stream.read(_MAX_FILE))
    except (OSError, ValidationError):
        raise RepositoryKeyError(f"{path} is not a signing key.") from None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)
    sync_folder(path.parent)
