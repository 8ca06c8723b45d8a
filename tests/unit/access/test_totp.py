"""One-time codes: the vectors of RFC 6238 and RFC 4226, the window, and nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from compliance.access import totp

SEED = b"12345678901234567890"
SEEDS = {
    "sha1": SEED,
    "sha256": (SEED * 2)[:32],
    "sha512": (SEED * 4)[:64],
}
RFC_6238 = [
    (59, "sha1", "94287082"),
    (59, "sha256", "46119246"),
    (59, "sha512", "90693936"),
    (1111111109, "sha1", "07081804"),
    (1111111109, "sha256", "68084774"),
    (1111111109, "sha512", "25091201"),
    (1111111111, "sha1", "14050471"),
    (1111111111, "sha256", "67062674"),
    (1111111111, "sha512", "99943326"),
    (1234567890, "sha1", "89005924"),
    (1234567890, "sha256", "91819424"),
    (1234567890, "sha512", "93441116"),
    (2000000000, "sha1", "69279037"),
    (2000000000, "sha256", "90698825"),
    (2000000000, "sha512", "38618901"),
    (20000000000, "sha1", "65353130"),
    (20000000000, "sha256", "77737706"),
    (20000000000, "sha512", "47863826"),
]
RFC_4226 = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split()
NOW = datetime(2026, 11, 25, 12, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "algorithm", "code"), RFC_6238)
def test_the_vectors_of_rfc_6238(seconds, algorithm, code):
    counter = totp.counter_at(datetime.fromtimestamp(seconds, UTC))
    assert totp.hotp(SEEDS[algorithm], counter, digits=8, algorithm=algorithm) == code


@pytest.mark.parametrize(("counter", "code"), list(enumerate(RFC_4226)))
def test_the_vectors_of_rfc_4226(counter, code):
    assert totp.hotp(SEED, counter) == code


@pytest.mark.parametrize(
    ("seconds", "good"), [(-60, False), (-30, True), (0, True), (30, True), (61, False)]
)
def test_a_code_is_good_in_its_window_only(seconds, good):
    code = totp.code_at(SEED, NOW + timedelta(seconds=seconds))
    assert (totp.matching(SEED, code, NOW, after=0) is not None) is good


def test_a_code_is_taken_once_and_none_before_it_afterwards():
    code, earlier = totp.code_at(SEED, NOW), totp.code_at(SEED, NOW - timedelta(seconds=30))
    counter = totp.matching(SEED, code, NOW, after=0)
    assert totp.matching(SEED, code, NOW, after=counter) is None
    assert totp.matching(SEED, earlier, NOW, after=counter) is None


@pytest.mark.parametrize("code", ["", "0", "abcdef", "１２３４５６", "000000000000", "\x00"])
def test_what_is_no_code_is_not_taken(code):
    assert totp.matching(SEED, code, NOW, after=0) is None


def test_a_code_may_be_typed_in_groups():
    code = totp.code_at(SEED, NOW)
    assert totp.matching(SEED, f" {code[:3]} {code[3:]} ", NOW, after=0)


def test_secrets_are_shown_so_that_they_can_be_typed():
    assert totp.shown(SEED) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    uri = totp.key_uri(SEED, "ana", "General Hospital")
    assert uri.startswith("otpauth://totp/General%20Hospital%3Aana?secret=GEZDGNBVGY3TQOJQ")


def test_a_recovery_code_is_good_once_however_it_is_typed():
    codes = totp.new_recovery_codes()
    kept = [totp.recovery_digest(code) for code in codes]
    assert len(set(codes)) == totp.RECOVERY_CODES
    left = totp.spent(codes[3].upper().replace("-", " "), kept)
    assert len(left) == len(kept) - 1
    assert totp.spent(codes[3], left) is None
    assert totp.spent("", left) is None


def test_recovery_codes_are_kept_as_digests():
    code = totp.new_recovery_codes()[0]
    assert code not in totp.recovery_digest(code)
