from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from compliance.errors import BadInputError
from compliance.receipt import (
    LONGEST_VALIDITY,
    PURPOSE,
    Receipt,
    ReceiptError,
    issue_receipt,
    new_salt,
    parse_receipt,
    verify_receipt,
)
from compliance.sealing import IdentityKey
from compliance.sealing.encoding import canonical_json, to_text

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DEVICE = IdentityKey.generate()
SALT = bytes(range(32))
PAYLOAD = b'{"text":"May I take [DRUG_1] with [DRUG_2]?"}'


def receipt(**changes) -> Receipt:
    arguments = {
        "key": DEVICE,
        "payload": PAYLOAD,
        "salt": SALT,
        "referral": "ref-1",
        "policy": "safe-harbor/1",
        "detector": "detector/3",
        "consent": "consent-1",
        "destination": "hospital",
        "readers": ("hospital",),
        "valid_for": timedelta(hours=24),
        "now": NOW,
    }
    return issue_receipt(**(arguments | changes))


def verify(given: Receipt, **changes) -> None:
    arguments = {
        "signer": DEVICE.public,
        "reader": "hospital",
        "referral": "ref-1",
        "now": NOW,
        "accepted_policies": {"safe-harbor/1"},
        "accepted_detectors": lambda version: version.startswith("detector/"),
        "payload": PAYLOAD,
        "salt": SALT,
    }
    verify_receipt(given, **(arguments | changes))


def reason(given: Receipt, **changes) -> str:
    with pytest.raises(ReceiptError) as refusal:
        verify(given, **changes)
    assert refusal.value.status == 403
    return refusal.value.reason


def resigned(given: Receipt, **changes) -> Receipt:
    """Change a receipt and sign it again, as a faulty device would."""
    changed = given.model_copy(update=changes)
    body = canonical_json(changed.model_dump(mode="json", exclude={"signature"}))
    signature = DEVICE.sign(PURPOSE.encode() + b"\x00" + body)
    return changed.model_copy(update={"signature": to_text(signature)})


def test_a_receipt_covers_its_payload_for_its_reader():
    verify(parse_receipt(receipt().model_dump_json()))


def test_a_relay_verifies_without_the_payload():
    relayed = receipt(readers=("clinic", "hospital"))
    verify(relayed, reader="clinic", payload=None, salt=None)


def test_the_digest_is_keyed_by_the_salt():
    mac = hmac.digest(SALT, PAYLOAD, hashlib.sha256)
    assert receipt().digest == base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def test_equal_payloads_have_unequal_digests():
    assert receipt(salt=new_salt()).digest != receipt(salt=new_salt()).digest


def test_the_receipt_says_nothing_of_the_payload_but_its_size():
    text = receipt().model_dump_json()
    assert "DRUG" not in text
    assert hashlib.sha256(PAYLOAD).hexdigest() not in text
    assert receipt().bytes == len(PAYLOAD)


def test_the_salt_is_not_in_the_receipt():
    text = receipt().model_dump_json()
    assert to_text(SALT) not in text
    assert SALT.hex() not in text


@pytest.mark.parametrize(
    "change",
    [
        {"id": "other"},
        {"referral": "ref-2"},
        {"policy": "none"},
        {"detector": "detector/9"},
        {"consent": "consent-2"},
        {"destination": "clinic"},
        {"readers": ("clinic", "hospital")},
        {"digest": "A" * 43},
        {"bytes": 1},
        {"issued": NOW - timedelta(minutes=1)},
        {"expires": NOW + timedelta(days=2)},
        {"device": "A" * 16},
        {"signature": ""},
        {"signature": "!"},
        {"signature": to_text(bytes(64))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_field_breaks_the_signature(change):
    assert reason(receipt().model_copy(update=change)) == "bad-signature"


def test_another_device_is_bad_signature():
    assert reason(receipt(), signer=IdentityKey.generate().public) == "bad-signature"


def test_a_receipt_that_names_another_device_than_its_signer_is_bad_signature():
    assert reason(resigned(receipt(), device="A" * 16)) == "bad-signature"


def test_a_signature_from_another_use_of_the_key_is_bad_signature():
    body = canonical_json(receipt().model_dump(mode="json", exclude={"signature"}))
    forged = receipt().model_copy(update={"signature": to_text(DEVICE.sign(body))})
    assert reason(forged) == "bad-signature"


def test_an_expired_receipt_is_refused():
    assert reason(receipt(), now=NOW + timedelta(hours=24, minutes=6)) == "expired"


def test_a_receipt_that_claims_more_than_the_longest_validity_counts_as_expired():
    long = resigned(receipt(), expires=NOW + LONGEST_VALIDITY + timedelta(days=1))
    assert reason(long) == "expired"


def test_a_receipt_from_the_future_is_not_yet_valid():
    assert reason(receipt(), now=NOW - timedelta(minutes=6)) == "not-yet-valid"


@pytest.mark.parametrize("shift", [timedelta(minutes=-5), timedelta(hours=24, minutes=5)])
def test_clocks_may_differ_by_five_minutes(shift):
    verify(receipt(), now=NOW + shift)


@pytest.mark.parametrize("reader", ["clinic", "", "Hospital", "hospital "])
def test_a_tier_that_is_not_among_the_readers_is_wrong_reader(reader):
    assert reason(receipt(), reader=reader) == "wrong-reader"


def test_a_receipt_of_another_referral_is_wrong_referral():
    assert reason(receipt(), referral="ref-2") == "wrong-referral"


@pytest.mark.parametrize(
    "change",
    [
        {"payload": PAYLOAD + b" "},
        {"payload": b""},
        {"payload": PAYLOAD.replace(b"1", b"3")},
        {"salt": bytes(32)},
        {"salt": SALT[:-1]},
        {"salt": SALT + b"\x00"},
        {"salt": b""},
        {"salt": None},
    ],
)
def test_another_payload_or_salt_is_digest_mismatch(change):
    assert reason(receipt(), **change) == "digest-mismatch"


def test_an_unknown_policy_is_refused():
    assert reason(receipt(policy="safe-harbor/0")) == "unknown-policy"


def test_an_unknown_detector_is_refused():
    assert reason(receipt(detector="home-made")) == "unknown-detector"


def test_a_receipt_without_consent_is_neither_issued_nor_accepted():
    with pytest.raises(ReceiptError) as refusal:
        receipt(consent="")
    assert refusal.value.reason == "no-consent"
    assert reason(resigned(receipt(), consent="")) == "no-consent"


@pytest.mark.parametrize(
    "change",
    [
        {"salt": b"short"},
        {"readers": ()},
        {"readers": ("clinic",)},
        {"valid_for": timedelta(0)},
        {"valid_for": LONGEST_VALIDITY + timedelta(seconds=1)},
        {"referral": ""},
        {"policy": "p" * 201},
        {"now": datetime(2026, 11, 21, 9, 0)},  # noqa: DTZ001 - a time without a zone is the case
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_cannot_be_signed_for_is_bad_input(change):
    with pytest.raises(BadInputError):
        receipt(**change)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"{}",
        b"\xff\xfe",
        receipt().model_dump_json().replace("{", '{"name":"x",', 1),
        receipt().model_dump_json().replace("Z", ""),
    ],
    ids=["empty", "null", "object", "bytes", "unknown-field", "time-without-zone"],
)
def test_what_is_no_receipt_is_malformed(data):
    with pytest.raises(ReceiptError) as refusal:
        parse_receipt(data)
    assert refusal.value.reason == "malformed"
    assert refusal.value.__suppress_context__


def test_a_receipt_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="frozen"):
        receipt().consent = "other"
