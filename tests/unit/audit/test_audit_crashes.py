"""Killed processes, full disks, and several processes at once."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
import time

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from compliance.audit import AuditError, AuditTrail, verify_file

KEY = bytes(range(32))


def event(number=0):
    return {"resourceType": "AuditEvent", "number": number}


@pytest.fixture
def path(tmp_path):
    (tmp_path / "audit.key").write_bytes(KEY)
    return tmp_path / "audit.jsonl"


def opened(path):
    return AuditTrail(path, KEY, node="n")


def python(body, *args):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(body), *map(str, args)], stdout=subprocess.PIPE
    )


APPEND = """
    import sys
    from pathlib import Path
    from compliance.audit import AuditTrail
    trail = AuditTrail(Path(sys.argv[1]), bytes(range(32)), node="n")
    for number in range(int(sys.argv[2])):
        trail.record({"resourceType": "AuditEvent", "number": number})
        print(number, flush=True)
"""


def test_a_log_ahead_of_its_anchor_is_accepted_and_healed(path):
    trail = opened(path)
    trail.record(event(1))
    anchor = path.with_name("audit.jsonl.anchor")
    before = anchor.read_bytes()
    trail.record(event(2))
    trail.record(event(3))
    anchor.write_bytes(before)
    assert verify_file(path).records == 3
    assert opened(path).record(event(4)).seq == 3
    assert anchor.read_bytes() != before
    assert verify_file(path).ok


def test_an_unfinished_last_line_is_set_aside_and_the_trail_says_so(path):
    opened(path).record(event(1))
    with path.open("ab") as file:
        file.write(b'{"event":{"resourceTy')
    report = verify_file(path)
    assert (report.ok, report.reason) == (True, "unfinished-line")
    trail = opened(path)
    record = trail.record(event(2))
    assert record.seq == 2
    repair = trail.tail(3)[1].event
    AuditEvent.model_validate(repair)
    assert repair["entity"][0]["detail"][0]["valueString"] == "21"
    assert path.with_name("audit.jsonl.torn").read_bytes() == b'{"event":{"resourceTy\n'
    assert verify_file(path).reason is None


def test_a_running_trail_heals_what_another_process_left_unfinished(path):
    trail = opened(path)
    trail.record(event(1))
    with path.open("ab") as file:
        file.write(b"{")
    assert trail.record(event(2)).seq == 2
    assert verify_file(path).ok


class TestFullDisk:
    def fail_on(self, monkeypatch, name, call):
        """Let the n-th call of an os function say that the disk is full."""
        real, calls = getattr(os, name), []

        def failing(*args):
            calls.append(args)
            if len(calls) == call:
                if name == "write" and len(args[1]) > 10:
                    real(args[0], args[1][:10])
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args)

        monkeypatch.setattr(os, name, failing)

    @pytest.mark.parametrize(
        ("name", "call"), [("write", 1), ("fsync", 1), ("write", 2), ("fsync", 2), ("open", 1)]
    )
    def test_nothing_is_recorded_and_the_trail_stays_whole(self, path, monkeypatch, name, call):
        trail = opened(path)
        trail.record(event(1))
        with monkeypatch.context() as patched:
            self.fail_on(patched, name, call)
            with pytest.raises(AuditError) as refusal:
                trail.record(event(2))
        assert refusal.value.__suppress_context__
        assert verify_file(path).records == 1
        assert trail.record(event(3)).seq == 1
        assert verify_file(path).ok

    def test_a_real_limit_is_an_audit_error_and_healed_when_lifted(self, path):
        body = """
            import resource, sys
            from pathlib import Path
            from compliance.audit import AuditError, AuditTrail
            trail = AuditTrail(Path(sys.argv[1]), bytes(range(32)), node="n")
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
            done = 0
            try:
                while True:
                    trail.record({"resourceType": "AuditEvent", "x": "y" * 200})
                    done += 1
            except AuditError:
                pass
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            trail.record({"resourceType": "AuditEvent"})
            print(done + 1)
        """
        process = python(body, path)
        out, _ = process.communicate(timeout=30)
        report = verify_file(path)
        assert report.ok
        assert report.records == int(out)


def test_a_folder_that_became_read_only_is_an_audit_error(path, monkeypatch):
    trail = opened(path)

    def refuse(*_):
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(AuditError):
        trail.record(event())


def test_two_processes_append_to_one_chain(path):
    processes = [python(APPEND, path, 60) for _ in range(2)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    report = verify_file(path)
    assert (report.ok, report.records) == (True, 120)


def test_a_trail_can_be_verified_while_it_is_written(path):
    process = python(APPEND, path, 200)
    process.stdout.readline()
    reports = [verify_file(path) for _ in range(20)]
    process.communicate(timeout=60)
    assert all(report.ok for report in reports)


def test_a_killed_process_loses_no_acknowledged_record(path):
    acknowledged = 0
    for turn in range(5):
        process = python(APPEND, path, 100_000)
        process.stdout.readline()
        time.sleep(0.02 * turn)
        process.kill()
        acknowledged += 1 + len([x for x in process.stdout.read().split(b"\n") if x])
        process.wait()
        process.stdout.close()
        report = verify_file(path)
        assert report.ok
        assert report.records >= acknowledged
        acknowledged = report.records
    opened(path).record(event())
    assert verify_file(path).ok
