"""Messages sealed earlier, and RFC 9180's own, have the outcome that they always had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from compliance.sealing import Keyring, SealingError, SealingKey, unseal

VECTORS = sorted((Path(__file__).parent / "vectors").glob("*.json"))
ROTATION = sorted((Path(__file__).parent / "vectors" / "rotation").glob("*.json"))

# RFC 9180, appendices A.1.1.1 and A.2.1.1 (base mode, X25519, sequence number 0).
RFC_INFO = "4f6465206f6e2061204772656369616e2055726e"
RFC_PLAINTEXT = b"Beauty is truth, truth beauty"
RFC_AAD = b"Count-0"
RFC_CASES = {
    "A.1.1.1 AES-128-GCM": (
        AEAD.AES_128_GCM,
        "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
        "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
        (
            "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a9"
            "6d8770ac83d07bea87e13c512a"
        ),
    ),
    "A.2.1.1 ChaCha20Poly1305": (
        AEAD.CHACHA20_POLY1305,
        "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
        "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
        (
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db"
            "21993c62ce81883d2dd1b51a28"
        ),
    ),
}


@pytest.mark.parametrize("case", RFC_CASES)
def test_the_library_opens_the_vectors_of_rfc_9180(case):
    # The vectors carry additional data, which the library's public decrypt does not take.
    aead, private, enc, ct = RFC_CASES[case]
    opened = openssl.hpke._decrypt_with_aad(
        Suite(KEM.X25519, KDF.HKDF_SHA256, aead),
        bytes.fromhex(enc + ct),
        X25519PrivateKey.from_private_bytes(bytes.fromhex(private)),
        bytes.fromhex(RFC_INFO),
        RFC_AAD,
    )
    assert opened == RFC_PLAINTEXT


def test_every_kind_of_refusal_has_a_vector():
    outcomes = {json.loads(path.read_text())["outcome"] for path in VECTORS}
    assert outcomes == {
        "good",
        "malformed",
        "not-opened",
        "unknown-key",
        "bad-padding",
        "unknown-version",
    }


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_sealed_vector_has_its_stated_outcome(path):
    vector = json.loads(path.read_text())
    key = SealingKey.from_bytes(bytes.fromhex(vector["private_key"]))
    sealed, context = bytes.fromhex(vector["sealed"]), bytes.fromhex(vector["context"])
    if vector["outcome"] == "good":
        assert unseal(sealed, key, context=context) == bytes.fromhex(vector["plaintext"])
        return
    with pytest.raises(SealingError) as refusal:
        unseal(sealed, key, context=context)
    assert refusal.value.reason == vector["outcome"]


def test_rotation_and_replay_have_vectors_of_every_outcome():
    outcomes = [json.loads(path.read_text())["outcome"] for path in ROTATION]
    assert sorted(set(outcomes)) == ["good", "not-opened", "unknown-key"]
    assert len(outcomes) == 8


@pytest.mark.parametrize("path", ROTATION, ids=lambda path: path.stem)
def test_a_vector_of_rotation_or_replay_has_its_stated_outcome(path):
    vector = json.loads(path.read_text())
    ring = Keyring.from_bytes(bytes.fromhex(vector["keyring"]))
    sealed, context = bytes.fromhex(vector["sealed"]), bytes.fromhex(vector["context"])
    assert vector["because"]
    if vector["outcome"] == "good":
        for _again in range(2):
            assert unseal(sealed, ring, context=context) == bytes.fromhex(vector["plaintext"])
        return
    with pytest.raises(SealingError) as refusal:
        unseal(sealed, ring, context=context)
    assert refusal.value.reason == vector["outcome"]
