from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from compliance.sealing import IdentityKey, KeyBundle, SealingError, SealingKey, seal, unseal
from compliance.sealing.encoding import to_text

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
IDENTITY = IdentityKey.generate()
KEY = SealingKey.generate()


def bundle(**changes):
    arguments = {"node": "clinic-1", "level": "clinic", "now": NOW} | changes
    return KeyBundle.issue(IDENTITY, [KEY.public], **arguments)


def reason(changed, now=NOW, fingerprint=IDENTITY.public.fingerprint):
    with pytest.raises(SealingError) as refusal:
        changed.verify(now, fingerprint)
    return refusal.value.reason


def test_a_bundle_is_verified_and_sealed_to():
    received = KeyBundle.parse(bundle().model_dump_json())
    received.verify(NOW, IDENTITY.public.fingerprint)
    sealed = seal(b"hello", received.sealing_public(), context=b"c")
    assert unseal(sealed, KEY, context=b"c") == b"hello"


def test_without_a_pinned_fingerprint_the_bundle_vouches_for_itself():
    bundle().verify(NOW)


def test_a_bundle_issued_in_another_time_zone_means_the_same_moment():
    east = NOW.astimezone(timezone(timedelta(hours=5)))
    KeyBundle.parse(bundle(now=east).model_dump_json()).verify(NOW)


def test_another_identity_is_refused():
    assert reason(bundle(), fingerprint=IdentityKey.generate().public.fingerprint) == (
        "wrong-identity"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"node": "clinic-2"},
        {"level": "hospital"},
        {"expires": NOW + timedelta(days=900)},
        {"issued": NOW - timedelta(days=1)},
        {"signature": ""},
        {"signature": to_text(bytes(64))},
        {"signature": "!"},
        {
            "sealing": KeyBundle.issue(
                IdentityKey.generate(), [SealingKey.generate().public], node="x", level="x", now=NOW
            ).sealing
        },
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_bundle_is_refused(change):
    assert reason(bundle().model_copy(update=change)) == "bad-signature"


def test_a_bundle_whose_identity_was_exchanged_is_refused():
    other = IdentityKey.generate().public.to_text()
    assert reason(bundle().model_copy(update={"identity": other}), fingerprint=None) == (
        "bad-signature"
    )


def test_a_sealing_key_under_another_keys_id_is_refused():
    entry = bundle().sealing[0].model_copy(update={"key_id": "0" * 16})
    forged = bundle().model_copy(update={"sealing": (entry,)})
    signature = IDENTITY.sign(b"caretier/key-bundle/v1\x00" + forged._body())
    assert reason(forged.model_copy(update={"signature": to_text(signature)})) == "bad-key"


@pytest.mark.parametrize(
    ("when", "outcome"),
    [
        (NOW - timedelta(minutes=6), "not-yet-valid"),
        (NOW + timedelta(days=90, minutes=6), "expired"),
    ],
)
def test_a_bundle_out_of_time_is_refused(when, outcome):
    assert reason(bundle(), now=when) == outcome


@pytest.mark.parametrize("when", [timedelta(minutes=-4), timedelta(days=90, minutes=4)])
def test_clocks_may_differ_by_five_minutes(when):
    bundle().verify(NOW + when)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b"\xff", bundle().model_dump_json().replace("{", '{"more":1,', 1)],
    ids=["empty", "list", "object", "bytes", "unknown-field"],
)
def test_what_is_no_bundle_is_refused(data):
    with pytest.raises(SealingError) as refusal:
        KeyBundle.parse(data)
    assert refusal.value.reason == "malformed"
