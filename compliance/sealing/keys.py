"""Sealing keys: ML-KEM-768 and X25519 together, so that breaking one of the two is not enough."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

from compliance.sealing.encoding import from_text, to_text
from compliance.sealing.errors import SealingError

MLKEM_SEED_BYTES = 64
MLKEM_PUBLIC_BYTES = 1184
X25519_BYTES = 32
PRIVATE_BYTES = MLKEM_SEED_BYTES + X25519_BYTES
PUBLIC_BYTES = MLKEM_PUBLIC_BYTES + X25519_BYTES
KEY_ID_BYTES = 8


class SealingPublic:
    """Where to seal to: 1216 public bytes and their id."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != PUBLIC_BYTES:
            raise SealingError("A sealing key has 1216 public bytes.", reason="bad-key")
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(raw[:MLKEM_PUBLIC_BYTES])
            x25519 = X25519PublicKey.from_public_bytes(raw[MLKEM_PUBLIC_BYTES:])
            # A point of small order gives a shared secret that everyone knows.
            X25519PrivateKey.generate().exchange(x25519)
        except ValueError:
            raise SealingError("This is not a sealing key.", reason="bad-key") from None
        self._raw = bytes(raw)
        self.hpke = MLKEM768X25519PublicKey(mlkem, x25519)
        """The library's key; used by `compliance.sealing.envelope` only."""

    @property
    def key_id(self) -> str:
        """First 16 hexadecimal digits of SHA-256 over the public bytes."""
        return hashlib.sha256(self._raw).hexdigest()[: 2 * KEY_ID_BYTES]

    def to_bytes(self) -> bytes:
        """Return the 1216 public bytes."""
        return self._raw

    def to_text(self) -> str:
        """Return the key as base64url."""
        return to_text(self._raw)

    @classmethod
    def from_text(cls, text: str) -> SealingPublic:
        """Read what `to_text` wrote.

        Raises:
            SealingError: it is not such a key (``bad-key``).
        """
        try:
            return cls(from_text(text))
        except ValueError:
            raise SealingError("This is not a sealing key.", reason="bad-key") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SealingPublic) and other._raw == self._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return f"SealingPublic({self.key_id})"


class SealingKey:
    """The private half, kept as seeds: 96 bytes."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != PRIVATE_BYTES:
            raise SealingError("A sealing key has 96 private bytes.", reason="bad-key")
        mlkem = MLKEM768PrivateKey.from_seed_bytes(raw[:MLKEM_SEED_BYTES])
        x25519 = X25519PrivateKey.from_private_bytes(raw[MLKEM_SEED_BYTES:])
        self._raw = bytes(raw)
        self.hpke = MLKEM768X25519PrivateKey(mlkem, x25519)
        """The library's key; used by `compliance.sealing.envelope` only."""
        self.public = SealingPublic(
            mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        )

    @classmethod
    def generate(cls) -> SealingKey:
        """Make a new key from the system's randomness."""
        mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
        return cls(mlkem.private_bytes_raw() + x25519.private_bytes_raw())

    @classmethod
    def from_bytes(cls, raw: bytes) -> SealingKey:
        """Read what `to_bytes` gave.

        Raises:
            SealingError: it has not 96 bytes (``bad-key``).
        """
        return cls(raw)

    def to_bytes(self) -> bytes:
        """Return the 96 bytes of seeds; the caller keeps them encrypted."""
        return self._raw

    @property
    def key_id(self) -> str:
        """Id of the public half."""
        return self.public.key_id

    def __repr__(self) -> str:
        return f"SealingKey({self.key_id})"


class Keyring:
    """A node's sealing keys: the current one first, then former ones that still open old mail."""

    def __init__(self, keys: Iterable[SealingKey]) -> None:
        self._keys = tuple(keys)
        if not self._keys:
            raise SealingError("A keyring needs at least one key.", reason="bad-key")

    @property
    def current(self) -> SealingKey:
        """The key that the node publishes first."""
        return self._keys[0]

    def find(self, key_id: str) -> SealingKey | None:
        """Return the key with this id, or None."""
        return next((key for key in self._keys if key.key_id == key_id), None)

    def rotated(self, *, keep: int = 1) -> Keyring:
        """Return a keyring with a new current key and at most ``keep`` former ones."""
        return Keyring((SealingKey.generate(), *self._keys[:keep]))

    def to_bytes(self) -> bytes:
        """Return all keys, 96 bytes each, current first; the caller keeps them encrypted."""
        return b"".join(key.to_bytes() for key in self._keys)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Keyring:
        """Read what `to_bytes` gave.

        Raises:
            SealingError: the length is not a positive multiple of 96 (``bad-key``).
        """
        if not raw or len(raw) % PRIVATE_BYTES:
            raise SealingError("This is not a keyring.", reason="bad-key")
        return cls(
            SealingKey(raw[start : start + PRIVATE_BYTES])
            for start in range(0, len(raw), PRIVATE_BYTES)
        )

    def __iter__(self) -> Iterator[SealingKey]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
