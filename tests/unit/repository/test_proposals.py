"""Changes that several people sign, each with a key that never meets the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.brick_repository import World

from services.bricks.errors import BrickDamagedError, BrickError, BrickUnknownError
from services.bricks.repository.delegations import delegate, rotate
from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.key_maker import KeyPlan
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.proposals import apply, contents, look, sign
from services.bricks.repository.prune import prune
from services.bricks.repository.publish import publish, revoke
from services.bricks.repository.repository import Repository

TARGET = "device/cardiology/plain-words/1.json"


@pytest.fixture
def proposing(world: World) -> Repository:
    return Repository(
        world.repository.layout.folder, clock=world.now, proposals=world.folder / "proposal"
    )


@pytest.fixture
def holders(world: World) -> list[KeyRing]:
    """Three people who sign device/cardiology together, two of them at least."""
    folders = [world.folder / name for name in ("first", "second", "third")]
    plan = KeyPlan(folders, keys=3, threshold=2)
    delegate(world.repository, world.maker, plan, world.ring(), level="device", domain="cardiology")
    return [world.ring(folder) for folder in folders]


def folder(world: World) -> Path:
    return world.folder / "proposal"


def propose(world: World, proposing: Repository, keys: KeyRing, version: int = 1) -> None:
    ref = world.brick(version, b"%d" % version, domain="cardiology").ref
    with_online = world.ring(*keys.folders, world.online)
    publish(proposing, world.store, with_online, ref)


def test_a_brick_is_published_once_enough_people_have_signed_it(
    world: World, proposing: Repository, holders: list[KeyRing]
) -> None:
    propose(world, proposing, holders[0])
    assert world.fetch(TARGET) is None
    (role,) = look(world.repository, folder(world))
    assert (role.role, role.missing) == ("device-cardiology", 1)
    assert len(role.changes) == 1
    assert role.changes[0].startswith(f"+ {TARGET} (")
    online = world.ring(world.online)
    with pytest.raises(RepositoryKeyError, match="2 of its 3 keys"):
        apply(world.repository, online, folder(world))
    sign(folder(world), holders[2])
    assert look(world.repository, folder(world))[0].missing == 0
    assert apply(world.repository, online, folder(world)) == ("device-cardiology",)
    assert world.fetch(TARGET) is not None
    assert list(folder(world).iterdir()) == []


def test_signing_twice_with_one_key_is_one_signature(
    world: World, proposing: Repository, holders: list[KeyRing]
) -> None:
    propose(world, proposing, holders[0])
    sign(folder(world), holders[0])
    assert look(world.repository, folder(world))[0].missing == 1


def test_the_signature_of_a_stranger_does_not_count(
    world: World, proposing: Repository, holders: list[KeyRing]
) -> None:
    propose(world, proposing, holders[0])
    stranger = world.ring(world.folder / "stranger")
    world.maker.make("device-cardiology", KeyPlan([world.folder / "stranger"]), stranger)
    sign(folder(world), stranger)
    assert look(world.repository, folder(world))[0].missing == 1
    with pytest.raises(RepositoryKeyError):
        sign(folder(world), world.ring(world.online))


def test_a_proposal_that_was_changed_after_it_was_signed_is_worth_nothing(
    world: World, proposing: Repository, holders: list[KeyRing]
) -> None:
    propose(world, proposing, holders[0])
    sign(folder(world), holders[1])
    path = folder(world) / "device-cardiology.proposal"
    path.write_bytes(path.read_bytes().replace(b'"length":', b'"length":1'))
    assert look(world.repository, folder(world))[0].missing == 2
    with pytest.raises(BrickError):
        apply(world.repository, world.ring(world.online), folder(world))
    assert world.fetch(TARGET) is None


def test_a_proposal_on_an_old_state_has_to_be_made_again(
    world: World, proposing: Repository, holders: list[KeyRing]
) -> None:
    propose(world, proposing, holders[0])
    ref = world.brick(2, b"2", domain="cardiology").ref
    ring = world.ring(*(f for h in holders for f in h.folders), world.online)
    publish(world.repository, world.store, ring, ref)
    for use in (
        lambda: look(world.repository, folder(world)),
        lambda: apply(world.repository, ring, folder(world)),
    ):
        with pytest.raises(BrickError, match="published anew") as refused:
            use()
        assert "Propose the change again" in refused.value.advice


def test_two_proposals_do_not_lie_in_one_folder(
    world: World, proposing: Repository, holders: list[KeyRing]
) -> None:
    propose(world, proposing, holders[0])
    with pytest.raises(BrickError, match="already"):
        propose(world, proposing, holders[0], 2)


def test_what_was_pruned_meanwhile_is_not_published(
    world: World, proposing: Repository, holders: list[KeyRing]
) -> None:
    propose(world, proposing, holders[0])
    sign(folder(world), holders[1])
    prune(world.repository, world.ring())
    with pytest.raises(BrickDamagedError):
        apply(world.repository, world.ring(world.online), folder(world))
    assert world.fetch(TARGET) is None


def test_root_is_changed_by_people_who_never_meet(world: World, proposing: Repository) -> None:
    plan = KeyPlan(world.sticks, keys=3, threshold=2)
    rotate(proposing, world.maker, plan, world.ring(world.sticks[0]), role="root")
    assert (folder(world) / "root.proposal").is_file()
    assert look(world.repository, folder(world))[0].missing == 1
    sign(folder(world), world.ring(world.sticks[1]))
    assert look(world.repository, folder(world))[0].missing == 0
    apply(world.repository, world.ring(world.online), folder(world))
    assert world.repository.read().root.version == 2
    assert world.fetch("revoked.json") == b"[]"


def test_a_revocation_shows_what_it_would_change(world: World, proposing: Repository) -> None:
    publish(world.repository, world.store, world.ring(), world.brick().ref)
    revoke(proposing, world.ring(), "plain-words@1", "Wrong dose.")
    (role,) = look(world.repository, folder(world))
    assert (role.role, role.missing) == ("targets", 0)
    assert [change[:14] for change in role.changes] == ["- revoked.json", "+ revoked.json"]
    apply(world.repository, world.ring(world.online), folder(world))
    assert b"Wrong dose." in (world.fetch("revoked.json") or b"")


def test_a_delegation_shows_whose_keys_would_count(world: World, proposing: Repository) -> None:
    plan = KeyPlan([world.held])
    delegate(proposing, world.maker, plan, world.ring(), level="device", domain="cardiology")
    said = contents(folder(world))
    assert set(said) == {"targets", "device-cardiology"}
    assert any("device/cardiology/*/*.json" in fact for fact in said["targets"])
    apply(world.repository, world.ring(world.online), folder(world))
    assert "device-cardiology" in world.repository.read().delegations()


def test_where_there_is_no_proposal_that_is_said(world: World, tmp_path: Path) -> None:
    with pytest.raises(BrickUnknownError, match="no proposal"):
        look(world.repository, tmp_path)
    (tmp_path / "root.proposal").write_text("{")
    with pytest.raises(BrickError, match="cannot be read"):
        sign(tmp_path, world.ring())
