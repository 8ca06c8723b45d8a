"""Whoever can write to the repository's folder gets nothing signed by that."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.brick_repository import CHEAP, PASSPHRASE, World
from tuf.api.metadata import Metadata, Root, TargetFile

from services.bricks.errors import BrickDamagedError
from services.bricks.repository.init import init
from services.bricks.repository.key_files import make_key
from services.bricks.repository.key_maker import KeyPlan
from services.bricks.repository.publish import publish
from services.bricks.repository.repository import Repository


def current(world: World, role: str) -> Path:
    version = world.repository.read().metadata[role].signed.version
    return world.repository.layout.of_role(role, version)


@pytest.mark.parametrize("role", ["targets", "device-general", "snapshot"])
def test_a_role_that_was_tampered_with_is_never_signed_over(world: World, role: str) -> None:
    path = current(world, role)
    path.write_bytes(path.read_bytes().replace(b'"version":', b'"version": '))
    with pytest.raises(BrickDamagedError, match=path.name):
        publish(world.repository, world.store, world.ring(), world.brick().ref)


def test_targets_that_a_stranger_put_in_are_not_signed_with_the_next_brick(world: World) -> None:
    edition = world.repository.read()
    bad = TargetFile.from_data("device/general/bad/1.json", b"{}", ["sha256"])
    edition.targets("device-general").targets[bad.path] = bad
    for role in ("device-general", "snapshot", "timestamp"):  # in place, with the old signatures
        metadata = edition.metadata[role]
        if role == "snapshot":
            meta = metadata.signed.meta["device-general.json"]
            meta.length, meta.hashes = None, None
        if role == "timestamp":
            metadata.signed.snapshot_meta.length = metadata.signed.snapshot_meta.hashes = None
        path = world.repository.layout.of_role(role, metadata.signed.version)
        path.write_bytes(metadata.to_bytes())
    with pytest.raises(BrickDamagedError, match="not signed by those who may"):
        publish(world.repository, world.store, world.ring(), world.brick().ref)


def test_another_root_with_our_keys_in_it_is_noticed_by_the_one_beside_the_keys(
    world: World, tmp_path: Path
) -> None:
    """A forged root that names our keys and a stranger's would make the stranger's word count."""
    path = world.repository.layout.of_role("root", 1)
    root = Metadata[Root].from_bytes(path.read_bytes())
    _, stranger = make_key(tmp_path / "stranger", "root", PASSPHRASE, CHEAP)
    for role in root.signed.roles:
        root.signed.add_key(stranger.public_key, role)
        root.signed.roles[role].threshold = 1
    root.sign(stranger)
    path.write_bytes(root.to_bytes())
    world.repository.read()  # by itself the folder is consistent
    with pytest.raises(BrickDamagedError, match="another one"):
        publish(world.repository, world.store, world.ring(), world.brick().ref)


def test_keys_of_one_repository_do_not_sign_for_another(world: World, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    plans = {role: KeyPlan([tmp_path / "keys"]) for role in ("root", "targets")}
    online = {role: KeyPlan([tmp_path / "machine"]) for role in ("snapshot", "timestamp")}
    init(other, world.maker, plans | online, world.ring(tmp_path / "keys", tmp_path / "machine"))
    with pytest.raises(BrickDamagedError, match="another one"):
        publish(other, world.store, world.ring(), world.brick().ref)


def test_a_root_that_the_one_before_did_not_sign_is_refused(world: World, tmp_path: Path) -> None:
    root = Metadata[Root].from_bytes(world.repository.layout.of_role("root", 1).read_bytes())
    _, stranger = make_key(tmp_path / "stranger", "root", PASSPHRASE, CHEAP)
    for keyid in tuple(root.signed.roles["root"].keyids):
        root.signed.revoke_key(keyid, "root")
    root.signed.add_key(stranger.public_key, "root")
    root.signed.roles["root"].threshold = 1
    root.signed.version = 2
    root.signatures.clear()
    root.sign(stranger)
    world.repository.layout.of_role("root", 2).write_bytes(root.to_bytes())
    with pytest.raises(BrickDamagedError, match="root of the repository is not signed"):
        world.repository.read()
