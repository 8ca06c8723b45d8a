"""Rotating a node's key beside the running node, and how others learn of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from support.exchange import DeviceKeys, FailingAudit

from compliance.audit import AuditError, AuditTrail
from compliance.errors import BadInputError
from compliance.sealing import IdentityKey, Keyring, SealingError
from compliance.sealing.rotation import RETENTION
from services.consult.messages import Level
from services.exchange.errors import EnrolmentError, NotAuthenticatedError, ReferralRefusedError
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.link import Link
from services.exchange.messages import EnrolReply
from services.exchange.registry import Registry
from services.exchange.rotation import RETIRED_FILE, rotate_node, successors
from services.exchange.routes import exchange_router
from services.exchange.sealed import open_question
from services.store.database import Database
from services.web.app import create_app

NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "keys"


@pytest.fixture
def keys(folder):
    """The keys as a running node holds them."""
    return NodeKeys.load_or_create(folder, name="C", level="clinic")


@pytest.fixture
def trail(tmp_path):
    return AuditTrail.open(tmp_path, "clinic", node="C")


@pytest.fixture
def rotated(folder, trail, keys):
    def rotate(now=NOW):
        return rotate_node(folder, name="C", level="clinic", trail=trail, now=now)

    return rotate


def test_a_running_node_opens_what_was_sealed_before_and_after(keys, rotated):
    device = DeviceKeys()
    before = device.refer("before", keys, destination=Level.CLINIC)
    bundle = rotated()
    after = device.refer("after", keys, destination=Level.CLINIC)
    assert bundle.sealing[0].key_id == after.envelope.key_id != before.envelope.key_id
    for made in (before, after):
        opened = open_question(made.envelope, keys.sealing, Level.CLINIC)
        assert opened.question == made.question


def test_after_its_retention_the_former_key_opens_nothing(keys, rotated):
    made = DeviceKeys().refer("before", keys, destination=Level.CLINIC)
    rotated()
    rotated(NOW + RETENTION)
    assert len(keys.sealing) == 2
    with pytest.raises(ReferralRefusedError):
        open_question(made.envelope, keys.sealing, Level.CLINIC)


def test_it_is_written_down_before_it_is_done(keys, folder, rotated, trail):
    former = keys.sealing.current.key_id
    rotated()
    (event,) = trail.export()
    assert event["entity"][0]["what"]["identifier"]["value"] == former
    assert event["entity"][0]["detail"] == [{"type": "change", "valueString": "rotated"}]


def test_what_cannot_be_written_down_is_not_rotated(keys, folder):
    audit = FailingAudit()
    audit.fails, audit.node = True, "C"
    with pytest.raises(AuditError):
        rotate_node(folder, name="C", level="clinic", trail=audit)
    assert len(keys.sealing) == 1
    assert not (folder / RETIRED_FILE).exists()


def test_a_crash_between_the_two_files_loses_no_key(keys, folder, rotated, monkeypatch):
    former = keys.sealing.current.key_id
    (folder / RETIRED_FILE).write_text(json.dumps({former: NOW.isoformat()}))
    rotated(NOW + RETENTION + timedelta(days=1))
    assert [key.key_id for key in keys.sealing][1:] == [former]


def test_files_of_keys_are_readable_by_their_owner_only(keys, folder, rotated):
    rotated()
    for name in ("sealing.key", RETIRED_FILE):
        assert (folder / name).stat().st_mode & 0o077 == 0


def test_a_node_without_keys_has_none_to_rotate(tmp_path, trail):
    with pytest.raises(BadInputError):
        rotate_node(tmp_path / "none", name="C", level="clinic", trail=trail)


def test_a_damaged_keyring_shows_at_the_start(keys, folder):
    (folder / "sealing.key").write_bytes(b"short")
    with pytest.raises(SealingError):
        NodeKeys.load_or_create(folder, name="C", level="clinic")


class TestSuccessors:
    @pytest.fixture
    def hospital(self, tmp_path):
        return NodeKeys.load_or_create(tmp_path / "h", name="H", level="hospital")

    def reply(self, parent, *above):
        return EnrolReply(
            node="x",
            parent=parent.model_dump(mode="json"),
            above=tuple(b.model_dump(mode="json") for b in above),
        )

    def test_both_tiers_are_renewed(self, keys, hospital, rotated):
        held = (keys.bundle(), hospital.bundle())
        reply = self.reply(rotated(datetime.now(UTC)), hospital.bundle())
        clinic, above = successors(held, reply)
        assert clinic.sealing_public() == keys.sealing.current.public
        assert above.level == "hospital"

    def test_a_tier_that_was_not_held_is_not_taken(self, keys, hospital):
        held = (keys.bundle(),)
        assert len(successors(held, self.reply(keys.bundle(), hospital.bundle()))) == 1

    def test_keys_that_are_missing_false_or_old_are_refused(self, keys, hospital, rotated):
        old = keys.bundle(NOW - timedelta(days=2))
        held = (keys.bundle(NOW), hospital.bundle(NOW))
        false = NodeKeys("C", "clinic", IdentityKey.generate(), keys.ring).bundle()
        for reply in (
            self.reply(keys.bundle()),
            self.reply(false, hospital.bundle()),
            self.reply(old, hospital.bundle()),
            EnrolReply(node="x", parent={"node": 1}),
        ):
            with pytest.raises(EnrolmentError):
                successors(held, reply)


class TestFetched:
    @pytest.fixture
    def transport(self, tmp_path, keys, device):
        database = Database(f"sqlite:///{tmp_path}/x.db")
        database.migrate("services.exchange")
        registry = Registry(database)
        registry.enrol(registry.new_code("device", [keys.fingerprint]), device.bundle())
        app = create_app("parent", ready=dict)
        intake = Intake(database, Level.CLINIC, FailingAudit())
        app.include_router(exchange_router(keys, registry, intake))
        yield httpx.ASGITransport(app=app)
        database.close()

    @pytest.fixture
    def device(self):
        return DeviceKeys()

    async def test_a_node_that_is_enrolled_gets_the_keys_of_now(
        self, transport, device, keys, rotated
    ):
        held = keys.bundle()
        link = Link("http://localhost", device.identity, keys.fingerprint, transport=transport)
        rotated()
        (found,) = successors((held,), await link.keys())
        assert found.sealing_public() == keys.sealing.current.public
        await link.close()

    async def test_a_stranger_gets_none(self, transport, keys):
        stranger = DeviceKeys().identity
        link = Link("http://localhost", stranger, keys.fingerprint, transport=transport)
        with pytest.raises(NotAuthenticatedError):
            await link.keys()
        await link.close()


def test_a_keyring_is_read_again_only_when_it_changed(keys, folder, monkeypatch):
    ring = keys.sealing
    assert keys.sealing is ring
    reads = []
    real = Keyring.from_bytes
    monkeypatch.setattr(Keyring, "from_bytes", lambda raw: reads.append(1) or real(raw))
    assert keys.sealing is ring
    assert reads == []
