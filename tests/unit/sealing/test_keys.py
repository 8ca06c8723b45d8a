from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.sealing import (
    IdentityKey,
    IdentityPublic,
    Keyring,
    SealingError,
    SealingKey,
    SealingPublic,
)
from compliance.sealing.encoding import canonical_json, from_text, to_text
from compliance.sealing.identity import signed_bytes


def reason(call, *args):
    with pytest.raises(SealingError) as refusal:
        call(*args)
    return refusal.value.reason


def test_an_identity_survives_its_bytes_and_its_text():
    key = IdentityKey.generate()
    assert IdentityKey.from_bytes(key.to_bytes()).public == key.public
    assert IdentityPublic.from_text(key.public.to_text()) == key.public
    assert hash(IdentityPublic.from_text(key.public.to_text())) == hash(key.public)


def test_a_fingerprint_is_sixteen_letters_of_the_hash():
    fingerprint = IdentityPublic(bytes(31) + b"\x02").fingerprint
    assert len(fingerprint) == 16
    assert set(fingerprint) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def test_a_signature_counts_for_its_data_and_its_key_only():
    key, other = IdentityKey.generate(), IdentityKey.generate()
    signature = key.sign(b"data")
    key.public.verify(signature, b"data")
    assert reason(key.public.verify, signature, b"Data") == "bad-signature"
    assert reason(other.public.verify, signature, b"data") == "bad-signature"
    assert reason(key.public.verify, signature[:-1], b"data") == "bad-signature"
    assert reason(key.public.verify, b"", b"data") == "bad-signature"


def test_a_signature_for_one_purpose_does_not_serve_another():
    key = IdentityKey.generate()
    signature = key.sign(signed_bytes("caretier/receipt/v1", b"{}"))
    assert reason(key.public.verify, signature, signed_bytes("caretier/key-bundle/v1", b"{}"))


def test_a_sealing_key_survives_its_bytes():
    key = SealingKey.generate()
    again = SealingKey.from_bytes(key.to_bytes())
    assert len(key.to_bytes()) == 96
    assert again.public == key.public
    assert SealingPublic.from_text(key.public.to_text()) == key.public


def test_a_key_id_is_the_start_of_the_hash_of_the_public_key():
    public = SealingKey.generate().public
    assert len(public.to_bytes()) == 1216
    assert public.key_id == hashlib.sha256(public.to_bytes()).hexdigest()[:16]


def test_a_keyring_survives_its_bytes():
    ring = Keyring([SealingKey.generate()]).rotated()
    again = Keyring.from_bytes(ring.to_bytes())
    assert [key.key_id for key in again] == [key.key_id for key in ring]


@pytest.mark.parametrize("raw", [b"", b"a" * 31, b"a" * 33, b"a" * 64])
def test_identity_keys_of_another_length_are_refused(raw):
    assert reason(IdentityKey.from_bytes, raw) == "bad-key"
    assert reason(IdentityPublic, raw) == "bad-key"


@pytest.mark.parametrize("raw", [b"", b"a" * 95, b"a" * 97])
def test_sealing_keys_of_another_length_are_refused(raw):
    assert reason(SealingKey.from_bytes, raw) == "bad-key"
    assert reason(Keyring.from_bytes, raw) == "bad-key"


def test_an_empty_keyring_is_refused():
    assert reason(Keyring, []) == "bad-key"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"a" * 1216 + b"a",
        b"\xff" * 1184 + SealingKey.generate().public.to_bytes()[1184:],
        SealingKey.generate().public.to_bytes()[:1184] + bytes(32),
        SealingKey.generate().public.to_bytes()[:1184] + b"\x01" + bytes(31),
    ],
    ids=["empty", "long", "mlkem-out-of-range", "x25519-zero", "x25519-small-order"],
)
def test_public_keys_that_cannot_protect_are_refused(raw):
    assert reason(SealingPublic, raw) == "bad-key"


@pytest.mark.parametrize("text", ["", "!", "ä", "a", "AAAA=", "A" * 43 + "\n", "AB"])
def test_texts_that_are_no_keys_are_refused(text):
    assert reason(IdentityPublic.from_text, text) == "bad-key"
    assert reason(SealingPublic.from_text, text) == "bad-key"


@pytest.mark.parametrize("key", [IdentityKey.generate(), SealingKey.generate()])
def test_a_key_shows_its_public_name_only(key):
    secret = key.to_bytes()
    assert secret.hex() not in repr(key)
    assert to_text(secret) not in repr(key)
    assert len(repr(key)) < 40


@given(st.binary(max_size=100))
def test_base64url_has_one_spelling(data):
    assert from_text(to_text(data)) == data


@pytest.mark.parametrize("text", ["QQ==", "QR", "Q", "Q Q", "QQ\n", "+/8", "é"])
def test_other_spellings_of_base64_are_refused(text):
    with pytest.raises(ValueError, match="base64url"):
        from_text(text)


def test_canonical_json_is_sorted_dense_and_utf8():
    assert canonical_json({"b": 1, "a": ["é", None]}) == '{"a":["é",null],"b":1}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_values_without_a_canonical_form_are_refused(value):
    with pytest.raises(ValueError, match=r".+"):
        canonical_json(value)
