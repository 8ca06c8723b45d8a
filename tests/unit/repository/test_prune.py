"""Pruning: old versions go with their files, and nothing goes that something needs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.brick_repository import World

from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.prune import prune
from services.bricks.repository.publish import publish, revoke
from services.bricks.repository.refresh import refresh


def offered(world: World) -> list[str]:
    return [manifest.ref for manifest in world.repository.manifests()]


def put(world: World, version: int, words: bytes, **other: object) -> str:
    ref = world.brick(version, words, **other).ref
    publish(world.repository, world.store, world.ring(), ref)
    return ref


def test_only_the_latest_versions_stay_with_their_files(world: World) -> None:
    for version in range(1, 6):
        put(world, version, b"words of version %d" % version)
    said = prune(world.repository, world.ring(world.held), dry_run=True)
    assert len(offered(world)) == 5
    pruned = prune(world.repository, world.ring())
    assert pruned.refs == said.refs == ("plain-words@1", "plain-words@2")
    assert pruned.bytes == said.bytes > 2 * len(b"words of version 1")
    assert offered(world) == ["plain-words@3", "plain-words@4", "plain-words@5"]
    files = [p for p in world.repository.layout.targets.glob("blobs/*") if p.is_file()]
    assert len(files) == 4
    assert world.fetch("device/general/plain-words/5.json") is not None
    assert world.fetch("device/general/plain-words/1.json") is None
    assert prune(world.repository, world.ring(world.folder)).refs == ()


def test_what_was_taken_back_goes_and_does_not_count(world: World) -> None:
    for version in (1, 2, 3):
        put(world, version, b"%d" % version)
    revoke(world.repository, world.ring(), "plain-words@3", "Wrong dose.")
    prune(world.repository, world.ring(), keep=1)
    assert offered(world) == ["plain-words@2"]


def test_a_model_stays_as_long_as_an_adapter_stands_on_it(world: World) -> None:
    put(world, 1, b"first", id="base-model", kind="model")
    base = next(f for f in world.store.get("base-model@1").files if f.name == "policy.yaml")
    put(world, 2, b"second", id="base-model", kind="model")
    put(world, 1, b"adapter", kind="adapter", base=base.digest, rank=8)
    assert prune(world.repository, world.ring(), keep=1).refs == ()


def test_a_brick_stays_as_long_as_another_one_specialises_it(world: World) -> None:
    put(world, 1, b"first", id="heart")
    put(world, 2, b"second", id="heart")
    put(world, 1, b"narrow", parent="heart@1")
    assert prune(world.repository, world.ring(), keep=1).refs == ()


def test_what_broken_runs_left_goes_and_what_is_current_lately_stays(world: World) -> None:
    put(world, 1, b"words")
    draft = world.repository.layout.targets / "blobs" / ".0123.draft"
    draft.write_bytes(b"half")
    refresh(world.repository, world.ring(), ["timestamp", "snapshot", "device-general"])
    before = {p.name for p in world.repository.layout.metadata.iterdir()}
    assert prune(world.repository, world.ring()).bytes == 4
    assert {p.name for p in world.repository.layout.metadata.iterdir()} == before
    world.ahead = timedelta(days=8)
    prune(world.repository, world.ring())
    left = {p.name for p in world.repository.layout.metadata.iterdir()}
    assert left < before
    assert "1.root.json" in left
    world.ahead = timedelta(0)
    assert world.fetch("device/general/plain-words/1.json") is not None


def test_without_the_keys_of_a_role_nothing_goes(world: World) -> None:
    for version in (1, 2):
        put(world, version, b"%d" % version)
    with pytest.raises(RepositoryKeyError):
        prune(world.repository, world.ring(world.online), keep=1)
    assert len(offered(world)) == 2
    assert world.fetch("device/general/plain-words/1.json") is not None
