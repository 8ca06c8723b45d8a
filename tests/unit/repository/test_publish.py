"""Publishing: signed by those who may, seen whole or not at all, and taken back for good."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.brick_repository import World

from services.bricks.errors import (
    BrickDamagedError,
    BrickError,
    BrickNotWrittenError,
    BrickRevokedError,
    BrickUnknownError,
)
from services.bricks.repository import layout
from services.bricks.repository.errors import RepositoryBusyError, RepositoryKeyError
from services.bricks.repository.publish import movement, publish, revoke, revoked

TARGET = "device/general/plain-words/1.json"


def test_a_client_gets_the_manifest_that_was_published(world: World) -> None:
    manifest = world.brick()
    done = publish(world.repository, world.store, world.ring(), manifest.ref)
    assert (done.path, done.role) == (TARGET, "device-general")
    assert world.fetch(TARGET) == manifest.canonical()
    for file in manifest.files:
        blob = world.repository.layout.of_blob(file.digest)
        assert blob.read_bytes() == world.store.blob(file.digest).read_bytes()
    assert world.repository.manifests() == [manifest]


def test_a_brick_that_nobody_may_sign_is_refused(world: World) -> None:
    manifest = world.brick(domain="cardiology")
    with pytest.raises(BrickUnknownError, match="device-cardiology"):
        publish(world.repository, world.store, world.ring(), manifest.ref)


def test_without_the_key_of_its_domain_nothing_is_published(world: World) -> None:
    ref = world.brick().ref
    before = sorted(world.repository.layout.folder.rglob("*"))
    with pytest.raises(RepositoryKeyError, match="device-general"):
        publish(world.repository, world.store, world.ring(world.online), ref)
    assert sorted(world.repository.layout.folder.rglob("*")) == before


def test_one_domain_cannot_sign_for_another(world: World) -> None:
    world.delegate("cardiology")
    with world.repository.edit(world.ring()) as edition:
        path = "device/general/stolen/1.json"
        target = world.repository.put_target(path, b"{}")
        edition.targets("device-cardiology").targets[path] = target
    assert world.fetch(path) is None


def test_a_name_belongs_to_the_domain_that_published_it_first(world: World) -> None:
    publish(world.repository, world.store, world.ring(), world.brick().ref)
    world.delegate("cardiology")
    ref = world.brick(2, domain="cardiology").ref
    with pytest.raises(BrickError, match="belongs to device/general"):
        publish(world.repository, world.store, world.ring(), ref)


def test_publishing_the_same_brick_again_changes_nothing(world: World) -> None:
    ref = world.brick().ref
    publish(world.repository, world.store, world.ring(), ref)
    before = {p: p.stat().st_mtime_ns for p in world.repository.layout.metadata.iterdir()}
    publish(world.repository, world.store, world.ring(world.online), ref)
    assert before == {p: p.stat().st_mtime_ns for p in world.repository.layout.metadata.iterdir()}


def test_a_lower_version_than_the_published_one_is_refused(world: World) -> None:
    publish(world.repository, world.store, world.ring(), world.brick(3).ref)
    with pytest.raises(BrickError, match="plain-words@3 is published"):
        publish(world.repository, world.store, world.ring(), world.brick(2).ref)


def test_a_published_version_never_changes(world: World) -> None:
    publish(world.repository, world.store, world.ring(), world.brick().ref)
    world.store.remove("plain-words@1")
    changed = world.brick(words=b"other words")
    with pytest.raises(BrickError, match="is not later"):
        publish(world.repository, world.store, world.ring(), changed.ref)


def test_a_damaged_file_is_not_published(world: World) -> None:
    manifest = world.brick()
    path = world.store.path(manifest.ref, "policy.yaml")
    path.chmod(0o644)
    path.write_bytes(b"wordz")
    with pytest.raises(BrickDamagedError, match=r"policy\.yaml"):
        publish(world.repository, world.store, world.ring(), manifest.ref)
    assert world.repository.manifests() == []


def test_what_a_node_has_to_fetch_is_what_changed(world: World) -> None:
    first = world.brick()
    assert publish(world.repository, world.store, world.ring(), first.ref).moved.before is None
    second = world.brick(2, b"other words")
    moved = publish(world.repository, world.store, world.ring(), second.ref).moved
    assert moved.before == "plain-words@1"
    assert moved.update == len(b"other words") + len(second.canonical())
    assert moved.whole == moved.update + 1400
    assert moved.model is None


def test_an_adapter_is_set_against_its_model(world: World) -> None:
    model = world.brick(id="base-model", kind="model")
    base = next(f for f in model.files if f.name == "large.bin")
    adapter = world.brick(2, kind="adapter", base=base.digest, rank=8)
    assert movement(adapter, [], world.store).model == 1400
    assert movement(adapter, [model], world.store).model == 1400


def test_a_revoked_brick_is_on_the_signed_list(world: World) -> None:
    publish(world.repository, world.store, world.ring(), world.brick().ref)
    entry = revoke(world.repository, world.ring(), "plain-words@1", "Wrong dose.")
    assert revoked(world.repository) == [entry]
    raw = world.fetch("revoked.json")
    assert raw is not None
    assert json.loads(raw) == [
        {"ref": "plain-words@1", "reason": "Wrong dose.", "date": f"{entry.date}"}
    ]


def test_only_what_is_published_can_be_revoked_and_once(world: World) -> None:
    with pytest.raises(BrickUnknownError):
        revoke(world.repository, world.ring(), "plain-words@1", "Wrong dose.")
    publish(world.repository, world.store, world.ring(), world.brick().ref)
    revoke(world.repository, world.ring(), "plain-words@1", "Wrong dose.")
    with pytest.raises(BrickRevokedError):
        revoke(world.repository, world.ring(), "plain-words@1", "Wrong dose.")


def test_a_revoked_version_stays_revoked_and_the_next_one_may_come(world: World) -> None:
    publish(world.repository, world.store, world.ring(), world.brick().ref)
    revoke(world.repository, world.ring(), "plain-words@1", "Wrong dose.")
    publish(world.repository, world.store, world.ring(), world.brick(2).ref)
    assert [entry.ref for entry in revoked(world.repository)] == ["plain-words@1"]
    assert world.fetch("device/general/plain-words/2.json") is not None


def test_who_signs_bricks_cannot_revoke(world: World) -> None:
    publish(world.repository, world.store, world.ring(), world.brick().ref)
    targets = [p for p in world.held.iterdir() if p.name.startswith("targets")]
    for path in targets:
        path.unlink()
    with pytest.raises(RepositoryKeyError, match="targets"):
        revoke(world.repository, world.ring(), "plain-words@1", "Wrong dose.")
    assert revoked(world.repository) == []


@pytest.mark.parametrize("number", range(1, 7))
def test_a_run_that_breaks_off_at_any_file_leaves_the_old_state(
    world: World, break_at: Callable[[int], None], number: int
) -> None:
    publish(world.repository, world.store, world.ring(), world.brick().ref)
    second = world.brick(2, b"other words")
    break_at(number)
    path = "device/general/plain-words/2.json"
    if number <= 5:  # a file of the brick, its manifest, the delegation, snapshot, timestamp
        with pytest.raises(BrickNotWrittenError, match="No space"):
            publish(world.repository, world.store, world.ring(), second.ref)
        assert world.fetch(path) is None
        assert world.fetch(TARGET) is not None
        assert not list(world.repository.layout.folder.rglob("*.draft"))
        break_at(0)
    publish(world.repository, world.store, world.ring(), second.ref)
    assert world.fetch(path) == second.canonical()


def test_a_client_never_sees_less_than_a_whole_state_while_others_publish(world: World) -> None:
    refs = [world.brick(version, b"%d" % version).ref for version in range(1, 6)]

    def look(_: int) -> None:
        world.fetch("revoked.json")
        world.fetch(TARGET)

    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(look, n) for n in range(20)]
        for ref in refs:
            publish(world.repository, world.store, world.ring(), ref)
        for done in looks:
            done.result()
    assert len(world.repository.manifests()) == len(refs)


def test_two_publishers_do_not_work_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "PATIENCE", 0.1)
    ref = world.brick().ref
    with world.repository.layout.lock(), pytest.raises(RepositoryBusyError):
        publish(world.repository, world.store, world.ring(), ref)
    publish(world.repository, world.store, world.ring(), ref)


def test_a_file_on_another_disk_is_copied_and_read_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    manifest = world.brick()
    monkeypatch.setattr("os.link", refuse)
    publish(world.repository, world.store, world.ring(), manifest.ref)
    for file in manifest.files:
        assert world.repository.layout.of_blob(file.digest).stat().st_nlink == 1


def test_a_damaged_file_in_the_repository_is_mended_by_publishing_what_holds_it(
    world: World,
) -> None:
    first = world.brick()
    publish(world.repository, world.store, world.ring(), first.ref)
    digest = next(f.digest for f in first.files if f.name == "large.bin")
    blob = world.repository.layout.of_blob(digest)
    blob.unlink()
    blob.write_bytes(b"x" * 1400)
    publish(world.repository, world.store, world.ring(), world.brick(2, b"more").ref)
    assert blob.read_bytes() == world.store.blob(digest).read_bytes()


def test_a_manifest_that_was_tampered_with_is_noticed(world: World) -> None:
    manifest = world.brick()
    publish(world.repository, world.store, world.ring(), manifest.ref)
    path = next(world.repository.layout.targets.glob("device/general/plain-words/*.1.json"))
    path.write_bytes(manifest.canonical().replace(b"Plain words", b"Plane words"))
    with pytest.raises(BrickDamagedError, match=TARGET):
        world.repository.manifests()
