"""What a disk cannot tell by itself: trails that vanished, and histories that were written anew."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from compliance.audit import AuditError, AuditTrail
from compliance.audit.registry import REGISTER, register, registered
from compliance.audit.survey import trails, verify_data
from compliance.audit.witness import (
    BOOK,
    EVERY,
    Head,
    SignedHead,
    WitnessBook,
    conflict,
    read_book,
)
from compliance.sealing import IdentityKey, SealingError

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
IDENTITY = IdentityKey.generate()


def event(number):
    return {"resourceType": "AuditEvent", "number": number}


def grown(state, count=6, name="clinic"):
    trail = AuditTrail.open(state, name, node="c")
    for number in range(count):
        trail.record(event(number))
    return trail


@pytest.fixture
def state(tmp_path):
    """A node's state with its identity on the disk and a trail of six records."""
    folder = tmp_path / "var" / "clinic"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys" / "identity.key").write_bytes(IDENTITY.to_bytes())
    grown(folder)
    return folder


@pytest.fixture
def witnessed(state, tmp_path):
    """The book of a peer that saw the trail at its fourth and sixth record."""
    book = WitnessBook(tmp_path / "peer" / BOOK)
    (tmp_path / "peer").mkdir()
    rows = (state / "audit" / "clinic.jsonl").read_bytes().splitlines()
    whole = AuditTrail.open(state, "clinic", node="c").head()
    for minute, count in enumerate((4, 6)):
        head = json.loads(rows[count - 1])["hash"]
        at = whole.model_copy(update={"count": count, "head": head})
        book.note(SignedHead.sign(at, IDENTITY, NOW + minute * EVERY))
    return tmp_path / "peer" / BOOK


def only(reports):
    (report,) = reports
    return report


def found(state, *books):
    report = only(verify_data(state.parent, books))
    assert not report.ok
    return report.first_bad, report.reason


def rewrite(state, numbers):
    """What the owner of disk and key can do: another history, whole by itself."""
    shutil.rmtree(state / "audit")
    (state / REGISTER).unlink()
    trail = AuditTrail.open(state, "clinic", node="c")
    for number in numbers:
        trail.record(event(number))


class TestVanished:
    def test_a_whole_trail_is_whole(self, state):
        report = only(verify_data(state.parent))
        assert (report.ok, report.records, report.witnessed) == (True, 6, 0)

    def test_the_file_alone(self, state):
        (state / "audit" / "clinic.jsonl").unlink()
        assert found(state) == (0, "vanished")

    def test_the_file_with_its_anchor(self, state):
        (state / "audit" / "clinic.jsonl").unlink()
        (state / "audit" / "clinic.jsonl.anchor").unlink()
        assert found(state) == (0, "vanished")

    def test_the_whole_folder(self, state):
        shutil.rmtree(state / "audit")
        assert found(state) == (0, "vanished")

    def test_one_of_two(self, state):
        grown(state, name="second")
        (state / "audit" / "second.jsonl").unlink()
        by_path = {report.path.name: report for report in verify_data(state.parent)}
        assert by_path["clinic.jsonl"].ok
        assert by_path["second.jsonl"].reason == "vanished"

    def test_a_trail_that_has_vanished_is_not_begun_anew(self, state):
        shutil.rmtree(state / "audit")
        with pytest.raises(AuditError, match="vanished"):
            AuditTrail.open(state, "clinic", node="c")
        assert found(state) == (0, "vanished")

    def test_a_trail_without_a_register_is_found_all_the_same(self, state):
        (state / REGISTER).unlink()
        assert [path.name for path in trails(state.parent)] == ["clinic.jsonl"]


class TestRegister:
    def test_a_trail_is_entered_once(self, state):
        before = (state / REGISTER).read_bytes()
        AuditTrail.open(state, "clinic", node="c")
        assert (state / REGISTER).read_bytes() == before
        assert registered(state) == {state / "audit" / "clinic.jsonl": "c"}

    @pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"a": 1}', b'{"a": {}}'])
    def test_a_damaged_register_is_an_audit_error(self, state, content):
        (state / REGISTER).write_bytes(content)
        with pytest.raises(AuditError):
            AuditTrail.open(state, "clinic", node="c")

    def test_a_register_that_cannot_be_written_is_an_audit_error(self, state):
        (state / (REGISTER + ".lock")).unlink()
        (state / (REGISTER + ".lock")).mkdir()
        with pytest.raises(AuditError):
            register(state, state / "audit" / "new.jsonl", "c")


class TestHead:
    def test_an_empty_trail_has_none(self, tmp_path):
        assert AuditTrail.open(tmp_path, "x", node="c").head() is None

    def test_it_counts_the_records_and_names_the_last(self, state):
        trail = AuditTrail.open(state, "clinic", node="c")
        record = trail.record(event(6))
        head = trail.head()
        assert (head.node, head.count, head.head) == ("c", 7, record.hash)
        assert head.trail == next(trail.records()).hash

    def test_it_survives_a_header(self, state):
        head = AuditTrail.open(state, "clinic", node="c").head()
        signed = SignedHead.sign(head, IDENTITY, NOW)
        text = signed.to_header()
        assert SignedHead.from_header(text, IDENTITY.public.fingerprint) == signed

    @pytest.mark.parametrize(
        "change",
        [
            {"count": 9},
            {"head": "0" * 64},
            {"trail": "0" * 64},
            {"taken": NOW - EVERY},
            {"node": ""},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_a_changed_head_is_refused(self, state, change):
        head = AuditTrail.open(state, "clinic", node="c").head()
        signed = SignedHead.sign(head, IDENTITY, NOW).model_copy(update=change)
        with pytest.raises(SealingError):
            SignedHead.from_header(signed.to_header(), IDENTITY.public.fingerprint)

    def test_another_nodes_head_is_refused(self, state):
        head = AuditTrail.open(state, "clinic", node="c").head()
        signed = SignedHead.sign(head, IdentityKey.generate(), NOW)
        with pytest.raises(SealingError):
            SignedHead.from_header(signed.to_header(), IDENTITY.public.fingerprint)

    @pytest.mark.parametrize("text", ["", "e30", "%", "x" * 4000])
    def test_what_is_no_head_is_refused(self, text):
        with pytest.raises(SealingError):
            SignedHead.from_header(text, IDENTITY.public.fingerprint)


class TestAgainstWitnesses:
    def test_a_trail_that_grew_is_vouched_for_as_far_as_it_was_seen(self, state, witnessed):
        AuditTrail.open(state, "clinic", node="c").record(event(6))
        report = only(verify_data(state.parent, [witnessed]))
        assert (report.ok, report.records, report.witnessed) == (True, 7, 6)

    def test_an_older_copy_with_its_own_anchor_is_shorter_than_witnessed(
        self, state, witnessed, tmp_path
    ):
        late = tmp_path / "late"
        shutil.copytree(state, late)
        trail = AuditTrail.open(late, "clinic", node="c")
        head = trail.record(event(6)) and trail.head()
        WitnessBook(witnessed).note(SignedHead.sign(head, IDENTITY, NOW + 5 * EVERY))
        assert found(state, witnessed) == (6, "shorter-than-witnessed")

    def test_the_end_written_anew_shows_at_the_witnessed_record(self, state, witnessed):
        path = state / "audit" / "clinic.jsonl"
        kept = path.read_bytes().splitlines(keepends=True)[:1]
        key = (state / "audit" / "audit.key").read_bytes()
        shutil.rmtree(state / "audit")
        (state / REGISTER).unlink()
        (state / "audit").mkdir()
        (state / "audit" / "audit.key").write_bytes(key)
        AuditTrail.open(state, "clinic", node="c")
        path.write_bytes(b"".join(kept))
        trail = AuditTrail.open(state, "clinic", node="c")
        for number in range(90, 95):
            trail.record(event(number))
        assert only(verify_data(state.parent)).ok
        assert found(state, witnessed) == (3, "witness-mismatch")

    def test_a_trail_written_anew_from_its_first_record_is_replaced(self, state, witnessed):
        rewrite(state, range(6))
        assert only(verify_data(state.parent)).ok
        assert found(state, witnessed) == (0, "replaced")

    def test_a_book_of_other_nodes_says_nothing_about_this_one(self, state, tmp_path):
        other = AuditTrail.open(tmp_path / "other", "x", node="c")
        other.record(event(1))
        head = SignedHead.sign(other.head(), IdentityKey.generate(), NOW)
        WitnessBook(tmp_path / BOOK).note(head)
        assert only(verify_data(state.parent, [tmp_path / BOOK])).ok

    def test_a_forged_entry_of_a_book_counts_for_nothing(self, state, witnessed):
        rows = witnessed.read_bytes().splitlines(keepends=True)
        forged = json.loads(rows[1]) | {"count": 3}
        witnessed.write_bytes(rows[0] + json.dumps(forged).encode() + b"\nnonsense\n")
        report = only(verify_data(state.parent, [witnessed]))
        assert (report.ok, report.witnessed) == (True, 4)


class TestBook:
    @pytest.fixture
    def told(self, tmp_path):
        book = WitnessBook(tmp_path / BOOK)

        def tell(count, *, head="b", trail="a", after=timedelta(0)):
            made = Head(node="c", trail=trail * 64, count=count, head=head * 64)
            return book.note(SignedHead.sign(made, IDENTITY, NOW + after))

        tell.path = tmp_path / BOOK
        return tell

    def test_a_head_is_written_down_once_an_hour_or_after_64_records(self, told):
        for minute in range(130):
            assert told(minute // 10 + 1, after=timedelta(minutes=minute)) is None
        assert [head.count for head in read_book(told.path)] == [1, 7, 13]
        told(76, after=timedelta(minutes=130))
        told(77, after=timedelta(minutes=131))
        assert [head.count for head in read_book(told.path)] == [1, 7, 13, 77]
        assert told.path.stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize(
        ("later", "expected"),
        [
            ({"count": 4}, "went-back"),
            ({"count": 5, "head": "c"}, "forked"),
            ({"count": 9, "trail": "d"}, "began-anew"),
        ],
    )
    def test_what_contradicts_an_earlier_head_is_told_and_kept_at_once(self, told, later, expected):
        told(5)
        assert told(**later, after=timedelta(seconds=1)) == expected
        reports = [r for r in verify_data(told.path.parent) if r.path == told.path]
        assert only(reports).reason == f"c: {expected}"

    def test_a_late_head_is_no_contradiction(self, told):
        told(5, after=timedelta(seconds=2))
        assert told(4, after=timedelta(seconds=1)) is None

    def test_a_node_that_goes_back_within_the_hour_is_found_out(self, told):
        told(5)
        told(9, after=timedelta(seconds=1))
        assert told(7, after=timedelta(seconds=2)) == "went-back"

    def test_a_book_remembers_after_a_restart(self, told):
        told(5)
        shorter = Head(node="c", trail="a" * 64, count=2, head="b" * 64)
        later = SignedHead.sign(shorter, IDENTITY, NOW + EVERY)
        assert WitnessBook(told.path).note(later) == "went-back"

    def test_a_book_that_cannot_be_written_is_an_audit_error(self, tmp_path):
        book = WitnessBook(tmp_path / "none" / BOOK)
        head = Head(node="c", trail="a" * 64, count=2, head="b" * 64)
        with pytest.raises(AuditError):
            book.note(SignedHead.sign(head, IDENTITY, NOW))

    def test_growing_is_no_conflict(self):
        before = Head(node="c", trail="a" * 64, count=2, head="b" * 64)
        assert conflict(before, before) is None
        after = before.model_copy(update={"count": 3, "head": "c" * 64})
        assert conflict(before, after) is None
