"""Enrolment codes: each is good once, for one tier, for a day; and what revoking means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.exchange import DeviceKeys

from services.exchange.errors import EnrolmentError
from services.exchange.registry import Registry


@pytest.fixture
def registry(database):
    return Registry(database)


@pytest.fixture
def device():
    return DeviceKeys()


def test_a_code_names_its_pins_after_the_secret(registry):
    secret, *pins = registry.new_code("device", ["AAAA", "BBBB"]).split(".")
    assert pins == ["AAAA", "BBBB"]
    assert len(secret) == 16


def test_codes_differ(registry):
    assert len({registry.new_code("device", []) for _ in range(5)}) == 5


def test_a_code_enrols_a_node_under_its_fingerprint(registry, device):
    code = registry.new_code("device", ["PIN"])
    assert registry.enrol(code, device.bundle()) == device.fingerprint
    assert registry.lookup(device.fingerprint) == device.identity.public
    assert registry.level_of(device.fingerprint) == "device"
    assert [n.name for n in registry.nodes()] == ["device-test"]


def test_a_code_may_be_typed_in_small_letters(registry, device):
    code = registry.new_code("device", [])
    assert registry.enrol(code.lower(), device.bundle())


@pytest.mark.parametrize("code", ["", "AAAAAAAAAAAAAAAA", "x.y", ".", "%", "'; DROP TABLE x"])
def test_a_wrong_code_is_refused(registry, device, code):
    registry.new_code("device", [])
    with pytest.raises(EnrolmentError):
        registry.enrol(code, device.bundle())
    assert registry.lookup(device.fingerprint) is None


def test_a_code_that_another_node_used_is_refused(registry, device):
    code = registry.new_code("device", [])
    registry.enrol(code, device.bundle())
    other = DeviceKeys()
    with pytest.raises(EnrolmentError):
        registry.enrol(code, other.bundle())
    assert registry.lookup(other.fingerprint) is None


def test_the_same_node_may_repeat_its_code(registry, device):
    code = registry.new_code("device", [])
    registry.enrol(code, device.bundle())
    assert registry.enrol(code, device.bundle()) == device.fingerprint
    assert len(registry.nodes()) == 1


def test_an_expired_code_is_refused(registry, device):
    code = registry.new_code("device", [], valid=timedelta(seconds=-1))
    with pytest.raises(EnrolmentError):
        registry.enrol(code, device.bundle())


def test_a_code_for_another_tier_is_refused_and_stays_good(registry, device):
    code = registry.new_code("clinic", [])
    with pytest.raises(EnrolmentError):
        registry.enrol(code, device.bundle(level="device"))
    assert registry.enrol(code, DeviceKeys().bundle(level="clinic"))


def test_keys_that_are_not_signed_by_their_identity_are_refused(registry, device):
    code = registry.new_code("device", [])
    false = device.bundle().model_copy(update={"node": "somebody else"})
    with pytest.raises(EnrolmentError):
        registry.enrol(code, false)


def test_expired_keys_are_refused(registry, device):
    code = registry.new_code("device", [])
    old = device.bundle(now=datetime.now(UTC) - timedelta(days=400))
    with pytest.raises(EnrolmentError):
        registry.enrol(code, old)


def test_a_revoked_node_is_unknown(registry, device):
    registry.enrol(registry.new_code("device", []), device.bundle())
    assert registry.revoke(device.fingerprint)
    assert registry.lookup(device.fingerprint) is None
    assert registry.level_of(device.fingerprint) is None
    assert not registry.revoke("nobody")


def test_a_revoked_node_does_not_come_back_with_its_old_code(registry, device):
    code = registry.new_code("device", [])
    registry.enrol(code, device.bundle())
    registry.revoke(device.fingerprint)
    with pytest.raises(EnrolmentError):
        registry.enrol(code, device.bundle())
    assert registry.lookup(device.fingerprint) is None


def test_a_revoked_node_comes_back_with_a_new_code(registry, device):
    registry.enrol(registry.new_code("device", []), device.bundle())
    registry.revoke(device.fingerprint)
    registry.enrol(registry.new_code("device", []), device.bundle())
    assert registry.lookup(device.fingerprint) is not None


def test_a_token_id_is_new_once(registry):
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert registry.first_use("a", soon)
    assert not registry.first_use("a", soon)
    assert registry.first_use("b", soon)


def test_only_what_is_over_is_forgotten(registry, device):
    now = datetime.now(UTC)
    registry.first_use("old", now - timedelta(seconds=1))
    registry.first_use("new", now + timedelta(minutes=1))
    registry.new_code("device", [], valid=timedelta(days=-3))
    code = registry.new_code("device", [])
    assert registry.forget_expired() == 2
    assert not registry.first_use("new", now)
    assert registry.enrol(code, device.bundle())


def test_the_secret_of_a_code_is_not_kept(registry, database):
    secret = registry.new_code("device", []).split(".")[0]
    from services.exchange.models import EnrolmentCode

    with database.reading() as session:
        rows = session.query(EnrolmentCode).all()
    assert rows
    assert all(secret not in row.digest for row in rows)
