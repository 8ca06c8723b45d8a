"""A node's identity: an Ed25519 key pair, and the fingerprint that people compare."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from compliance.sealing.encoding import from_text, to_text
from compliance.sealing.errors import SealingError

KEY_BYTES = 32
FINGERPRINT_BYTES = 10
"""Bytes of SHA-256 in a fingerprint: 80 bits, 16 characters that a person can read aloud."""


class IdentityPublic:
    """The public half: checks signatures, and names the node by its fingerprint."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise SealingError("An identity key has 32 bytes.", reason="bad-key")
        try:
            self._key = Ed25519PublicKey.from_public_bytes(raw)
        except ValueError:
            raise SealingError("This is not an identity key.", reason="bad-key") from None
        self._raw = bytes(raw)

    @property
    def fingerprint(self) -> str:
        """Base32 of the first 10 bytes of SHA-256 over the key: 16 characters, A-Z and 2-7."""
        digest = hashlib.sha256(self._raw).digest()[:FINGERPRINT_BYTES]
        return base64.b32encode(digest).decode("ascii")

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return if ``signature`` (64 bytes) over ``data`` is this identity's.

        Raises:
            SealingError: it is not (``bad-signature``).
        """
        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            raise SealingError("The signature does not match.", reason="bad-signature") from None

    def to_bytes(self) -> bytes:
        """Return the 32 raw bytes."""
        return self._raw

    def to_text(self) -> str:
        """Return the key as base64url, 43 characters."""
        return to_text(self._raw)

    @classmethod
    def from_text(cls, text: str) -> IdentityPublic:
        """Read what `to_text` wrote.

        Raises:
            SealingError: it is not such a key (``bad-key``).
        """
        try:
            return cls(from_text(text))
        except ValueError:
            raise SealingError("This is not an identity key.", reason="bad-key") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdentityPublic) and other._raw == self._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return f"IdentityPublic({self.fingerprint})"


class IdentityKey:
    """The private half: signs receipts, bundles and enrolments. It never leaves its node."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise SealingError("An identity key has 32 bytes.", reason="bad-key")
        self._key = Ed25519PrivateKey.from_private_bytes(raw)
        self.public = IdentityPublic(self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> IdentityKey:
        """Make a new identity from the system's randomness."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_bytes(cls, raw: bytes) -> IdentityKey:
        """Read what `to_bytes` gave.

        Raises:
            SealingError: it has not 32 bytes (``bad-key``).
        """
        return cls(raw)

    def to_bytes(self) -> bytes:
        """Return the 32 raw private bytes; the caller keeps them encrypted."""
        return self._key.private_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """Sign ``data``; 64 bytes. Callers prefix the data with its purpose (`signed_bytes`)."""
        return self._key.sign(data)

    def __repr__(self) -> str:
        return f"IdentityKey({self.public.fingerprint})"


def signed_bytes(purpose: str, body: bytes) -> bytes:
    """Put the purpose before what is signed, so that no signature serves for two purposes.

    Args:
        purpose: short ASCII name with its version, for example ``caretier/receipt/v1``.
        body: the canonical bytes.
    """
    return purpose.encode("ascii") + b"\x00" + body
