"""Attacks by whoever stands between a node and its repository, named as python-tuf names them.

After each, what was in use is in use, and it is whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.repository import Publisher
from tuf.api.metadata import Metadata, MetaFile

from services.bricks.errors import BrickUnknownError, BrickUntrustedError, RepositoryAwayError
from services.bricks.updater.updater import Updater


@pytest.fixture(autouse=True)
def nothing_was_changed(updater: Updater) -> Iterator[None]:
    """What every refused attack leaves."""
    yield
    assert updater.installed.active() == {"heart-style": 1}
    updater.store.verify("heart-style@1")
    assert updater.store.refs() == ["heart-style@1"]


def refused(updater: Updater) -> str:
    """Try to pull; return why nothing came of it."""
    with pytest.raises(BrickUntrustedError) as caught:
        updater.pull("heart-style")
    assert caught.value.exit_code == 21
    return caught.value.message


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_a_new_role_that_is_unsigned_is_refused(publisher, updater, role):
    publisher.brick(b"false words", version=2)
    publisher.publish()
    resigned(publisher, role, by="stranger", keys=0)

    assert "not signed by enough" in refused(updater)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_a_new_role_that_a_stranger_signed_is_refused(publisher, updater, role):
    publisher.brick(b"false words", version=2)
    publisher.publish()
    resigned(publisher, role, by="stranger")

    assert "not signed by enough" in refused(updater)


def test_a_delegated_role_that_a_stranger_signed_is_refused(publisher, updater):
    publisher.brick(b"false words", version=2)
    publisher.publish()
    resigned(publisher, "device-cardiology", by="stranger")

    assert "not signed by enough" in refused(updater)


def test_targets_signed_below_their_threshold_are_refused(tmp_path, updater):
    guarded = Publisher(tmp_path / "guarded", targets=3)
    guarded.brick(b"the first words")
    guarded.publish()
    node = guarded.updater(tmp_path / "guarded-node")
    node.pull("heart-style")
    guarded.brick(b"false words", version=2)
    guarded.publish()
    resigned(guarded, "targets", by="targets", keys=2)

    assert "not signed by enough" in refused(node)
    assert node.installed.active() == {"heart-style": 1}


def test_a_key_that_signs_twice_under_two_names_counts_once(tmp_path, updater):
    guarded = Publisher(tmp_path / "guarded", targets=2)
    guarded.brick(b"the first words")
    guarded.publish()
    node = guarded.updater(tmp_path / "guarded-node")
    guarded.publish()
    path = guarded.layout.of_role("targets", 2)
    held = Metadata.from_file(str(path))
    first, second = held.signatures.values()
    second.signature = first.signature
    path.write_bytes(held.to_bytes())
    listed(guarded, "targets", path.read_bytes())

    assert "not signed by enough" in refused(node)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "device-cardiology"])
def test_a_new_role_that_is_expired_is_refused(publisher, updater, role):
    publisher.brick(b"newer words", version=2)
    publisher.expire(role)
    publisher.publish()

    assert "expired" in refused(updater)


def test_a_final_root_that_is_expired_is_refused(publisher, updater):
    publisher.expire("root")
    publisher.rotate("timestamp")
    publisher.publish()

    assert "expired" in refused(updater)


def test_a_new_timestamp_version_rollback_is_refused(publisher, updater):
    old = publisher.remember()
    publisher.brick(b"newer words", brick="lung-style")
    publisher.publish()
    updater.check()
    publisher.replay(old, "timestamp.json")

    assert "older than what was seen" in refused(updater)


def test_a_new_timestamp_snapshot_rollback_is_refused(publisher, updater):
    publisher.publish()
    updater.check()
    publisher.snapshot.version = 1
    publisher.stamp()

    assert "older than what was seen" in refused(updater)


def test_a_new_snapshot_version_rollback_of_targets_is_refused(publisher, updater):
    publisher.publish()
    updater.check()
    publisher.targets.version = 1
    raw = publisher.write("targets")
    publisher.snapshot.meta["targets.json"] = MetaFile.from_data(1, raw, ["sha256"])
    publisher.snapshot.version += 1
    publisher.stamp()

    assert "older than what was seen" in refused(updater)


def test_a_new_snapshot_that_misses_a_role_is_refused(publisher, updater):
    del publisher.snapshot.meta["device-cardiology.json"]
    publisher.snapshot.version += 1
    publisher.stamp()

    refused(updater)


def test_a_root_version_rollback_is_refused(publisher, updater):
    publisher.rotate("timestamp")
    publisher.publish()
    updater.check()
    first = publisher.layout.of_role("root", 1).read_bytes()
    publisher.layout.of_role("root", 3).write_bytes(first)

    assert "older than what was seen" in refused(updater)


def test_a_new_root_nonconsecutive_version_is_refused(publisher, updater):
    publisher.root.version = 5
    publisher.layout.of_role("root", 2).write_bytes(publisher.write("root"))

    refused(updater)


def test_an_intermediate_root_incorrectly_signed_is_refused(publisher, updater):
    publisher.root.version = 2
    publisher.sign("root", by="stranger")

    assert "not signed by enough" in refused(updater)


def test_an_indefinite_freeze_ends_when_the_timestamp_expires(publisher, updater):
    node = updater
    publisher.expire("timestamp")
    publisher.stamp()

    assert "expired: nobody renewed it, an old state is shown" in refused(node)


def test_a_mix_and_match_of_two_states_is_refused(publisher, updater, tmp_path):
    other = publisher.twin(tmp_path / "other")
    for made, words in ((publisher, b"one thing"), (other, b"another thing")):
        made.brick(words, version=2)
        made.publish()
    role = ("device-cardiology", 2)
    shutil.copy(other.layout.of_role(*role), publisher.layout.of_role(*role))

    assert "not what the signed metadata says" in refused(updater)


def test_a_snapshot_of_another_state_is_refused(publisher, updater, tmp_path):
    other = publisher.twin(tmp_path / "other")
    for made, words in ((publisher, b"one thing"), (other, b"another thing")):
        made.brick(words, version=2)
        made.publish()
    shutil.copy(other.layout.of_role("snapshot", 2), publisher.layout.of_role("snapshot", 2))

    assert "not what the signed metadata says" in refused(updater)


def test_endless_metadata_is_refused(publisher, updater):
    publisher.layout.of_role("timestamp", 0).write_bytes(b" " * (17 << 10))

    assert "longer than it may be" in refused(updater)


@pytest.mark.parametrize("raw", [b"", b"{", b"[" * 5000, b'{"signed": {}, "signatures": []}'])
def test_metadata_that_cannot_be_read_is_refused(publisher, updater, raw):
    publisher.layout.of_role("timestamp", 0).write_bytes(raw)

    refused(updater)


def test_metadata_of_another_role_in_its_place_is_refused(publisher, updater):
    shutil.copy(publisher.layout.of_role("snapshot", 1), publisher.layout.of_role("timestamp", 0))

    refused(updater)


def test_a_delegated_role_cannot_sign_for_another_domain(publisher, updater):
    stolen = publisher.brick(b"false words", brick="stroke-style", domain="neurology")
    path = f"device/neurology/stroke-style/{stolen.version}.json"
    neurology = publisher.metadata["device-neurology"].signed.targets
    publisher.metadata["device-cardiology"].signed.targets[path] = neurology.pop(path)
    publisher.publish()

    with pytest.raises(BrickUnknownError):
        updater.pull("stroke-style")


def test_a_delegated_role_cannot_put_a_brick_in_the_place_of_another_domains(publisher, updater):
    publisher.brick(b"false words", version=9, domain="neurology")
    publisher.publish()

    assert updater.pull("heart-style").ref == "heart-style@1"
    assert updater.update("device", ("en",)) == []
    with pytest.raises(BrickUntrustedError, match="device/neurology"):
        updater.pull("heart-style@9")


def test_a_brick_that_two_domains_claim_is_not_taken_by_a_new_node(publisher, tmp_path, updater):
    publisher.brick(b"false words", version=9, domain="neurology")
    publisher.publish()
    node = publisher.updater(tmp_path / "new")

    assert node.update("device", ("en",)) == []
    assert "device/cardiology and device/neurology" in refused(node)


def test_a_delegated_role_that_is_missing_leaves_the_others(publisher, updater):
    publisher.brick(b"lung words", brick="lung-style", domain="pneumology")
    publisher.publish()
    publisher.layout.of_role("device-pneumology", 1).unlink()

    assert updater.check().left_out == {"device-pneumology": "It could not be fetched."}
    with pytest.raises(BrickUntrustedError, match="device-pneumology"):
        updater.pull("lung-style")


def test_nothing_is_trusted_without_a_root(tmp_path: Path, publisher, updater):
    shutil.rmtree(updater.client.folder)

    assert "No repository is trusted here yet" in refused(updater)


def test_a_root_is_not_changed_for_another_one(publisher, updater, tmp_path):
    other = Publisher(tmp_path / "other")

    with pytest.raises(BrickUntrustedError, match="Another root is trusted"):
        updater.client.trust(other.first_root)


def test_a_root_that_does_not_sign_itself_is_not_trusted(publisher, updater, tmp_path):
    forged = publisher.sign("root", by="stranger")

    with pytest.raises(BrickUntrustedError, match="not signed by enough"):
        publisher.updater(tmp_path / "new").client.trust(forged)


def test_a_repository_that_is_gone_is_away(publisher, updater):
    shutil.rmtree(publisher.layout.folder)

    with pytest.raises(RepositoryAwayError) as caught:
        updater.pull("heart-style")
    assert caught.value.exit_code == 23


def resigned(publisher: Publisher, role: str, *, by: str, keys: int | None = None) -> None:
    """Sign a role as an attacker can, who also fits to it whatever comes behind it."""
    listed(publisher, role, publisher.sign(role, by=by, keys=keys))


def listed(publisher: Publisher, role: str, raw: bytes) -> None:
    """Let snapshot and timestamp name these bytes, so that only the signature is wrong."""
    version = publisher.metadata[role].signed.version
    if role == "snapshot":
        publisher.timestamp.snapshot_meta = MetaFile.from_data(version, raw, ["sha256"])
        publisher.write("timestamp")
    elif role != "timestamp":
        publisher.snapshot.meta[f"{role}.json"] = MetaFile.from_data(version, raw, ["sha256"])
        publisher.stamp()
