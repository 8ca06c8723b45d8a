"""Keys, thresholds, delegations, rotation, expiry: whose word counts, and for how long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from support.brick_repository import PASSPHRASE, World
from tuf.api.exceptions import ExpiredMetadataError, UnsignedMetadataError
from tuf.api.metadata import Metadata

from compliance.errors import BadInputError
from services.bricks.errors import (
    BrickDamagedError,
    BrickError,
    BrickNotWrittenError,
    BrickUnknownError,
)
from services.bricks.repository import refresh as refreshing
from services.bricks.repository.delegations import rotate, undelegate
from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.key_maker import KeyPlan
from services.bricks.repository.publish import publish
from services.bricks.repository.refresh import refresh, refresh_loop, states

TARGET = "device/general/plain-words/1.json"


def keys_of(folder: Path, role: str) -> list[Path]:
    return [p for p in sorted(folder.iterdir()) if p.name.startswith(f"{role}-")]


def versions(world: World) -> dict[str, int]:
    return {state.role: state.version for state in states(world.repository)}


def test_a_new_repository_has_three_root_keys_of_which_two_sign(empty: World) -> None:
    empty.init()
    root = next(s for s in states(empty.repository) if s.role == "root")
    assert (root.threshold, len(root.keyids), root.version) == (2, 3, 1)
    assert [len(keys_of(stick, "root")) for stick in empty.sticks] == [1, 1, 1]
    assert empty.repository.read().root.consistent_snapshot
    assert all(s.signed and not s.due for s in states(empty.repository))
    assert empty.fetch("revoked.json") == b"[]"


def test_a_repository_is_not_made_over_another(world: World) -> None:
    with pytest.raises(BrickError, match="already"):
        world.init()


def test_where_there_is_none_the_command_that_makes_one_is_named(empty: World) -> None:
    with pytest.raises(BrickUnknownError) as refused:
        empty.repository.read()
    assert "repository init" in refused.value.advice


def test_damaged_metadata_is_named(world: World) -> None:
    path = world.repository.layout.of_role("targets", versions(world)["targets"])
    path.write_bytes(b"{")
    with pytest.raises(BrickDamagedError, match=path.name):
        world.repository.read()


@pytest.mark.parametrize(("keys", "threshold"), [(1, 2), (0, 0), (2, 0), (17, 1)])
def test_a_threshold_that_the_keys_cannot_reach_is_refused(keys: int, threshold: int) -> None:
    with pytest.raises(BadInputError):
        KeyPlan([Path()], keys, threshold)


def test_the_same_level_and_domain_is_delegated_once(world: World) -> None:
    with pytest.raises(BrickError, match="delegated already") as refused:
        world.delegate()
    assert "rotate device-general" in refused.value.advice


def test_below_its_threshold_a_delegation_signs_nothing(world: World) -> None:
    world.delegate("cardiology", keys=3, threshold=2)
    first, second, _ = keys_of(world.held, "device-cardiology")
    first.unlink()
    ref = world.brick(domain="cardiology").ref
    publish(world.repository, world.store, world.ring(), ref)
    assert world.fetch("device/cardiology/plain-words/1.json") is not None
    second.unlink()
    later = world.brick(2, domain="cardiology").ref
    with pytest.raises(RepositoryKeyError, match="2 of its 3 keys"):
        publish(world.repository, world.store, world.ring(), later)


def test_what_was_signed_under_a_delegation_that_was_taken_back_is_not_to_be_had(
    world: World,
) -> None:
    client = world.folder / "client"
    publish(world.repository, world.store, world.ring(), world.brick().ref)
    assert world.fetch(TARGET, client) is not None
    undelegate(world.repository, world.ring(), "device-general")
    assert world.fetch(TARGET, client) is None
    assert world.repository.manifests() == []
    with pytest.raises(BrickUnknownError):
        undelegate(world.repository, world.ring(), "device-general")


def test_a_delegation_that_comes_back_is_taken_by_clients_that_saw_the_old_one(
    world: World,
) -> None:
    client = world.folder / "client"
    publish(world.repository, world.store, world.ring(), world.brick().ref)
    assert world.fetch(TARGET, client) is not None
    before = versions(world)["device-general"]
    undelegate(world.repository, world.ring(), "device-general")
    world.fetch(TARGET, client)
    world.delegate()
    assert versions(world)["device-general"] == before + 1
    publish(world.repository, world.store, world.ring(), world.brick(2).ref)
    assert world.fetch("device/general/plain-words/2.json", client) is not None
    assert world.fetch(TARGET, client) is None


@pytest.mark.parametrize("role", ["snapshot", "timestamp", "targets", "device-general"])
def test_clients_follow_the_rotation_of_any_role(world: World, role: str) -> None:
    client = world.folder / "client"
    publish(world.repository, world.store, world.ring(), world.brick().ref)
    world.fetch(TARGET, client)
    folder = world.online if role in {"snapshot", "timestamp"} else world.held
    old = keys_of(folder, role)
    out = rotate(world.repository, world.maker, KeyPlan([folder]), world.ring(), role=role)
    assert [path.name for path in old] == [f"{role}-{out[0][:8]}.signing-key"]
    for path in old:
        path.unlink()
    assert world.fetch(TARGET, client) is not None
    publish(world.repository, world.store, world.ring(), world.brick(2).ref)
    refresh(world.repository, world.ring(), ["timestamp", "snapshot"])
    assert world.fetch("device/general/plain-words/2.json", client) is not None
    assert world.fetch(TARGET) is not None


def test_a_client_that_was_away_follows_two_rotations_of_root(world: World) -> None:
    client = world.folder / "client"
    world.fetch("revoked.json", client)
    plan = KeyPlan(world.sticks, keys=3, threshold=2)
    for _ in range(2):
        old = [path for stick in world.sticks for path in keys_of(stick, "root")]
        rotate(world.repository, world.maker, plan, world.ring(), role="root")
        for path in old:
            path.unlink()
    assert versions(world)["root"] == 3
    assert world.fetch("revoked.json", client) == b"[]"
    assert world.fetch("revoked.json") == b"[]"


def test_one_lost_root_key_is_replaced_by_the_two_others(world: World) -> None:
    lost = keys_of(world.sticks[0], "root")[0]
    lost_id = lost.stem.removeprefix("root-")
    lost.unlink()
    plan = KeyPlan(world.sticks, keys=3, threshold=2)
    out = rotate(world.repository, world.maker, plan, world.ring(), role="root", only=lost_id)
    assert [keyid[:8] for keyid in out] == [lost_id]
    root = next(s for s in states(world.repository) if s.role == "root")
    assert len(root.keyids) == 3
    assert world.fetch("revoked.json") == b"[]"


def test_one_root_key_alone_changes_nothing(world: World) -> None:
    plan = KeyPlan(world.sticks, keys=3, threshold=2)
    ring = world.ring(world.sticks[0], world.held, world.online)
    with pytest.raises(RepositoryKeyError, match="root"):
        rotate(world.repository, world.maker, plan, ring, role="root")
    assert versions(world)["root"] == 1
    assert [len(keys_of(stick, "root")) for stick in world.sticks] == [1, 1, 1]


def test_what_is_not_there_cannot_be_rotated(world: World) -> None:
    plan = KeyPlan([world.held])
    with pytest.raises(BrickUnknownError):
        rotate(world.repository, world.maker, plan, world.ring(), role="device-cardiology")
    with pytest.raises(BrickUnknownError):
        rotate(world.repository, world.maker, plan, world.ring(), role="targets", only="zz")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_rotation_that_breaks_off_can_be_done_again(
    world: World, break_at: Callable[[int], None], number: int
) -> None:
    client = world.folder / "client"
    world.fetch("revoked.json", client)
    break_at(number)
    plan = KeyPlan([world.online])
    if number < 3:  # timestamp, root
        with pytest.raises(BrickNotWrittenError, match="No space"):
            rotate(world.repository, world.maker, plan, world.ring(), role="timestamp")
        assert world.fetch("revoked.json", client) == b"[]"
        break_at(0)
    rotate(world.repository, world.maker, plan, world.ring(), role="timestamp")
    assert world.fetch("revoked.json", client) == b"[]"
    assert all(state.signed for state in states(world.repository))


def test_clients_accept_every_moment_of_a_rotation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = world.folder / "client"
    write = world.repository.layout.write

    def seen(path: Path, content: bytes) -> None:
        write(path, content)
        world.fetch("revoked.json", client)
        world.fetch("revoked.json")

    monkeypatch.setattr(world.repository.layout, "write", seen)
    for role in ("timestamp", "snapshot", "targets"):
        folder = world.held if role == "targets" else world.online
        rotate(world.repository, world.maker, KeyPlan([folder]), world.ring(), role=role)


def test_a_stranger_with_one_key_of_two_is_not_believed(world: World) -> None:
    place = world.repository.layout.of_role("root", 2)
    root = Metadata.from_bytes(world.repository.layout.of_role("root", 1).read_bytes())
    root.signed.version = 2
    root.signatures.clear()
    ring = world.ring(world.sticks[0])
    for signer in ring.signers(root.signed.roles["root"].keyids):
        root.sign(signer)
    place.write_bytes(root.to_bytes())
    with pytest.raises(UnsignedMetadataError):
        world.fetch("revoked.json")


def test_old_metadata_is_refused_by_clients_and_signed_anew_in_time(world: World) -> None:
    assert refresh(world.repository, world.ring()) == ()
    world.ahead = timedelta(days=-4)
    refresh(world.repository, world.ring(), ["timestamp"])
    with pytest.raises(ExpiredMetadataError):
        world.fetch("revoked.json")
    world.ahead = timedelta(0)
    assert refresh(world.repository, world.ring(world.online)) == ("timestamp",)
    assert world.fetch("revoked.json") == b"[]"


def test_half_of_their_time_before_the_end_the_online_roles_are_due(world: World) -> None:
    world.ahead = timedelta(days=1)
    assert refresh(world.repository, world.ring()) == ()
    world.ahead = timedelta(days=2)
    assert refresh(world.repository, world.ring()) == ("timestamp",)
    world.ahead = timedelta(days=8)
    assert refresh(world.repository, world.ring()) == ("snapshot", "timestamp")


def test_people_are_told_a_month_before_what_they_sign_runs_out(world: World) -> None:
    world.ahead = timedelta(days=151)
    due = {state.role for state in states(world.repository) if state.due}
    assert due == {"snapshot", "timestamp", "device-general"}


def test_root_and_delegations_are_signed_anew_when_they_are_named(world: World) -> None:
    before = versions(world)
    assert refresh(world.repository, world.ring(), ["root", "device-general"]) == (
        "device-general",
        "root",
    )
    after = versions(world)
    assert (after["root"], after["device-general"]) == (2, before["device-general"] + 1)
    assert world.fetch("revoked.json") == b"[]"
    with pytest.raises(BrickUnknownError):
        refresh(world.repository, world.ring(), ["device-cardiology"])


def test_refreshing_asks_for_no_passphrase(world: World) -> None:
    world.asked.clear()
    world.ahead = timedelta(days=10)
    refresh(world.repository, world.ring())
    assert world.asked == []


def test_a_passphrase_is_asked_for_once_a_key(world: World) -> None:
    world.asked.clear()
    ring = world.ring()
    publish(world.repository, world.store, ring, world.brick().ref)
    publish(world.repository, world.store, ring, world.brick(2).ref)
    assert len(world.asked) == 1
    assert world.asked[0].startswith("device-general-")
    assert PASSPHRASE not in repr(ring)


async def until(so: Callable[[], bool]) -> None:
    for _ in range(1000):
        if so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("It did not come about.")


async def test_the_hospitals_job_signs_anew_and_says_what_people_have_to_do(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "LOOK_SECONDS", 0.01)
    caplog.set_level(logging.INFO)
    before = versions(world)
    world.ahead = timedelta(days=160)
    job = asyncio.create_task(refresh_loop(world.repository, world.ring(world.online)))
    await until(lambda: "refresh device-general" in caplog.text)
    job.cancel()
    assert versions(world)["timestamp"] == before["timestamp"] + 1
    assert "refresh root" not in caplog.text


async def test_the_hospitals_job_goes_on_when_a_look_fails(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "LOOK_SECONDS", 0.01)
    world.ahead = timedelta(days=10)
    ring = world.ring(world.folder / "nothing")
    job = asyncio.create_task(refresh_loop(world.repository, ring))
    await until(lambda: caplog.text.count("was not refreshed") > 1)
    assert not job.done()
    job.cancel()
