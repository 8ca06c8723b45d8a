"""`seal` and `unseal`: the wire format of the package's docstring."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from compliance.sealing.errors import SealingError
from compliance.sealing.keys import KEY_ID_BYTES, Keyring, SealingKey, SealingPublic
from compliance.sealing.padding import LARGEST_BYTES, LENGTH_BYTES, SMALLEST_BYTES, pad, unpad

VERSION = 1
SUITE_ID = 1
HEADER_BYTES = 2 + KEY_ID_BYTES
TAG_BYTES = 16
MAX_PLAINTEXT_BYTES = LARGEST_BYTES - LENGTH_BYTES
"""Largest content that can be sealed, in bytes."""

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_OVERHEAD_BYTES = HEADER_BYTES + KEM.MLKEM768_X25519.enc_length() + TAG_BYTES


def _info(header: bytes, context: bytes) -> bytes:
    return b"caretier/seal/v1\x00" + header + context


def seal(plaintext: bytes, to: SealingPublic, *, context: bytes) -> bytes:
    """Encrypt to the holder of one key.

    Args:
        plaintext: up to `MAX_PLAINTEXT_BYTES`.
        to: whom to seal to.
        context: what this is; `unseal` needs the same bytes. It is bound, not sent.

    Returns:
        The sealed message, 1146 bytes plus the size class of the plaintext.

    Raises:
        SealingError: the plaintext is too large or the key cannot be used.
    """
    header = bytes([VERSION, SUITE_ID]) + bytes.fromhex(to.key_id)
    padded = pad(plaintext)
    try:
        return header + _SUITE.encrypt(padded, to.hpke, info=_info(header, context))
    except ValueError:
        raise SealingError("The recipient's key cannot be used.", reason="bad-key") from None


def unseal(sealed: bytes, keys: Keyring | SealingKey, *, context: bytes) -> bytes:
    """Decrypt what was sealed to one of ``keys`` with this ``context``.

    Raises:
        SealingError: for any failure: ``malformed`` (length), ``unknown-version``, ``unknown-key``,
            ``not-opened`` (changed, wrong context or wrong key), ``bad-padding``.
    """
    _check_length(len(sealed))
    if sealed[0] != VERSION or sealed[1] != SUITE_ID:
        raise SealingError(
            "This was sealed in a format that this version does not know.",
            reason="unknown-version",
            remedy="Update Caretier on this node.",
        )
    header = bytes(sealed[:HEADER_BYTES])
    ring = keys if isinstance(keys, Keyring) else Keyring([keys])
    key = ring.find(header[2:].hex())
    if key is None:
        raise SealingError("This was sealed to another key.", reason="unknown-key")
    try:
        padded = _SUITE.decrypt(sealed[HEADER_BYTES:], key.hpke, info=_info(header, context))
    except (InvalidTag, ValueError):
        raise SealingError(
            "This cannot be opened: it was changed, or is not what it was taken for.",
            reason="not-opened",
        ) from None
    return unpad(padded)


def _check_length(length: int) -> None:
    """Refuse a length that no sealed message has, before any key is touched.

    Raises:
        SealingError: ``malformed``.
    """
    body = length - _OVERHEAD_BYTES
    if not SMALLEST_BYTES <= body <= LARGEST_BYTES or body & (body - 1):
        raise SealingError("This is not a whole sealed message.", reason="malformed")
