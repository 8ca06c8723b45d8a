"""What an update does, and what it leaves alone."""

from __future__ import annotations

import fcntl
import logging

import pytest
from support.repository import BASE

from services.bricks.errors import (
    BrickDamagedError,
    BrickError,
    BrickRevokedError,
    BrickUnknownError,
    BrickUntrustedError,
)
from services.bricks.updater.installed import Installed


def active(updater) -> dict[str, int]:
    return updater.installed.active()


def test_a_pull_puts_the_highest_version_in_use(publisher, updater):
    publisher.brick(b"newer words", version=2)
    publisher.brick(b"the newest words", version=3)
    publisher.publish()

    done = updater.pull("heart-style")

    assert (done.ref, done.before, done.moved) == ("heart-style@3", 1, len(b"the newest words"))
    assert updater.installed.state().of("heart-style").good == 1


def test_a_pull_of_what_is_here_moves_nothing(updater):
    assert updater.pull("heart-style").moved == 0


def test_only_files_that_changed_are_moved(publisher, updater):
    shared = {"shared.bin": b"s" * 1000}
    publisher.brick(b"two", version=2, files=shared)
    publisher.publish()
    assert updater.pull("heart-style").moved == 1003
    publisher.brick(b"three", version=3, files=shared)
    publisher.publish()

    done = updater.pull("heart-style")

    assert (done.moved, done.size) == (5, 1005)


def test_a_pull_says_how_large_the_model_behind_a_brick_is(publisher, updater):
    model = publisher.brick(b"m" * 5000, brick="small-model", kind="model")
    publisher.brick(
        b"delta", brick="heart-tone", kind="adapter", base=model.files[0].digest, rank=8
    )
    publisher.brick(b"delta", brick="other-tone", kind="adapter", base=BASE, rank=8)
    publisher.publish()
    updater.pull("small-model")

    assert updater.pull("heart-tone").model == 5000
    assert updater.pull("other-tone").model is None


def test_two_root_rotations_while_offline_are_followed(publisher, updater):
    for _ in range(2):
        publisher.rotate("root", "timestamp", "snapshot", "targets")
        publisher.publish()
    publisher.brick(b"newer words", version=2)
    publisher.publish()

    assert updater.pull("heart-style").ref == "heart-style@2"
    assert sorted(p.name for p in (updater.client.seen / "root_history").iterdir()) == [
        "1.root.json",
        "2.root.json",
        "3.root.json",
    ]


def test_intermediate_roots_may_have_expired(publisher, updater):
    kept = publisher.root.expires
    publisher.expire("root")
    publisher.rotate("timestamp")
    publisher.root.expires = kept
    publisher.rotate("root")
    publisher.brick(b"newer words", version=2)
    publisher.publish()

    assert updater.pull("heart-style").ref == "heart-style@2"


def test_a_new_timestamp_fast_forward_is_recovered_from_by_new_keys(publisher, updater):
    publisher.timestamp.version = 99_999
    publisher.stamp()
    updater.check()
    publisher.timestamp.version = 3
    publisher.rotate("timestamp")
    publisher.brick(b"newer words", version=2)
    publisher.publish()

    assert updater.pull("heart-style").ref == "heart-style@2"


def test_a_new_snapshot_fast_forward_is_recovered_from_by_new_keys(publisher, updater):
    publisher.snapshot.version = 99_999
    publisher.stamp()
    updater.check()
    publisher.snapshot.version = 3
    publisher.rotate("snapshot", "timestamp")
    publisher.brick(b"newer words", version=2)
    publisher.publish()

    assert updater.pull("heart-style").ref == "heart-style@2"


def test_a_lower_version_is_not_pulled(publisher, updater):
    publisher.brick(b"newer words", version=2)
    publisher.publish()
    updater.pull("heart-style")

    with pytest.raises(BrickError, match="lower than heart-style@2"):
        updater.pull("heart-style@1")
    assert active(updater) == {"heart-style": 2}


def test_a_repository_that_offers_only_a_lower_version_changes_nothing(publisher, updater):
    publisher.brick(b"newer words", version=2)
    publisher.publish()
    updater.pull("heart-style")
    targets = publisher.metadata["device-cardiology"].signed.targets
    del targets["device/cardiology/heart-style/2.json"]
    publisher.publish()

    assert updater.update("device", ("en",)) == []
    assert active(updater) == {"heart-style": 2}


def test_an_operator_can_roll_back_to_a_lower_version(publisher, updater):
    for version in (2, 3):
        publisher.brick(b"words %d" % version, version=version)
        publisher.publish()
        updater.pull("heart-style")
    assert updater.store.refs() == ["heart-style@2", "heart-style@3"]

    done = updater.roll_back("heart-style@1", "Answers got worse.")

    assert done.moved == len(b"the first words")  # it was not here any more
    assert active(updater) == {"heart-style": 1}
    assert updater.update("device", ("en",)) == []
    with pytest.raises(BrickError, match="put aside here: Answers got worse"):
        updater.pull("heart-style@3")


def test_a_version_that_fell_back_does_not_come_again_and_the_next_one_does(publisher, updater):
    """What a rollout needs: withdrawn, the last good one back, metadata as guarded as before."""
    old = publisher.remember()
    publisher.brick(b"newer words", version=2)
    publisher.publish()
    updater.pull("heart-style")

    assert updater.installed.fall_back("heart-style", "Overrides rose.", version=2) == 1

    assert updater.update("device", ("en",)) == []
    with pytest.raises(BrickError, match="put aside here: Overrides rose"):
        updater.pull("heart-style@2")
    updater.store.verify("heart-style@1")
    publisher.replay(old)
    with pytest.raises(BrickUntrustedError, match="older than what was seen"):
        updater.update("device", ("en",))
    publisher.brick(b"mended words", version=3)
    publisher.publish()
    (done,) = updater.update("device", ("en",))
    assert (done.ref, done.before) == ("heart-style@3", 1)
    assert updater.installed.fall_back("heart-style", "Worse.", version=3) == 1


def test_a_roll_back_works_without_the_repository(publisher, updater):
    publisher.brick(b"newer words", version=2)
    publisher.publish()
    updater.pull("heart-style")
    publisher.layout.of_role("timestamp", 0).unlink()

    assert updater.roll_back("heart-style@1", "Answers got worse.").moved == 0


def test_a_version_that_was_taken_back_goes_out_of_use_and_the_last_good_one_comes_back(
    publisher, updater
):
    publisher.brick(b"newer words", version=2)
    publisher.publish()
    updater.pull("heart-style")
    publisher.revoke("heart-style@2")
    publisher.publish()

    updater.check()

    assert active(updater) == {"heart-style": 1}
    with pytest.raises(BrickRevokedError, match="It was unsafe"):
        updater.pull("heart-style@2")


def test_without_a_good_version_none_is_used_and_the_next_one_comes(publisher, updater):
    publisher.revoke("heart-style@1")
    publisher.publish()
    assert updater.update("device", ("en",)) == []
    assert active(updater) == {}
    publisher.brick(b"mended words", version=2)
    publisher.publish()

    assert [done.ref for done in updater.update("device", ("en",))] == ["heart-style@2"]


def test_what_was_taken_back_goes_out_of_use_though_a_role_is_missing(publisher, updater):
    publisher.revoke("heart-style@1")
    publisher.publish()
    publisher.layout.of_role("device-cardiology", 2).unlink()

    updater.check()

    assert active(updater) == {}


def test_an_update_takes_new_knowledge_of_this_tier_and_language_only(publisher, updater):
    publisher.brick(b"1", brick="new-here")
    publisher.brick(b"2", brick="in-spanish", languages=["es"])
    publisher.brick(b"3", brick="for-the-clinic", level="clinic")
    publisher.brick(b"4", brick="a-model", kind="model")
    publisher.publish()

    assert [done.ref for done in updater.update("device", ("en",))] == ["new-here@1"]
    assert {done.ref for done in updater.update("clinic", ("en", "es"))} == {
        "in-spanish@1",
        "for-the-clinic@1",
    }


def test_an_update_brings_a_model_up_to_date_that_somebody_chose(publisher, updater):
    publisher.brick(b"4", brick="a-model", kind="model")
    publisher.publish()
    updater.pull("a-model")
    publisher.brick(b"5", brick="a-model", kind="model", version=2)
    publisher.publish()

    assert [done.ref for done in updater.update("device", ())] == ["a-model@2"]


def test_an_update_leaves_alone_what_an_operator_took_out_of_use(publisher, updater):
    updater.installed.drop("heart-style")
    publisher.brick(b"newer words", version=2)
    publisher.publish()

    assert updater.update("device", ("en",)) == []
    updater.pull("heart-style")
    assert active(updater) == {"heart-style": 2}


def test_one_brick_that_fails_holds_up_no_other(publisher, updater, caplog):
    bad = publisher.brick(b"newer words", version=2)
    good = publisher.brick(b"lung words", brick="lung-style")
    publisher.publish()
    publisher.layout.of_blob(bad.files[0].digest).unlink()

    with caplog.at_level(logging.WARNING):
        done = updater.update("device", ("en",))

    assert [d.ref for d in done] == [good.ref]
    assert active(updater) == {"heart-style": 1, "lung-style": 1}
    assert "heart-style was not updated" in caplog.text


def test_a_pin_keeps_a_version_whatever_comes(publisher, updater):
    updater.installed.pin("heart-style", 1)
    publisher.brick(b"newer words", version=2)
    publisher.publish()

    assert updater.update("device", ("en",)) == []
    assert updater.pull("heart-style").ref == "heart-style@1"
    with pytest.raises(BrickError, match="pinned to 1"):
        updater.pull("heart-style@2")
    updater.installed.pin("heart-style", None)
    assert updater.pull("heart-style").ref == "heart-style@2"


def test_a_pin_to_a_lower_version_brings_it_back(publisher, updater):
    publisher.brick(b"newer words", version=2)
    publisher.publish()
    updater.pull("heart-style")
    updater.installed.pin("heart-style", 1)

    assert [done.ref for done in updater.update("device", ("en",))] == ["heart-style@1"]
    updater.installed.pin("heart-style", None)
    assert [done.ref for done in updater.update("device", ("en",))] == ["heart-style@2"]


def test_an_update_mends_what_is_in_use_and_damaged(updater):
    blob = updater.store.path("heart-style@1", "content.bin")
    blob.chmod(0o600)
    blob.write_bytes(b"the f1rst words")

    assert [done.moved for done in updater.update("device", ("en",))] == [15]
    assert updater.update("device", ("en",)) == []


def test_a_brick_that_moved_is_taken_after_an_operator_dropped_it(publisher, updater):
    publisher.metadata["device-cardiology"].signed.targets.clear()
    publisher.brick(b"newer words", version=2, domain="neurology")
    publisher.publish()
    with pytest.raises(BrickUntrustedError, match="device/neurology"):
        updater.pull("heart-style")
    updater.installed.drop("heart-style")

    assert updater.pull("heart-style").ref == "heart-style@2"


def test_what_a_pull_would_come_to_is_foreseen(publisher, updater):
    publisher.brick(b"newer words", version=2)
    publisher.publish()

    done = updater.foresee("heart-style")

    assert (done.ref, done.before, done.moved) == ("heart-style@2", 1, 11)
    assert active(updater) == {"heart-style": 1}


def test_a_brick_that_is_not_offered_is_unknown(updater):
    with pytest.raises(BrickUnknownError):
        updater.pull("no-such-brick")
    with pytest.raises(BrickUnknownError):
        updater.pull("heart-style@9")


def test_versions_that_nothing_brings_back_are_deleted(publisher, updater):
    for version in (2, 3, 4):
        publisher.brick(b"words %d" % version, version=version)
        publisher.publish()
        updater.pull("heart-style")

    assert updater.store.refs() == ["heart-style@3", "heart-style@4"]


def test_only_one_update_runs_at_a_time(updater):
    with (updater.folder / ".updating").open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(BrickError, match="Another update runs"):
            updater.check()


def test_a_damaged_state_is_never_taken_for_an_empty_one(updater):
    updater.installed.path.write_bytes(b"{")

    with pytest.raises(BrickDamagedError, match="which bricks are in use is not known"):
        updater.pull("heart-style")
    assert Installed(updater.folder).path.read_bytes() == b"{"
