"""Bricks from a hospital's repository through a clinic's copy to a device, over signed calls."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from support.brick_repository import World
from typer.testing import CliRunner

from clinic_edge.app import create as create_clinic
from clinic_edge.bricks import ClinicBricks
from clinic_edge.commands import app as clinic_app
from clinic_edge.service import Clinic
from clinic_edge.settings import ClinicSettings
from compliance.audit import AuditTrail
from patient_app.bricks import DeviceBricks
from patient_app.commands import app as device_app
from patient_app.errors import NotLinkedError
from patient_app.member import Member
from patient_app.service import Device
from patient_app.settings import DeviceSettings
from patient_app.vault import KdfParameters, vault
from services.bricks.errors import BrickUntrustedError, RepositoryAwayError
from services.bricks.repository.delegations import rotate
from services.bricks.repository.key_maker import KeyPlan
from services.bricks.repository.publish import publish, revoke
from services.bricks.routes import bricks_router
from services.bricks.updater.download import until
from services.bricks.updater.installed import Installed
from services.bricks.updater.limits import Limits
from services.bricks.updater.pin import RootPin
from services.bricks.updater.routes import pin_router
from services.consult.messages import Level
from services.exchange.bricks import repository_above
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.registry import Registry
from services.exchange.routes import NodeCaller, exchange_router
from services.exchange.tokens import CallVerifier
from services.store.database import Database
from services.web.app import create_app

CLINIC = "http://127.0.0.1:8100"
LIMITS = Limits(spare_bytes=0)


class Quiet:
    """A consult path that nobody asks."""

    async def close(self) -> None:
        """Nothing to close."""


@dataclass
class Tiers:
    """A hospital with a repository, a clinic and a device, each speaking to the next."""

    world: World
    registry: Registry
    clinic: Clinic
    member: Member
    device: DeviceBricks

    @property
    def bricks(self) -> ClinicBricks:
        return self.clinic.bricks

    def publish(self, version: int = 1) -> None:
        made = self.world.brick(version, b"words %d" % version)
        publish(self.world.repository, self.world.store, self.world.ring(), made.ref)

    def carry(self) -> dict[str, int]:
        """Bring what is new all the way down; return what the device has in use."""
        self.bricks.sync()
        self.bricks.update()
        self.device.update(self.member, {"en"})
        with self.device.updater(self.member) as updater:
            return updater.installed.active()


@pytest.fixture
def tiers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tiers]:
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(vault, "KdfParameters", lambda: cheap)
    world = World(tmp_path / "hospital")
    world.folder.mkdir()
    world.init()
    world.delegate()
    hospital = NodeKeys.load_or_create(world.folder / "keys", name="H", level="hospital")
    database = Database(f"sqlite:///{world.folder}/x.db")
    database.migrate("services.exchange")
    registry = Registry(database)
    app = _hospital_app(world, hospital, registry, database)
    above = partial(repository_above, limits=LIMITS, transport=httpx.ASGITransport(app=app))
    monkeypatch.setattr("clinic_edge.service.repository_above", above)
    clinic = Clinic(ClinicSettings(data=tmp_path / "clinic"), Quiet())
    clinic._parent.write_text(hospital.bundle().model_dump_json())
    registry.enrol(registry.new_code("clinic", []), clinic.keys.bundle())
    member = Member.create(tmp_path / "device" / "vaults" / "ana", "correct horse")
    member.link_to(CLINIC, clinic.keys.bundle(), hospital.bundle())
    node = NodeKeys(
        "device", "device", member.identity, clinic.keys.ring
    )  # a device's bundle, as it enrols with it
    clinic.registry.enrol(clinic.registry.new_code("device", []), node.bundle())
    transport = httpx.ASGITransport(app=create_clinic(clinic.settings, clinic))
    line = partial(repository_above, limits=LIMITS, transport=transport)
    monkeypatch.setattr("patient_app.bricks.repository_above", line)
    device = DeviceBricks(tmp_path / "device" / "bricks", limits=LIMITS)
    yield Tiers(world, registry, clinic, member, device)
    member.vault.close()
    clinic.database.close()
    database.close()


def _hospital_app(world: World, keys: NodeKeys, registry: Registry, database: Database) -> FastAPI:
    app = create_app("hospital", ready=dict)
    trail = AuditTrail.open(world.folder, "hospital", node="H")
    app.include_router(exchange_router(keys, registry, Intake(database, Level.HOSPITAL, trail)))
    nodes = NodeCaller(CallVerifier(keys.fingerprint, registry.lookup, registry))
    folder = world.repository.layout.folder
    app.include_router(bricks_router(folder, nodes))
    app.include_router(pin_router(lambda: RootPin.of_repository(folder, keys.identity), nodes))
    return app


def test_a_brick_goes_from_the_hospital_through_the_clinic_to_the_device(tiers):
    tiers.publish()

    assert tiers.carry() == {"plain-words": 1}
    assert tiers.bricks.updater().installed.active() == {"plain-words": 1}


def test_after_two_changes_of_root_keys_while_offline_a_device_follows(tiers):
    tiers.publish()
    tiers.carry()
    world = tiers.world
    for _ in range(2):
        plan = KeyPlan(world.sticks, keys=3, threshold=2)
        rotate(world.repository, world.maker, plan, world.ring(), role="root")
    tiers.publish(2)

    assert tiers.carry() == {"plain-words": 2}


def test_what_updates_change_stands_on_the_trails_of_clinic_and_device(tiers, tmp_path):
    device = Device(DeviceSettings(data=tmp_path / "device"), Quiet())
    tiers.device = device.bricks
    tiers.device._limits = LIMITS
    tiers.publish()
    tiers.carry()
    tiers.publish(2)
    tiers.carry()

    def told(trail):
        events = [record.event["entity"][0] for record in trail.records()]
        details = [{d["type"]: d["valueString"] for d in e["detail"]} for e in events]
        return [(d["former"], d["version"]) for d in details if d["step"] == "update"]

    changes = [("none", "1"), ("1", "2")]
    assert told(tiers.clinic.intake.audit) == told(device.audit) == changes
    status = CliRunner().invoke(clinic_app, ["--data", str(tmp_path), "status", "--json"])
    lines = json.loads(status.stdout)["updates"]["lines"]
    assert [line["step"] for line in lines] == ["copy", "update", "copy", "update"]
    assert lines[-1]["moved"] == len(b"words 2")


def test_only_what_changed_passes_the_line(tiers):
    tiers.publish()
    tiers.carry()
    tiers.publish(2)

    assert tiers.bricks.sync().moved == len(b"words 2")
    (done,) = tiers.device.update(tiers.member, {"en"})
    assert (done.ref, done.moved) == ("plain-words@2", len(b"words 2"))
    assert done.size > 1000


def test_what_the_hospital_takes_back_goes_out_of_use_everywhere(tiers):
    for version in (1, 2):
        tiers.publish(version)
        tiers.carry()
    revoke(tiers.world.repository, tiers.world.ring(), "plain-words@2", "Too plain.")

    assert tiers.carry() == {"plain-words": 1}
    assert tiers.bricks.updater().installed.active() == {"plain-words": 1}


def test_a_device_on_battery_only_hears_what_was_taken_back(tiers, monkeypatch):
    tiers.publish()
    tiers.carry()
    tiers.publish(2)
    revoke(tiers.world.repository, tiers.world.ring(), "plain-words@1", "Too plain.")
    monkeypatch.setattr("patient_app.bricks.on_power", lambda: False)

    assert tiers.carry() == {}


def test_a_clinic_that_vouches_for_a_root_of_its_own_is_found_out(tiers):
    tiers.publish()
    tiers.bricks.sync()
    forged = RootPin.of_repository(tiers.bricks.copy, tiers.clinic.keys.identity)
    (tiers.bricks.copy / "pin.json").write_text(forged.model_dump_json())

    with pytest.raises(BrickUntrustedError, match="not signed by the hospital"):
        tiers.device.update(tiers.member, {"en"})


@pytest.mark.parametrize("place", ["device/bricks/trust/root.json", "clinic/mirror/pin.json"])
def test_a_damaged_root_is_fetched_anew_as_the_hospital_signed_it(tiers, tmp_path, place):
    tiers.publish()
    tiers.carry()
    (tmp_path / place).write_bytes(b"{")

    tiers.publish(2)

    assert tiers.carry() == {"plain-words": 2}


def test_a_clinic_that_changes_a_manifest_is_found_out(tiers):
    tiers.publish()
    tiers.bricks.sync()
    (path,) = (tiers.bricks.copy / "targets" / "device").rglob("*.json")
    path.write_bytes(path.read_bytes().replace(b"Plain", b"Blunt"))

    with tiers.device.updater(tiers.member) as updater, pytest.raises(BrickUntrustedError):
        updater.pull("plain-words")


def test_a_clinic_without_a_copy_has_nothing_to_hand_on(tiers):
    with pytest.raises(RepositoryAwayError, match="no bricks to offer yet"):
        tiers.device.update(tiers.member, {"en"})


def test_a_clinic_that_is_not_enrolled_is_told_so(tmp_path):
    bricks = ClinicBricks(tmp_path, lambda: None)

    with pytest.raises(RepositoryAwayError, match="not enrolled"):
        bricks.sync()


def test_a_node_that_was_revoked_gets_nothing(tiers):
    tiers.publish()
    tiers.registry.revoke(tiers.clinic.keys.fingerprint)

    with pytest.raises(RepositoryAwayError, match="401") as caught:
        tiers.bricks.sync()
    assert "enrol it" in caught.value.advice


def test_without_a_hospital_behind_the_clinic_nothing_is_trusted(tiers):
    tiers.member.link_to(CLINIC, tiers.clinic.keys.bundle(), None)

    with pytest.raises(NotLinkedError, match="nobody signs"):
        tiers.device.update(tiers.member, {"en"})


async def test_the_loops_bring_bricks_down_by_themselves_and_end_when_cancelled(tiers, monkeypatch):
    monkeypatch.setattr("patient_app.bricks.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("patient_app.bricks.RETRY_SECONDS", 0.05)
    tiers.publish()
    loops = [
        asyncio.create_task(tiers.device.loop(lambda: [tiers.member], 3600)),
        asyncio.create_task(tiers.bricks.loop(3600)),
    ]
    folder = tiers.device._folder
    async with asyncio.timeout(60):
        while not Installed(folder).active():  # noqa: ASYNC110 - it is a file
            await asyncio.sleep(0.05)
    for loop in loops:
        loop.cancel()
    assert [type(e) for e in await asyncio.gather(*loops, return_exceptions=True)] == [
        asyncio.CancelledError,
        asyncio.CancelledError,
    ]


def test_a_process_that_ends_does_not_wait_for_a_download(tiers):
    tiers.publish()
    stop = threading.Event()
    stop.set()

    with pytest.raises(RepositoryAwayError, match="broken off"):
        tiers.bricks.sync(until(stop))


def test_the_commands_of_clinic_and_device_bring_bricks_down(tiers, tmp_path):
    tiers.publish()
    (tmp_path / "device" / "passphrase").write_text("correct horse")
    data = ["--data", str(tmp_path)]

    pulled = CliRunner().invoke(clinic_app, [*data, "pull", "--json"], catch_exceptions=False)
    fetched = CliRunner().invoke(
        device_app, [*data, "pull", "plain-words", "--json"], catch_exceptions=False
    )

    for result in (pulled, fetched):
        assert json.loads(result.stdout)["pulled"][0]["ref"] == "plain-words@1"
    assert "The copy holds 1 bricks" in pulled.stderr
    assert Installed(tmp_path / "device" / "bricks").active() == {"plain-words": 1}
