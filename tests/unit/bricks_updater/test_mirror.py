"""A clinic's copy of a repository, and devices that follow the copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.repository import SMALL, Publisher

from services.bricks.errors import BrickError, BrickUntrustedError, RepositoryAwayError
from services.bricks.updater.client import Client
from services.bricks.updater.download import Downloads
from services.bricks.updater.mirror import Mirror
from services.bricks.updater.source import FolderSource


class Copy(Mirror):
    """A clinic's copy with its own memory of the publisher."""

    def __init__(self, publisher: Publisher, folder: Path) -> None:
        super().__init__(folder / "mirror", ("device", "clinic"))
        source = FolderSource(publisher.layout.folder)
        self.client = Client(folder / "trust", source, SMALL)
        self.downloads = Downloads(folder / "parts", source, SMALL)

    def sync(self):
        return super().sync(self.client, self.downloads)


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    return tmp_path / "clinic"


@pytest.fixture
def mirror(publisher, clinic) -> Copy:
    """A copy of the first state."""
    made = Copy(publisher, clinic)
    made.client.trust(publisher.first_root)
    made.sync()
    return made


def device(publisher: Publisher, mirror: Copy, folder: Path):
    return publisher.updater(folder, FolderSource(mirror.layout.folder))


def names(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_a_device_follows_the_copy_as_if_it_were_the_repository(publisher, mirror, tmp_path):
    node = device(publisher, mirror, tmp_path / "device")
    assert node.pull("heart-style").ref == "heart-style@1"
    publisher.brick(b"newer words", version=2)
    publisher.rotate("timestamp", "snapshot")
    publisher.publish()
    assert node.update("device", ("en",)) == []

    done = mirror.sync()

    assert done.moved == len(b"newer words")
    assert done.refs == ("heart-style@1", "heart-style@2")
    assert [d.ref for d in node.update("device", ("en",))] == ["heart-style@2"]


def test_a_copy_that_cannot_be_made_whole_stays_as_it_was(publisher, mirror, tmp_path):
    before = names(mirror.layout.folder)
    stamp = mirror.layout.of_role("timestamp", 0).read_bytes()
    publisher.brick(b"some words", brick="lung-style")
    lost = publisher.brick(b"newer words", version=2)
    publisher.publish()
    publisher.layout.of_blob(lost.files[0].digest).unlink()

    with pytest.raises(RepositoryAwayError):
        mirror.sync()

    assert mirror.layout.of_role("timestamp", 0).read_bytes() == stamp
    assert before <= names(mirror.layout.folder)
    assert set(device(publisher, mirror, tmp_path / "d").check().entries) == {"heart-style@1"}


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_a_state_that_does_not_hold_is_not_handed_on(publisher, mirror, role):
    stamp = mirror.layout.of_role("timestamp", 0).read_bytes()
    publisher.brick(b"newer words", version=2)
    publisher.publish()
    publisher.sign(role, by="stranger")

    with pytest.raises(BrickUntrustedError):
        mirror.sync()
    assert mirror.layout.of_role("timestamp", 0).read_bytes() == stamp


def test_levels_above_and_what_was_taken_back_are_not_handed_on(publisher, mirror):
    publisher.brick(b"hospital words", brick="deep-style", level="hospital")
    publisher.brick(b"clinic words", brick="clinic-style", level="clinic")
    publisher.brick(b"unsafe words", version=2)
    publisher.revoke("heart-style@2")
    publisher.publish()

    assert mirror.sync().refs == ("clinic-style@1", "heart-style@1")
    contents = {p.read_bytes() for p in (mirror.layout.targets / "blobs").iterdir()}
    assert contents == {b"clinic words", b"the first words"}


def test_what_was_taken_back_goes_out_of_use_on_the_device(publisher, mirror, tmp_path):
    node = device(publisher, mirror, tmp_path / "device")
    node.pull("heart-style")
    publisher.revoke("heart-style@1")
    publisher.publish()
    mirror.sync()

    node.check()

    assert node.installed.active() == {}


def test_what_the_present_state_does_not_name_is_deleted(publisher, mirror):
    for version in (2, 3):
        publisher.brick(b"words %d" % version, version=version)
        publisher.publish()
        mirror.sync()

    found = {p.name for p in mirror.layout.metadata.iterdir()}
    assert found == {
        "1.root.json",
        "3.snapshot.json",
        "3.targets.json",
        "3.device-cardiology.json",
        "timestamp.json",
    }


def test_a_role_that_is_no_longer_delegated_is_handed_on_no_more(publisher, mirror):
    publisher.brick(b"lung words", brick="lung-style", domain="pneumology")
    publisher.publish()
    mirror.sync()
    publisher.targets.delegations.roles.pop("device-pneumology")
    publisher.publish()

    assert mirror.sync().refs == ("heart-style@1",)
    assert not list(mirror.layout.metadata.glob("*pneumology*"))
    cached = {p.name for p in (mirror.client.folder / "targets").iterdir()}
    assert cached == {"device%2Fcardiology%2Fheart-style%2F1.json"}


def test_a_damaged_file_of_the_copy_is_fetched_again(publisher, mirror, clinic):
    (blob,) = (mirror.layout.targets / "blobs").iterdir()
    blob.unlink()
    blob.write_bytes(b"the f1rst words")

    again = Copy(publisher, clinic)  # as after a restart

    assert again.sync().moved == len(b"the first words")


def test_a_device_that_knows_an_older_root_than_the_clinic_can_follow(publisher, clinic, tmp_path):
    for _ in range(2):
        publisher.rotate("root")
        publisher.publish()
    mirror = Copy(publisher, clinic)
    mirror.client.trust(publisher.layout.of_role("root", 3).read_bytes())
    mirror.sync()

    assert device(publisher, mirror, tmp_path / "device").pull("heart-style").before is None


def test_a_role_that_expired_is_left_out_and_the_others_are_handed_on(publisher, mirror, tmp_path):
    publisher.brick(b"lung words", brick="lung-style", domain="pneumology")
    publisher.expire("device-pneumology")
    publisher.publish()

    assert mirror.sync().refs == ("heart-style@1",)
    node = device(publisher, mirror, tmp_path / "device")
    assert node.check().left_out == {"device-pneumology": "It could not be fetched."}
    assert node.pull("heart-style").ref == "heart-style@1"


def test_only_one_sync_runs_at_a_time(publisher, mirror, clinic, monkeypatch):
    monkeypatch.setattr("services.bricks.repository.layout.PATIENCE", 0.0)
    with mirror.layout.lock(), pytest.raises(BrickError):
        Copy(publisher, clinic).sync()
