"""A former key is kept for as long as mail to it may come, and no longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from compliance.errors import BadInputError
from compliance.receipt import CLOCK_SKEW, LONGEST_VALIDITY
from compliance.sealing import (
    IdentityKey,
    KeyBundle,
    Keyring,
    SealingError,
    SealingKey,
    rotate,
)
from compliance.sealing.rotation import MAX_KEYS, RETENTION

NOW = datetime(2026, 11, 21, tzinfo=UTC)
IDENTITY = IdentityKey.generate()


@pytest.fixture
def ring():
    return Keyring([SealingKey.generate()])


def ids(ring):
    return [key.key_id for key in ring]


def bundle(ring, now=NOW, *, level="clinic", identity=IDENTITY):
    return KeyBundle.issue(identity, [k.public for k in ring], node="C", level=level, now=now)


def test_the_former_key_stands_behind_the_new_one(ring):
    after, retired = rotate(ring, {}, NOW)
    assert len(after) == 2
    assert after.current.key_id not in ids(ring)
    assert ids(after)[1:] == ids(ring)
    assert retired == {ring.current.key_id: NOW}


def test_a_former_key_is_dropped_after_its_retention_and_not_before(ring):
    second, retired = rotate(ring, {}, NOW)
    early, _ = rotate(second, retired, NOW + RETENTION - timedelta(seconds=1))
    late, times = rotate(second, retired, NOW + RETENTION)
    assert ids(ring)[0] in ids(early)
    assert ids(late)[1:] == [second.current.key_id]
    assert set(times) == {second.current.key_id}


def test_a_former_key_of_unknown_age_is_kept_from_now_on(ring):
    second, _lost = rotate(ring, {}, NOW)
    later = NOW + 9 * RETENTION
    third, retired = rotate(second, {}, later)
    assert ids(ring)[0] in ids(third)
    assert retired[ids(ring)[0]] == later


def test_rotating_too_often_is_refused_and_drops_no_key(ring):
    retired = {}
    for turn in range(MAX_KEYS - 1):
        ring, retired = rotate(ring, retired, NOW + timedelta(hours=turn))
    assert len(ring) == MAX_KEYS
    with pytest.raises(BadInputError):
        rotate(ring, retired, NOW + timedelta(days=1))
    bundle(ring).verify(NOW)


def test_mail_cannot_wait_longer_than_its_key_is_kept():
    assert RETENTION > LONGEST_VALIDITY + CLOCK_SKEW


class TestSuccessor:
    """Newer keys take the place of those held; nothing else does."""

    def reason(self, held, later, now=NOW):
        with pytest.raises(SealingError) as refusal:
            held.check_successor(later, now)
        return refusal.value.reason

    def test_the_keys_after_a_rotation(self, ring):
        after, _ = rotate(ring, {}, NOW)
        later = bundle(after, NOW + timedelta(hours=1))
        bundle(ring).check_successor(later, NOW + timedelta(hours=1))
        assert later.sealing_public() == after.current.public

    def test_an_older_bundle_replayed_does_not_bring_a_former_key_back(self, ring):
        after, _ = rotate(ring, {}, NOW)
        held = bundle(after, NOW)
        assert self.reason(held, bundle(ring, NOW - timedelta(seconds=1))) == "replayed"

    def test_another_nodes_and_another_tiers(self, ring):
        other = bundle(ring, identity=IdentityKey.generate())
        assert self.reason(bundle(ring), other) == "wrong-identity"
        assert self.reason(bundle(ring), bundle(ring, level="hospital")) == "wrong-identity"

    def test_one_that_was_changed_or_has_expired(self, ring):
        after, _ = rotate(ring, {}, NOW)
        swapped = bundle(ring).model_copy(update={"sealing": bundle(after).sealing})
        assert self.reason(bundle(ring), swapped) == "bad-signature"
        later = NOW + timedelta(days=200)
        assert self.reason(bundle(ring), bundle(ring), later) == "expired"
