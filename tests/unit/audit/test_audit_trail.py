from __future__ import annotations

import json
import os
import threading
import time

import pytest

from compliance.audit import AuditError, AuditTrail, load_or_create_key, verify_file

KEY = bytes(range(32))


def event(number=0):
    return {"resourceType": "AuditEvent", "number": number}


@pytest.fixture
def path(tmp_path):
    (tmp_path / "audit.key").write_bytes(KEY)
    return tmp_path / "audit.jsonl"


def opened(path, node="clinic-1"):
    return AuditTrail(path, KEY, node=node)


def test_records_are_chained_from_zero(path):
    trail = opened(path)
    first, second = trail.record(event(1)), trail.record(event(2))
    assert (first.seq, second.seq) == (0, 1)
    assert first.prev == "0" * 64
    assert second.prev == first.hash
    assert verify_file(path) == verify_file(path, KEY)
    assert verify_file(path).ok


def test_a_trail_goes_on_after_it_was_opened_again(path):
    first = opened(path).record(event(1))
    assert opened(path).record(event(2)).prev == first.hash


def test_an_empty_trail_is_whole(path):
    opened(path)
    report = verify_file(path)
    assert (report.ok, report.records) == (True, 0)


def test_tail_and_export_give_events_in_their_order(path):
    trail = opened(path)
    for number in range(5):
        trail.record(event(number))
    assert [record.event["number"] for record in trail.tail(2)] == [3, 4]
    assert [item["number"] for item in trail.export()] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("count", "expected"), [(0, 0), (1, 1), (299, 299), (300, 300), (301, 300)]
)
def test_tail_reads_backwards_over_several_blocks(path, count, expected):
    trail = opened(path)
    for number in range(300):
        trail.record(event(number) | {"more": "x" * 500})
    tail = trail.tail(count)
    assert [record.seq for record in tail] == list(range(300 - expected, 300))


def test_tail_leaves_an_unfinished_line_out_and_an_unreadable_one_is_an_error(path):
    trail = opened(path)
    trail.record(event(1))
    good = path.read_bytes()
    path.write_bytes(good + b"{")
    assert len(trail.tail()) == 1
    path.write_bytes(good + b"{\n")
    with pytest.raises(AuditError):
        trail.tail()
    with pytest.raises(AuditError):
        list(trail.export())
    path.unlink()
    assert trail.tail() == []
    assert list(trail.export()) == []


def test_the_record_is_on_the_disk_before_it_returns(path, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_size), real(fd)))
    trail = opened(path)
    synced.clear()
    trail.record(event())
    assert path.stat().st_size in synced
    assert len(synced) == 2


def test_two_trails_on_one_file_take_turns(path):
    one, two = opened(path), opened(path)
    for number in range(10):
        (one, two)[number % 2].record(event(number))
    assert verify_file(path).records == 10


def test_threads_share_a_trail(path):
    trail = opened(path)
    threads = [
        threading.Thread(target=lambda: [trail.record(event(n)) for n in range(20)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify_file(path).records == 80


def test_a_trail_of_another_node_or_key_is_refused(path):
    opened(path).record(event())
    with pytest.raises(AuditError):
        opened(path, node="clinic-2")
    with pytest.raises(AuditError):
        AuditTrail(path, bytes(32), node="clinic-1")


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
def test_a_key_of_another_size_is_refused(path, key):
    with pytest.raises(AuditError):
        AuditTrail(path, key, node="clinic-1")


@pytest.mark.parametrize(
    "bad",
    [{"x": float("nan")}, {"x": object()}, {"x": "\ud800"}, {"x": "a" * (1 << 20)}],
    ids=["nan", "object", "broken-text", "too-large"],
)
def test_an_event_that_cannot_be_written_is_an_audit_error_and_leaves_no_trace(path, bad):
    trail = opened(path)
    trail.record(event(1))
    with pytest.raises(AuditError):
        trail.record(bad)
    trail.record(event(2))
    report = verify_file(path)
    assert (report.ok, report.records) == (True, 2)


def test_the_error_is_what_a_caller_stops_on():
    assert (AuditError.kind, AuditError.status) == ("audit-unavailable", 503)


def test_files_are_readable_by_their_owner_only(path):
    opened(path).record(event())
    for name in ("audit.jsonl", "audit.jsonl.anchor"):
        assert (path.parent / name).stat().st_mode & 0o077 == 0


def test_a_key_is_made_once_with_mode_0600(tmp_path):
    key = load_or_create_key(tmp_path / "new")
    assert len(key) == 32
    assert load_or_create_key(tmp_path / "new") == key
    assert (tmp_path / "new" / "audit.key").stat().st_mode & 0o777 == 0o600
    assert [item.name for item in (tmp_path / "new").iterdir()] == ["audit.key"]


def test_a_damaged_key_is_refused(tmp_path):
    (tmp_path / "audit.key").write_bytes(b"short")
    with pytest.raises(AuditError):
        load_or_create_key(tmp_path)


def test_a_folder_that_cannot_be_made_is_an_audit_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditError):
        load_or_create_key(tmp_path / "file" / "x")
    with pytest.raises(AuditError):
        AuditTrail(tmp_path / "file" / "audit.jsonl", KEY, node="n")


def test_a_record_waits_for_the_disk_twice_and_else_leaves_room_for_250_a_second(path, monkeypatch):
    """The record and its anchor each wait once; how long a disk takes is not the trail's doing."""
    trail = opened(path)
    payload = event() | {"agent": [{"who": "x" * 400}] * 2}
    synced, real = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(fd), real(fd))[1])
    start = time.process_time()
    for _ in range(250):
        trail.record(payload)
    assert time.process_time() - start < 1.0
    assert len(synced) == 2 * 250


def test_a_line_is_canonical_json(path):
    opened(path).record(event())
    line = path.read_bytes().removesuffix(b"\n")
    value = json.loads(line)
    assert set(value) == {"seq", "prev", "time", "event", "hash", "mac"}
    assert json.dumps(value, sort_keys=True, separators=(",", ":")).encode() == line
