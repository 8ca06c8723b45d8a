"""Contributions on their way outlive the process that made them."""

from __future__ import annotations

import numpy as np
import pytest

from compliance.errors import NotFoundError
from compliance.sealing import IdentityKey
from services.learning.aggregate import Factors
from services.learning.contribution import write_contribution
from services.learning.train.outbox import Outbox

KEY = IdentityKey.generate()


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "learning")


def put(outbox, number=0, epoch=0):
    id_ = f"00000000-0000-4000-8000-{number:012d}"
    fields = {
        "id": id_,
        "domain": "general",
        "base": "sha256:" + "a" * 64,
        "epoch": epoch,
        "site": "site-a",
        "examples": 5,
        "privacy": {"mechanism": "none"},
    }
    delta = {"layers.0.q_proj": Factors(np.ones((4, 2), np.float32), np.ones((2, 3), np.float32))}
    write_contribution(outbox.place(id_), fields, delta, KEY)
    return id_


def test_what_waits_is_there_for_the_next_process(outbox, tmp_path):
    id_ = put(outbox)
    again = Outbox(tmp_path / "learning")
    assert [path.stem for path in again.waiting()] == [id_]
    assert again.get(id_).state == "waiting"


def test_once_sent_the_change_is_gone_and_its_manifest_stays(outbox):
    id_ = put(outbox)
    outbox.move(id_, "sent")
    assert outbox.waiting() == []
    held = outbox.get(id_)
    assert (held.state, held.manifest.examples) == ("sent", 5)


def test_what_was_sent_may_still_be_withdrawn(outbox):
    id_ = put(outbox)
    outbox.move(id_, "sent")
    outbox.move(id_, "withdrawn")
    assert [held.state for held in outbox.all()] == ["withdrawn"]
    assert outbox.of_epoch("general", 0) is None


def test_only_what_waits_or_was_taken_counts_for_an_epoch(outbox):
    outbox.move(put(outbox, 1, epoch=4), "refused", "stale-epoch")
    assert outbox.of_epoch("general", 4) is None
    put(outbox, 2, epoch=4)
    assert outbox.of_epoch("general", 4) is not None
    assert outbox.of_epoch("general", 5) is None
    assert outbox.of_epoch("skin", 4) is None


def test_a_process_killed_between_two_steps_leaves_one_contribution(outbox):
    id_ = put(outbox)
    kept = outbox.place(id_).read_bytes()
    outbox.move(id_, "sent")
    outbox.place(id_).write_bytes(kept)  # as if the file had not been deleted yet
    assert [held.state for held in outbox.all()] == ["sent"]


def test_reasons_are_told(outbox):
    id_ = put(outbox)
    outbox.move(id_, "refused", "too-long")
    assert outbox.get(id_).told()["reason"] == "too-long"


def test_an_unknown_contribution_is_not_found(outbox):
    with pytest.raises(NotFoundError):
        outbox.move("00000000-0000-4000-8000-000000000009", "sent")


@pytest.mark.parametrize("content", [b"", b'{"manif', b"[]", b'{"manifest": {}}', b"\xff\xfe"])
def test_a_torn_file_is_put_aside_and_the_rest_is_listed(outbox, caplog, content):
    ids = [put(outbox, number, epoch=number) for number in range(3)]
    outbox.move(ids[0], "sent")
    outbox.move(ids[1], "sent")
    (place,) = outbox._folder.glob(f"sent/{ids[0]}.json")
    place.write_bytes(content)
    assert [held.manifest.id for held in outbox.all()] == ids[1:]
    assert [path.name for path in outbox.torn()] == [f"{ids[0]}.json.torn"]
    assert outbox.torn()[0].read_bytes() == content
    assert f"{ids[0]}.json cannot be read" in caplog.text
    outbox.move(ids[2], "sent")
    assert len(outbox.all()) == 2


def test_a_torn_change_is_not_sent(outbox):
    torn, whole = put(outbox, 0), put(outbox, 1)
    path = outbox.place(torn)
    path.write_bytes(path.read_bytes()[:40])
    assert [each.stem for each in outbox.waiting()] == [whole]
    assert [each.name for each in outbox.torn()] == [f"{torn}.safetensors.torn"]
