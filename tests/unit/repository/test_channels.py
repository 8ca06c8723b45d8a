"""Channels: who is offered which version, as the hospital's machine signs it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from support.brick_repository import World

from services.bricks.channels import CHANNELS, FARTHEST, ROLE, Channels, Line, Next, rank
from services.bricks.errors import BrickError, BrickUnknownError, BrickUntrustedError
from services.bricks.repository.channels import bring, channels_of, open_channels
from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.prune import prune
from services.bricks.repository.publish import publish
from services.bricks.repository.refresh import refresh, states
from services.bricks.updater.client import Client
from services.bricks.updater.download import Downloads
from services.bricks.updater.limits import Limits
from services.bricks.updater.mirror import Mirror
from services.bricks.updater.source import FolderSource
from services.bricks.updater.updater import Updater

LIMITS = Limits(spare_bytes=0)
SALT = secrets.token_hex(32)
NAME = "plain-words"
FIRST, LAST = sorted(("a" * 32, "b" * 32), key=lambda node: rank(SALT, node))
"""Two nodes in the order of the release."""


@pytest.fixture
def world(world: World) -> World:
    """Channels, and two versions of a brick: the first for all, the second on its way."""
    put(world, 1)
    open_channels(world.repository, world.maker, world.ring(), world.online)
    bring(world.repository, world.ring(world.online), lambda: {NAME: Line(settled=1)})
    put(world, 2)
    return world


def put(world: World, version: int) -> None:
    made = world.brick(version, b"words %d" % version)
    publish(world.repository, world.store, world.ring(), made.ref)


def coming(world: World, reach: str | None, **more: object) -> None:
    line = Line(settled=1, next=Next(version=2, salt=SALT, reach=reach), **more)
    bring(world.repository, world.ring(world.online), lambda: {NAME: line})


def node(world: World, name: str | None, source: Path | None = None) -> Updater:
    folder = source or world.repository.layout.folder
    made = Updater(world.folder / f"node-{name}", FolderSource(folder), LIMITS, node=name)
    if not made.client.trusts:
        made.client.trust(world.repository.layout.of_role("root", 1).read_bytes())
    return made


def in_use(updater: Updater) -> dict[str, int]:
    updater.update("device", ("en",))
    return updater.installed.active()


def copy(world: World, name: str = "mirror") -> Path:
    """A clinic's copy as it is now."""
    folder = world.folder / name
    source = FolderSource(world.repository.layout.folder)
    client = Client(folder / "trust", source, LIMITS)
    if not client.trusts:
        client.trust(world.repository.layout.of_role("root", 1).read_bytes())
    Mirror(folder, ("device",)).sync(client, Downloads(folder / "parts", source, LIMITS))
    return folder


def test_what_is_published_is_offered_to_nobody_before_its_turn(world: World) -> None:
    assert in_use(node(world, FIRST)) == {NAME: 1}
    assert in_use(node(world, None)) == {NAME: 1}


def test_a_node_sees_the_version_on_its_way_when_its_turn_has_come(world: World) -> None:
    coming(world, rank(SALT, FIRST))
    assert in_use(node(world, FIRST)) == {NAME: 2}
    assert in_use(node(world, LAST)) == {NAME: 1}
    coming(world, FARTHEST)
    assert in_use(node(world, LAST)) == {NAME: 2}


def test_a_node_that_has_no_turn_waits_until_a_version_is_for_all(world: World) -> None:
    coming(world, rank(SALT, LAST))
    assert in_use(node(world, None)) == {NAME: 1}
    coming(world, FARTHEST)
    assert in_use(node(world, None)) == {NAME: 2}


def test_asking_for_a_version_by_its_number_does_not_bring_it_before_its_turn(world: World) -> None:
    coming(world, rank(SALT, FIRST))
    with pytest.raises(BrickUnknownError, match="not yet"):
        node(world, LAST).pull(f"{NAME}@2")


def test_what_is_withdrawn_goes_out_of_use_and_never_comes_back(world: World) -> None:
    coming(world, FARTHEST)
    there = node(world, FIRST)
    assert in_use(there) == {NAME: 2}
    line = Line(settled=1, withdrawn={2: "Overrides rose."})
    bring(world.repository, world.ring(world.online), lambda: {NAME: line})
    assert in_use(there) == {NAME: 1}
    assert there.installed.state().of(NAME).aside == {2: "Overrides rose."}
    coming(world, FARTHEST)  # whoever signs that by mistake: what was withdrawn stays so
    assert channels_of(world.repository).bricks[NAME].withdrawn == {2: "Overrides rose."}
    assert in_use(there) == {NAME: 1}
    put(world, 3)
    line = Line(settled=3)
    bring(world.repository, world.ring(world.online), lambda: {NAME: line})
    assert in_use(there) == {NAME: 3}


def test_a_node_that_was_away_during_the_whole_of_it_never_sees_what_was_withdrawn(
    world: World,
) -> None:
    there = node(world, FIRST)
    assert in_use(there) == {NAME: 1}
    coming(world, FARTHEST, withdrawn={2: "Overrides rose."})
    assert in_use(there) == {NAME: 1}
    assert there.installed.state().of(NAME).highest == 1


def test_a_copy_hands_on_who_is_offered_what(world: World) -> None:
    coming(world, rank(SALT, FIRST))
    mirror = copy(world)
    assert in_use(node(world, FIRST, mirror)) == {NAME: 2}
    assert in_use(node(world, LAST, mirror)) == {NAME: 1}


def test_a_copy_without_its_channels_brings_nothing_new(world: World) -> None:
    there = node(world, LAST)
    assert in_use(there) == {NAME: 1}
    coming(world, FARTHEST)
    mirror = copy(world)
    for path in (*mirror.rglob("*.channels.json"),):
        path.unlink()
    there = node(world, LAST, mirror)
    with pytest.raises(BrickUntrustedError, match="channels"):
        there.pull(NAME)
    assert in_use(there) == {NAME: 1}


def test_a_copy_cannot_show_channels_of_its_own(world: World) -> None:
    coming(world, None)
    mirror = copy(world)
    (path,) = (mirror / "targets").glob("*.channels.json")
    line = Line(settled=2)
    path.write_bytes(Channels(bricks={NAME: line}).canonical())
    there = node(world, LAST, mirror)
    with pytest.raises(BrickUntrustedError):
        there.pull(f"{NAME}@2")
    assert there.installed.active() == {}


def test_a_copy_cannot_show_the_channels_of_before(world: World) -> None:
    coming(world, FARTHEST)
    old = copy(world, "old")
    line = Line(settled=1, withdrawn={2: "Overrides rose."})
    bring(world.repository, world.ring(world.online), lambda: {NAME: line})
    there = node(world, FIRST)
    assert in_use(there) == {NAME: 1}
    replayed = node(world, FIRST, old)
    with pytest.raises(BrickUntrustedError, match="older than what was seen"):
        replayed.update("device", ("en",))
    assert replayed.installed.active() == {NAME: 1}


def test_only_the_key_of_channels_signs_them(world: World) -> None:
    (world.online / "channels-1.signing-key").unlink(missing_ok=True)
    for path in world.online.glob("*.signing-key"):
        if ROLE in path.name:
            path.unlink()
    with pytest.raises(RepositoryKeyError, match="channels"):
        coming(world, FARTHEST)
    assert in_use(node(world, LAST)) == {NAME: 1}


def test_signing_the_same_again_writes_nothing(world: World) -> None:
    coming(world, FARTHEST)
    stamp = world.repository.layout.of_role("timestamp", 0)
    before = stamp.read_bytes()
    coming(world, FARTHEST)
    assert stamp.read_bytes() == before


def test_a_repository_has_channels_once(world: World) -> None:
    with pytest.raises(BrickError, match="already"):
        open_channels(world.repository, world.maker, world.ring(), world.online)


def test_adapters_from_before_are_for_all_and_their_next_version_is_not(world: World) -> None:
    base = "sha256:" + "b" * 64

    def adapter(version: int) -> None:
        made = world.brick(
            version, b"weights %d" % version, id="style", kind="adapter", base=base, rank=4
        )
        publish(world.repository, world.store, world.ring(), made.ref)

    other = World(world.folder / "other")
    other.init()
    other.delegate()
    world = other
    adapter(1)
    lines = open_channels(world.repository, world.maker, world.ring(), world.online)
    assert lines == {"style": Line(settled=1)}
    adapter(2)
    assert in_use(node(world, FIRST)) == {"style": 1}


def test_channels_are_kept_fresh_without_a_person(world: World) -> None:
    world.ahead = timedelta(days=10)
    assert ROLE in refresh(world.repository, world.ring(world.online))
    assert {state.role for state in states(world.repository) if state.due} == set()


def test_the_version_that_all_have_is_never_pruned(world: World) -> None:
    for version in (3, 4, 5):
        put(world, version)
    pruned = prune(world.repository, world.ring(), keep=1)
    assert set(pruned.refs) == {f"{NAME}@{version}" for version in (2, 3, 4)}
    assert world.fetch(CHANNELS) is not None
    assert in_use(node(world, FIRST)) == {NAME: 1}


def test_a_torn_list_of_channels_is_not_trusted() -> None:
    with pytest.raises(BrickUntrustedError):
        Channels.parse(b'{"bricks":{"x":{"settled":-1}}}')
