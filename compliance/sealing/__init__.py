"""Sealing: who a node is, and how it sends something that only one other node can read.

Workflow. Every node has one `IdentityKey` (Ed25519) with which it signs, and one or more
`SealingKey` (hybrid post-quantum) to which others seal. It publishes both in a `KeyBundle` that its
identity signs; the other side pins the identity's fingerprint, `verify` checks the bundle against
it, and `bundle.sealing_public()` is where to seal to. `seal` pads, so that the length tells little,
encrypts, and binds a context (for a referral: its id and direction); `unseal` takes the same
context and the node's `Keyring`, which may still hold former keys after a rotation. Everything that
can go wrong is a `SealingError` with a stable ``reason``; no error of the library passes.

Example:
    >>> key = SealingKey.generate()
    >>> sealed = seal(b"question", key.public, context=b"referral/42")
    >>> unseal(sealed, key, context=b"referral/42")
    b'question'

Wire format, version 1 (all integers big-endian)::

    offset  length  content
    0       1       format version, 0x01
    1       1       suite, 0x01 = HPKE base mode, KEM MLKEM768-X25519, HKDF-SHA256, AES-256-GCM
    2       8       key id: first 8 bytes of SHA-256 over the recipient's public key
    10      1120    HPKE encapsulated key (ML-KEM-768 ciphertext, then X25519 public key)
    1130    n       AES-256-GCM ciphertext of the padded plaintext
    1130+n  16      authentication tag

    HPKE info         = "caretier/seal/v1" NUL, the 10 header bytes, the context
    padded plaintext  = length of the plaintext (4 bytes), plaintext, zero bytes
    n                 = the smallest of 1, 2, 4, … KiB up to 8 MiB that holds it

Public key, 1216 bytes: ML-KEM-768 public key (1184), X25519 public key (32). Private key, 96 bytes:
ML-KEM-768 seed (64), X25519 private key (32). The hybrid holds as long as one of its halves does.
HPKE base mode does not say who sealed: a referral carries a signed receipt for that. There is no
forward secrecy against theft of the recipient's key, other than by rotating it (`rotate`). The
sealing layer has no memory: the same message with the same context opens again. Who takes messages
takes each id once (`services.exchange.intake`), and the context, which names id and direction,
keeps a message from passing for another one.
"""

from compliance.sealing.bundle import KeyBundle, SealingEntry
from compliance.sealing.envelope import MAX_PLAINTEXT_BYTES, seal, unseal
from compliance.sealing.errors import SealingError
from compliance.sealing.identity import IdentityKey, IdentityPublic
from compliance.sealing.keys import Keyring, SealingKey, SealingPublic
from compliance.sealing.rotation import rotate

__all__ = [
    "MAX_PLAINTEXT_BYTES",
    "IdentityKey",
    "IdentityPublic",
    "KeyBundle",
    "Keyring",
    "SealingEntry",
    "SealingError",
    "SealingKey",
    "SealingPublic",
    "rotate",
    "seal",
    "unseal",
]
