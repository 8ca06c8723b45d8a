from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.sealing import (
    MAX_PLAINTEXT_BYTES,
    Keyring,
    SealingError,
    SealingKey,
    seal,
    unseal,
)
from compliance.sealing.padding import LARGEST_BYTES, pad, size_class, unpad

KEY = SealingKey.generate()
SEALED = seal(b"content", KEY.public, context=b"c")


@given(plaintext=st.binary(max_size=5000), context=st.binary(max_size=200))
@settings(max_examples=40, deadline=None)
def test_what_was_sealed_is_unsealed_by_the_same_key_and_context(plaintext, context):
    assert unseal(seal(plaintext, KEY.public, context=context), KEY, context=context) == plaintext


@given(index=st.integers(0, len(SEALED) - 1), mask=st.integers(1, 255))
@settings(max_examples=150, deadline=None)
def test_any_changed_byte_is_a_sealing_error(index, mask):
    changed = bytearray(SEALED)
    changed[index] ^= mask
    with pytest.raises(SealingError):
        unseal(bytes(changed), KEY, context=b"c")


@given(garbage=st.binary(max_size=4000))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_garbage_is_a_sealing_error(garbage):
    with pytest.raises(SealingError):
        unseal(garbage, KEY, context=b"c")


@given(body=st.binary(min_size=2162, max_size=2162))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_garbage_of_the_right_shape_is_a_sealing_error(body):
    with pytest.raises(SealingError) as refusal:
        unseal(SEALED[:10] + body[10:], KEY, context=b"c")
    assert refusal.value.reason in {"not-opened", "malformed"}


def test_the_same_content_is_sealed_differently_each_time():
    assert seal(b"content", KEY.public, context=b"c") != SEALED


@pytest.mark.parametrize("context", [b"", b"C", b"c\x00", b"cc"])
def test_another_context_does_not_open(context):
    with pytest.raises(SealingError) as refusal:
        unseal(SEALED, KEY, context=context)
    assert refusal.value.reason == "not-opened"


def test_the_content_is_not_in_the_sealed_bytes():
    assert b"canary-4711" not in seal(b"canary-4711" * 50, KEY.public, context=b"c")


def test_the_length_tells_only_the_size_class():
    lengths = {len(seal(b"a" * n, KEY.public, context=b"c")) for n in (0, 1, 500, 1020)}
    assert lengths == {1146 + 1024}
    assert len(seal(b"a" * 1021, KEY.public, context=b"c")) == 1146 + 2048


def test_the_largest_content_fits_and_one_byte_more_is_refused():
    largest = bytes(MAX_PLAINTEXT_BYTES)
    sealed = seal(largest, KEY.public, context=b"c")
    assert len(sealed) == 1146 + LARGEST_BYTES
    assert unseal(sealed, KEY, context=b"c") == largest
    with pytest.raises(SealingError) as refusal:
        seal(largest + b"a", KEY.public, context=b"c")
    assert refusal.value.reason == "too-large"


def test_a_refusal_says_nothing_of_the_content_and_chains_no_library_error():
    with pytest.raises(SealingError) as refusal:
        unseal(SEALED, KEY, context=b"other")
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__
    assert "content" not in refusal.value.message


def test_a_keyring_opens_what_was_sealed_to_a_former_key():
    former = Keyring([KEY])
    ring = former.rotated()
    assert ring.current.key_id != KEY.key_id
    assert unseal(SEALED, ring, context=b"c") == b"content"


def test_a_keyring_forgets_keys_beyond_those_it_keeps():
    ring = Keyring([KEY]).rotated().rotated()
    assert len(ring) == 2
    with pytest.raises(SealingError) as refusal:
        unseal(SEALED, ring, context=b"c")
    assert refusal.value.reason == "unknown-key"


@pytest.mark.parametrize(
    ("length", "size"),
    [(0, 1024), (1020, 1024), (1021, 2048), (2044, 2048), (8192, 16384), (8388604, 8388608)],
)
def test_sizes_are_powers_of_two(length, size):
    assert size_class(length) == size


@given(st.binary(max_size=3000))
def test_padding_is_undone(plaintext):
    assert unpad(pad(plaintext)) == plaintext


@pytest.mark.parametrize(
    "padded",
    [b"", b"\x00\x00", b"\x00\x00\x00\x00", bytes(1023), bytes(1025), bytes(3072), b"\xff" * 1024],
)
def test_padding_that_pad_does_not_make_is_refused(padded):
    with pytest.raises(SealingError) as refusal:
        unpad(padded)
    assert refusal.value.reason in {"bad-padding", "too-large"}
