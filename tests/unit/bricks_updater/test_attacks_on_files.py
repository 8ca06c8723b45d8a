"""Attacks on what the metadata names, and on what lies on the node's own disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from support.repository import Publisher, a_manifest
from tuf.api.exceptions import DownloadHTTPError

from services.bricks.errors import BrickError, BrickUnknownError, BrickUntrustedError
from services.bricks.manifest import BrickManifest
from services.bricks.repository.layout import target_of
from services.bricks.updater.limits import Limits
from services.bricks.updater.source import FolderSource


def blob_of(publisher: Publisher, manifest: BrickManifest) -> Path:
    return publisher.layout.of_blob(manifest.files[0].digest)


def test_a_file_with_a_wrong_hash_is_refused(publisher, updater):
    second = publisher.brick(b"newer words", version=2)
    publisher.publish()
    blob_of(publisher, second).write_bytes(b"false words")

    with pytest.raises(BrickUntrustedError, match="not what its digest says"):
        updater.pull("heart-style")
    assert updater.installed.active() == {"heart-style": 1}
    assert not list((updater.folder / "parts").iterdir())


def test_a_manifest_with_a_wrong_hash_is_refused(publisher, updater):
    second = publisher.brick(b"newer words", version=2)
    publisher.publish()
    target = publisher.metadata["device-cardiology"].signed.targets[target_of(second)]
    forged = second.canonical().replace(b"heart is", b"hurt  is")
    publisher.layout.of_target(target.path, target.hashes["sha256"]).write_bytes(forged)

    with pytest.raises(BrickUntrustedError, match="not what the signed metadata says"):
        updater.pull("heart-style")


def test_endless_data_in_the_place_of_a_file_is_cut_off(publisher, updater):
    second = publisher.brick(b"newer words", version=2)
    publisher.publish()
    blob_of(publisher, second).write_bytes(b"x" * 5_000_000)

    with pytest.raises(BrickUntrustedError, match="longer than it is to be"):
        updater.pull("heart-style")
    assert sum(p.stat().st_size for p in (updater.folder / "parts").iterdir()) == 0


def test_endless_data_in_the_place_of_a_manifest_is_cut_off(publisher, updater):
    second = publisher.brick(b"newer words", version=2)
    publisher.publish()
    target = publisher.metadata["device-cardiology"].signed.targets[target_of(second)]
    place = publisher.layout.of_target(target.path, target.hashes["sha256"])
    place.write_bytes(second.canonical() + b" " * 5_000_000)

    with pytest.raises(BrickUntrustedError, match="longer than it may be"):
        updater.pull("heart-style")


def test_a_manifest_that_is_signed_as_endless_is_not_fetched(publisher, updater):
    path = "device/cardiology/heart-style/2.json"
    publisher.offer(path, b" " * (300 << 10), "device-cardiology")
    publisher.publish()

    with pytest.raises(BrickUntrustedError, match="longer than 262144 bytes"):
        updater.pull("heart-style")


@pytest.mark.parametrize(
    "path",
    [
        "../../device/cardiology/heart-style/2.json",
        "device/cardiology/../../../2.json",
        "/etc/heart-style/2.json",
        "device/cardiology/heart-style/2.json/../../../../x.json",
        "device/cardiology/heart%2Fstyle/2.json",
        "device/cardiology/heart-style/02.json",
    ],
)
def test_a_path_traversal_in_the_name_of_a_target_leads_nowhere(publisher, updater, path):
    publisher.claim(path, a_manifest({"x": b"x"}, version=2).canonical())
    publisher.publish()

    assert set(updater.check().entries) == {"heart-style@1"}
    with pytest.raises(BrickUnknownError):
        updater.pull("heart-style@2")
    assert updater.store.refs() == ["heart-style@1"]


def test_a_path_traversal_in_the_name_of_a_role_stays_in_the_folder(publisher, updater):
    publisher._delegate("../../../outside", "device/neurology/*/*")
    publisher.metadata["../../../outside"].signed.version = 1
    del publisher.metadata["../../../outside"]  # its file lies nowhere
    publisher.publish()

    assert "../../../outside" in updater.check().left_out
    assert not list(updater.folder.rglob("*outside*"))
    above = (updater.folder / "seen").parents[:4]
    assert not [folder for folder in above if (folder / "outside.json").exists()]


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside", ".hidden"])
def test_a_path_traversal_in_the_name_of_a_file_is_refused(publisher, updater, name):
    raw = a_manifest({"content.bin": b"x"}, version=2).canonical()
    raw = raw.replace(b"content.bin", name.encode())
    publisher.offer("device/cardiology/heart-style/2.json", raw, "device-cardiology")
    publisher.publish()

    with pytest.raises(BrickUntrustedError, match="no good"):
        updater.pull("heart-style")


def test_a_manifest_of_another_brick_is_refused(publisher, updater):
    raw = a_manifest({"x": b"x"}, brick="lung-style", version=2).canonical()
    publisher.offer("device/cardiology/heart-style/2.json", raw, "device-cardiology")
    publisher.publish()

    with pytest.raises(BrickUntrustedError, match="of another brick"):
        updater.pull("heart-style")


def test_a_manifest_in_another_spelling_is_refused(publisher, updater):
    raw = a_manifest({"x": b"x"}, version=2).canonical() + b"\n"
    publisher.offer("device/cardiology/heart-style/2.json", raw, "device-cardiology")
    publisher.publish()

    with pytest.raises(BrickUntrustedError, match="spelled"):
        updater.pull("heart-style")


def test_a_list_of_what_was_taken_back_that_cannot_be_read_stops_the_update(publisher, updater):
    publisher.offer("revoked.json", b'{"ref": "heart-style@1"}')
    publisher.publish()

    with pytest.raises(BrickUntrustedError, match="taken back cannot be read"):
        updater.check()


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "device-cardiology"])
@pytest.mark.parametrize("raw", [b"", b"\x00" * 100, b'{"signed": {}}'])
def test_a_corrupted_cache_of_metadata_is_healed(publisher, updater, role, raw):
    (updater.client.seen / f"{role}.json").write_bytes(raw)
    publisher.brick(b"newer words", version=2)
    publisher.publish()

    assert updater.pull("heart-style").ref == "heart-style@2"


def test_a_corrupted_cache_of_roots_is_healed(publisher, updater):
    for _ in range(2):
        publisher.rotate("timestamp")
        publisher.publish()
    updater.check()
    for path in (updater.client.seen / "root_history").iterdir():
        path.write_bytes(b"not a root")
    publisher.brick(b"newer words", version=2)
    publisher.publish()

    assert updater.pull("heart-style").ref == "heart-style@2"


def test_a_corrupted_file_in_the_store_is_fetched_again(publisher, updater):
    blob = updater.store.path("heart-style@1", "content.bin")
    blob.chmod(0o600)
    blob.write_bytes(b"the f1rst words")

    done = updater.pull("heart-style")

    assert done.moved == len(b"the first words")
    updater.store.verify("heart-style@1")


def test_a_corrupted_manifest_in_the_store_is_fetched_again(publisher, updater):
    path = updater.store.folder / "manifests" / "heart-style" / "1.json"
    path.chmod(0o600)
    path.write_bytes(b"{}")

    updater.pull("heart-style")

    updater.store.verify("heart-style@1")


def test_a_corrupted_part_is_thrown_away_and_fetched_anew(publisher, updater):
    words = b"newer words"
    publisher.brick(words, version=2)
    publisher.publish()
    part = updater.folder / "parts" / f"{hashlib.sha256(words).hexdigest()}.part"
    part.write_bytes(b"FALSE")

    with pytest.raises(BrickUntrustedError):
        updater.pull("heart-style")
    assert updater.pull("heart-style").moved == len(words)


def test_a_part_that_is_too_long_is_thrown_away(publisher, updater):
    words = b"newer words"
    publisher.brick(words, version=2)
    publisher.publish()
    part = updater.folder / "parts" / f"{hashlib.sha256(words).hexdigest()}.part"
    part.write_bytes(words + b"and more")

    assert updater.pull("heart-style").moved == len(words)


def test_what_broke_off_goes_on_where_it_stopped(publisher, updater):
    words = b"newer words"
    publisher.brick(words, version=2)
    publisher.publish()
    part = updater.folder / "parts" / f"{hashlib.sha256(words).hexdigest()}.part"
    part.write_bytes(words[:7])

    assert updater.pull("heart-style").moved == len(words) - 7


@pytest.mark.parametrize("path", ["../beside", "metadata/../../beside", "metadata/link"])
def test_a_folder_gives_nothing_that_lies_beside_it(publisher, path):
    folder = publisher.layout.folder
    (folder.parent / "beside").write_text("a secret")
    (folder / "metadata" / "link").symlink_to(folder.parent / "beside")

    with pytest.raises(DownloadHTTPError):
        list(FolderSource(folder).read(path))


def test_a_full_disk_is_said_before_anything_is_fetched(publisher, tmp_path):
    node = publisher.updater(tmp_path / "full", limits=Limits(spare_bytes=1 << 60))
    with pytest.raises(BrickError, match="There is no room"):
        node.pull("heart-style")
