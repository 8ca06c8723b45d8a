"""Write the vectors in ``vectors/``: sealed messages, each with the outcome that it must have.

HPKE draws fresh randomness for every message, so running this again gives other bytes with the same
outcomes: regeneration is not a no-op, and the committed files are what counts. They hold that a
message sealed by an older version is still opened, or refused for the same reason.

Run: ``.venv/bin/python tests/unit/sealing/make_vectors.py``
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from compliance.sealing import Keyring, SealingKey, rotate, seal
from compliance.sealing.envelope import HEADER_BYTES, SUITE_ID, VERSION
from compliance.sealing.padding import pad
from compliance.sealing.rotation import RETENTION

FOLDER = Path(__file__).parent / "vectors"
PLAINTEXT = b"How much ibuprofen may I take with lisinopril?"
CONTEXT = b"referral/3f0c/question"


def sealed_unpadded(key: SealingKey, padded: bytes) -> bytes:
    """Seal bytes as they are, as a sender with wrong padding would."""
    header = bytes([VERSION, SUITE_ID]) + bytes.fromhex(key.key_id)
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    info = b"caretier/seal/v1\x00" + header + CONTEXT
    return header + suite.encrypt(padded, key.public.hpke, info=info)


def flipped(data: bytes, index: int) -> bytes:
    """Return the data with one bit of one byte changed."""
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]


def cases(key: SealingKey) -> dict[str, tuple[bytes, bytes, str]]:
    """Return sealed bytes, context and outcome of each vector."""
    good = seal(PLAINTEXT, key.public, context=CONTEXT)
    other = seal(PLAINTEXT, SealingKey.generate().public, context=CONTEXT)
    padded = pad(PLAINTEXT)
    return {
        "good": (good, CONTEXT, "good"),
        "empty": (seal(b"", key.public, context=CONTEXT), CONTEXT, "good-empty"),
        "truncated": (good[:-1], CONTEXT, "malformed"),
        "truncated-header": (good[:9], CONTEXT, "malformed"),
        "nothing": (b"", CONTEXT, "malformed"),
        "lengthened": (good + b"\x00", CONTEXT, "malformed"),
        "flipped-bit-mlkem": (flipped(good, HEADER_BYTES + 5), CONTEXT, "not-opened"),
        "flipped-bit-x25519": (flipped(good, HEADER_BYTES + 1100), CONTEXT, "not-opened"),
        "flipped-bit-body": (flipped(good, HEADER_BYTES + 1130), CONTEXT, "not-opened"),
        "flipped-bit-tag": (flipped(good, len(good) - 1), CONTEXT, "not-opened"),
        "wrong-context": (good, b"referral/3f0c/answer", "not-opened"),
        "wrong-key-id": (flipped(good, 3), CONTEXT, "unknown-key"),
        "other-recipient": (other, CONTEXT, "unknown-key"),
        "other-recipient-relabelled": (good[:10] + other[10:], CONTEXT, "not-opened"),
        "bad-padding-nonzero": (
            sealed_unpadded(key, padded[:-1] + b"\x01"),
            CONTEXT,
            "bad-padding",
        ),
        "bad-padding-length": (
            sealed_unpadded(key, b"\xff\xff\xff\xff" + padded[4:]),
            CONTEXT,
            "bad-padding",
        ),
        "bad-padding-class": (
            sealed_unpadded(key, padded + bytes(1024)),
            CONTEXT,
            "bad-padding",
        ),
        "unknown-version": (b"\x02" + good[1:], CONTEXT, "unknown-version"),
        "unknown-suite": (good[:1] + b"\x02" + good[2:], CONTEXT, "unknown-version"),
    }


def rotation_cases() -> dict[str, tuple[Keyring, bytes, bytes, str, str]]:
    """Return ring, sealed bytes, context, outcome and its reason of each rotation and replay."""
    old = SealingKey.generate()
    first = Keyring([old])
    now = datetime(2026, 11, 21, tzinfo=UTC)
    second, retired = rotate(first, {}, now)
    gone, _ = rotate(second, retired, now + RETENTION)
    before = seal(PLAINTEXT, old.public, context=CONTEXT)
    after = seal(PLAINTEXT, second.current.public, context=CONTEXT)
    relabelled = before[:2] + bytes.fromhex(second.current.key_id) + before[HEADER_BYTES:]
    other = b"referral/77aa/question"
    answer = b"referral/3f0c/answer"
    return {
        "rotation-message-to-the-new-key": (second, after, CONTEXT, "good", "current key"),
        "rotation-message-to-the-former-key": (second, before, CONTEXT, "good", "within retention"),
        "rotation-message-after-retention": (gone, before, CONTEXT, "unknown-key", "key deleted"),
        "rotation-new-message-at-a-node-not-rotated": (
            first,
            after,
            CONTEXT,
            "unknown-key",
            "a copy of the old ring opens nothing new",
        ),
        "rotation-old-message-under-the-new-id": (
            second,
            relabelled,
            CONTEXT,
            "not-opened",
            "the key id is bound",
        ),
        "replay-as-another-referral": (second, after, other, "not-opened", "the id is bound"),
        "replay-as-the-answer": (second, after, answer, "not-opened", "the direction is bound"),
        "replay-unchanged": (
            second,
            after,
            CONTEXT,
            "good",
            "no memory here: intake takes an id once",
        ),
    }


def write_rotation() -> None:
    """Write the vectors of rotation and replay with keys of their own."""
    folder = FOLDER / "rotation"
    folder.mkdir(exist_ok=True)
    for name, (ring, sealed, context, outcome, reason) in rotation_cases().items():
        vector = {
            "name": name,
            "outcome": outcome,
            "because": reason,
            "keyring": ring.to_bytes().hex(),
            "context": context.hex(),
            "plaintext": PLAINTEXT.hex() if outcome == "good" else None,
            "sealed": sealed.hex(),
        }
        (folder / f"{name}.json").write_text(json.dumps(vector, indent=1) + "\n")


def main() -> None:
    """Write all vectors with new keys."""
    write_rotation()
    key = SealingKey.generate()
    FOLDER.mkdir(exist_ok=True)
    for name, (sealed, context, outcome) in cases(key).items():
        vector = {
            "name": name,
            "outcome": outcome.removesuffix("-empty"),
            "private_key": key.to_bytes().hex(),
            "context": context.hex(),
            "plaintext": None
            if not outcome.startswith("good")
            else ("" if outcome == "good-empty" else PLAINTEXT.hex()),
            "sealed": sealed.hex(),
        }
        (FOLDER / f"{name}.json").write_text(json.dumps(vector, indent=1) + "\n")


if __name__ == "__main__":
    main()
