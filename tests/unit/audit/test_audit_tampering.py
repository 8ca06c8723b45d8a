"""What somebody with write access may do to a trail, and how it shows."""

from __future__ import annotations

import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.audit import AuditError, AuditTrail, verify_file
from compliance.audit.records import GENESIS, Anchor, AuditRecord

KEY = bytes(range(32))
COUNT = 6


def event(number):
    return {"resourceType": "AuditEvent", "number": number}


@pytest.fixture
def path(tmp_path):
    (tmp_path / "audit.key").write_bytes(KEY)
    file = tmp_path / "audit.jsonl"
    trail = AuditTrail(file, KEY, node="n")
    for number in range(COUNT):
        trail.record(event(number))
    return file


def lines(path):
    return path.read_bytes().splitlines(keepends=True)


def anchor(path):
    return path.with_name(path.name + ".anchor")


def refused(path):
    """The trail refuses to be opened and goes on recording nothing."""
    with pytest.raises(AuditError):
        AuditTrail(path, KEY, node="n").record(event(99))
    return True


def found(path, key=KEY):
    report = verify_file(path, key)
    assert not report.ok
    return report.first_bad, report.reason


def test_an_edited_record_shows_where_it_is(path):
    path.write_bytes(path.read_bytes().replace(b'"number":3', b'"number":7'))
    assert found(path) == (3, "wrong-hash")


def test_an_edited_record_shows_without_the_key_too(path):
    (path.parent / "audit.key").unlink()
    assert not verify_file(path).authenticated
    path.write_bytes(path.read_bytes().replace(b'"number":3', b'"number":7'))
    assert found(path, None) == (3, "wrong-hash")


def test_an_edited_record_with_its_hash_made_to_fit_breaks_the_mac(path):
    all_lines = lines(path)
    old = AuditRecord.parse(all_lines[3][:-1])
    new = AuditRecord.make(seq=3, prev=old.prev, time=old.time, event=event(7), key=bytes(32))
    path.write_bytes(b"".join([*all_lines[:3], new.line(), *all_lines[4:]]))
    assert found(path) == (3, "wrong-mac")
    assert found(path, None)[0] in {3, 4}


def test_a_history_that_was_rewritten_whole_shows_even_without_the_key(path):
    prev, rewritten = GENESIS, []
    for seq in range(COUNT):
        record = AuditRecord.make(
            seq=seq, prev=prev, time="2026-11-21T00:00:00+00:00", event=event(0), key=bytes(32)
        )
        prev = record.hash
        rewritten.append(record.line())
    path.write_bytes(b"".join(rewritten))
    (path.parent / "audit.key").unlink()
    assert found(path, None) == (COUNT - 1, "anchor-mismatch")
    assert found(path, KEY) == (0, "wrong-mac")


@pytest.mark.parametrize("position", range(COUNT - 1))
def test_a_deleted_record_shows(path, position):
    all_lines = lines(path)
    path.write_bytes(b"".join(all_lines[:position] + all_lines[position + 1 :]))
    assert found(path) == (position, "wrong-sequence")
    assert refused(path)


def test_an_inserted_record_shows(path):
    all_lines = lines(path)
    path.write_bytes(b"".join([*all_lines[:2], all_lines[1], *all_lines[2:]]))
    assert found(path) == (2, "wrong-sequence")


def test_reordered_records_show(path):
    all_lines = lines(path)
    all_lines[1], all_lines[2] = all_lines[2], all_lines[1]
    path.write_bytes(b"".join(all_lines))
    assert found(path) == (1, "wrong-sequence")


@pytest.mark.parametrize("kept", range(COUNT))
def test_records_cut_off_the_end_show_and_the_trail_refuses_to_go_on(path, kept):
    path.write_bytes(b"".join(lines(path)[:kept]))
    assert found(path) == (kept, "truncated")
    assert refused(path)


@pytest.mark.parametrize("cut", [1, 2, 50])
def test_a_record_cut_in_its_middle_shows_and_is_not_taken_for_a_crash(path, cut):
    path.write_bytes(path.read_bytes()[:-cut])
    assert found(path) == (COUNT - 1, "truncated")
    assert refused(path)
    assert not path.with_name("audit.jsonl.torn").exists()


def test_the_trail_deleted_but_not_its_anchor_shows(path):
    path.unlink()
    assert found(path) == (0, "truncated")
    assert refused(path)


def test_the_anchor_deleted_shows(path):
    anchor(path).unlink()
    assert found(path) == (0, "anchor-missing")
    assert refused(path)


def test_nothing_there_is_not_a_whole_trail(tmp_path):
    assert found(tmp_path / "none.jsonl") == (0, "missing")


def test_an_anchor_moved_back_to_fit_a_cut_trail_shows(path):
    kept = lines(path)[:3]
    head = AuditRecord.parse(kept[-1][:-1]).hash
    size = sum(map(len, kept))
    path.write_bytes(b"".join(kept))
    anchor(path).write_bytes(Anchor("n", 3, size, head).dump(bytes(32)))
    assert found(path) == (0, "anchor-damaged")
    assert refused(path)


def test_an_older_anchor_cannot_hide_records_that_were_cut(path, tmp_path):
    trail = AuditTrail(path, KEY, node="n")
    shutil.copy(anchor(path), tmp_path / "old")
    trail.record(event(6))
    trail.record(event(7))
    shutil.copy(tmp_path / "old", anchor(path))
    path.write_bytes(b"".join(lines(path)[: COUNT - 1]))
    assert found(path) == (COUNT - 1, "truncated")


def test_a_record_appended_without_the_key_shows_and_is_not_healed(path):
    last = AuditRecord.parse(lines(path)[-1][:-1])
    forged = AuditRecord.make(
        seq=COUNT, prev=last.hash, time=last.time, event=event(6), key=bytes(32)
    )
    with path.open("ab") as file:
        file.write(forged.line())
    assert found(path) == (COUNT, "wrong-mac")
    assert refused(path)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b"\xff", b'{"mac":1}', b"[" * 9000]
)
def test_a_damaged_anchor_shows(path, content):
    anchor(path).write_bytes(content)
    assert found(path) == (0, "anchor-damaged")
    assert refused(path)


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b"[]\n", b"\xff\n", b'{"seq":6}\n', b"[" * 9000])
def test_a_line_that_is_no_record_never_raises(path, line):
    with path.open("ab") as file:
        file.write(line)
    report = verify_file(path)
    assert report.records == COUNT
    assert report.ok == (not line.endswith(b"\n"))


def test_a_running_trail_notices_that_its_file_was_cut(path):
    trail = AuditTrail(path, KEY, node="n")
    path.write_bytes(b"".join(lines(path)[:2]))
    with pytest.raises(AuditError):
        trail.record(event(6))


def test_a_running_trail_notices_that_its_file_was_exchanged(path):
    trail = AuditTrail(path, KEY, node="n")
    exchanged = path.with_name("copy")
    exchanged.write_bytes(b"".join(lines(path)[:2]))
    exchanged.replace(path)
    with pytest.raises(AuditError):
        trail.record(event(6))


def test_a_record_with_another_spelling_of_the_same_json_shows(path):
    all_lines = lines(path)
    all_lines[2] = json.dumps(json.loads(all_lines[2])).encode() + b"\n"
    path.write_bytes(b"".join(all_lines))
    assert found(path) == (2, "unreadable-record")


@given(st.data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_changed_byte_shows(path, data):
    good = path.read_bytes()
    index = data.draw(st.integers(0, len(good) - 1))
    changed = bytearray(good)
    changed[index] ^= data.draw(st.integers(1, 255))
    try:
        path.write_bytes(changed)
        assert not verify_file(path).ok
    finally:
        path.write_bytes(good)
