"""Callers that come at once share one write; a write that fails fails for each of them."""

from __future__ import annotations

import errno
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from compliance.audit import AuditError, AuditTrail, verify_file
from compliance.audit.group import GROUP, Group

KEY = bytes(range(32))
WRITERS = 64


def event(number=0):
    return {"resourceType": "AuditEvent", "number": number}


@pytest.fixture
def path(tmp_path):
    (tmp_path / "audit.key").write_bytes(KEY)
    return tmp_path / "audit.jsonl"


@pytest.fixture
def trail(path):
    return AuditTrail(path, KEY, node="n")


@pytest.fixture
def slow_disk(monkeypatch):
    """A disk that takes a hundredth of a second, and may be told to fail; counts its syncs."""

    class Disk:
        syncs = 0
        full = False

    real = os.fsync

    def sync(fd):
        Disk.syncs += 1
        time.sleep(0.01)
        if Disk.full:
            raise OSError(errno.EIO, "Input/output error")
        real(fd)

    monkeypatch.setattr(os, "fsync", sync)
    return Disk


def together(trail, count, writers=WRITERS):
    """Record that many events from as many threads; their records or errors."""

    def one(number):
        try:
            return trail.record(event(number))
        except AuditError as error:
            return error

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(one, range(count)))


def test_writers_at_once_share_syncs_and_each_gets_its_own_record(trail, path, slow_disk):
    slow_disk.syncs = 0
    records = together(trail, 256)
    assert {record.event["number"]: record.seq for record in records}.keys() == set(range(256))
    assert sorted(record.seq for record in records) == list(range(256))
    assert [record.event["number"] for record in records] == list(range(256))
    assert slow_disk.syncs <= 2 * 256 / 4
    assert (verify_file(path).ok, verify_file(path).records) == (True, 256)


def test_a_record_is_on_the_disk_before_its_caller_goes_on(trail, path, slow_disk):
    def one(number):
        seq = trail.record(event(number)).seq
        return verify_file(path).records > seq

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(64)))


def test_a_sync_that_fails_fails_for_every_waiter_and_leaves_nothing(trail, path, slow_disk):
    trail.record(event(-1))
    slow_disk.full = True
    ended = together(trail, WRITERS)
    assert all(isinstance(end, AuditError) for end in ended)
    slow_disk.full = False
    assert verify_file(path).records == 1
    assert trail.record(event(1)).seq == 1
    assert verify_file(path).ok


def test_a_bad_event_fails_its_own_caller_only(trail, path, slow_disk):
    def one(number):
        try:
            return trail.record({"x": float("nan")} if number % 8 == 0 else event(number))
        except AuditError:
            return None

    with ThreadPoolExecutor(32) as pool:
        records = list(pool.map(one, range(64)))
    assert [number for number, record in enumerate(records) if record is None] == list(
        range(0, 64, 8)
    )
    assert (verify_file(path).ok, verify_file(path).records) == (True, 56)


def test_several_events_are_recorded_together_and_in_their_order(trail, path, slow_disk):
    slow_disk.syncs = 0
    records = trail.record_all([event(n) for n in range(100)])
    assert [record.event["number"] for record in records] == list(range(100))
    assert slow_disk.syncs == 4
    assert trail.record_all([]) == []
    assert verify_file(path).records == 100


def test_one_bad_event_among_several_means_that_none_is_recorded(trail, path):
    with pytest.raises(AuditError):
        trail.record_all([event(1), {"x": object()}, event(2)])
    assert verify_file(path).records == 0


class TestGroup:
    def test_a_group_is_never_larger_than_its_bound(self):
        sizes, gate = [], threading.Event()

        def write(items):
            gate.wait(5)
            sizes.append(len(items))
            return items

        group = Group(write)
        with ThreadPoolExecutor(200) as pool:
            futures = [pool.submit(group.put, [n]) for n in range(200)]
            time.sleep(0.2)
            gate.set()
            assert [f.result() for f in futures] == [[n] for n in range(200)]
        assert sum(sizes) == 200
        assert max(sizes) == GROUP

    def test_an_unexpected_error_reaches_its_leader_and_all_others_are_refused(self):
        gate = threading.Event()

        def write(items):
            gate.wait(5)
            raise MemoryError

        group = Group(write)
        with ThreadPoolExecutor(8) as pool:
            futures = [pool.submit(group.put, [n]) for n in range(8)]
            time.sleep(0.1)
            gate.set()
            errors = [type(f.exception()) for f in futures]
        assert set(errors) <= {MemoryError, AuditError}
        assert MemoryError in errors

    def test_too_few_results_are_an_error_and_not_a_silence(self):
        group = Group(lambda items: items[1:])
        with pytest.raises(ValueError, match="shorter"):
            group.put([1, 2])
