"""What updates changed, what they failed at and how far they are is written down."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from typer.testing import CliRunner

from compliance.audit import AuditError, AuditTrail
from compliance.audit.verify import verify_file
from services.bricks.commands import app
from services.bricks.errors import BrickDamagedError, BrickUnknownError, RepositoryAwayError
from services.bricks.updater.acts import brick_changed, by_node
from services.bricks.updater.ledger import Ledger, Updates
from services.bricks.updater.metrics import BrickMetrics


@pytest.fixture
def written():
    return []


@pytest.fixture
def ledger(updater, written):
    return Ledger(updater.folder, written.append)


def update(ledger, updater):
    with ledger.step("update", updater.installed) as step:
        step.done(updater.update("device", ("en",)), updater.failed)


def said(lines):
    return [(line.brick, line.before, line.after, line.moved, line.failed) for line in lines]


def test_an_update_is_a_line_with_both_versions_and_the_bytes_moved(
    publisher, updater, ledger, written
):
    publisher.brick(b"newer words", version=2)
    publisher.publish()
    update(ledger, updater)
    assert said(written) == [("heart-style", 1, 2, len(b"newer words"), False)]
    assert list(Updates.of(updater.folder).lines) == written


def test_an_update_that_changes_nothing_is_no_line(updater, ledger, written):
    update(ledger, updater)
    assert written == []
    assert "update" in Updates.of(updater.folder).ended


def test_what_was_taken_back_is_a_line_with_the_reason(publisher, updater, ledger, written):
    publisher.revoke("heart-style@1")
    publisher.publish()
    update(ledger, updater)
    assert said(written) == [("heart-style", 1, None, 0, False)]
    assert written[0].why == "heart-style@1 was taken back: It was unsafe."


def test_a_brick_that_fails_is_a_line_with_the_reason_once(publisher, updater, ledger, written):
    manifest = publisher.brick(b"newer words", version=2)
    publisher.publish()
    place = publisher.layout.of_blob(manifest.files[0].digest[7:])
    place.write_bytes(b"other words")
    update(ledger, updater)
    update(ledger, updater)
    assert said(written) == [("heart-style", 1, 1, 0, True)]
    assert "not what its digest says" in written[0].why
    place.write_bytes(b"newer words")
    update(ledger, updater)
    assert said(written)[1:] == [("heart-style", 1, 2, len(b"newer words"), False)]
    assert Updates.of(updater.folder).failing("update") == []


def test_a_repository_that_is_away_is_one_line_until_something_changes(
    publisher, updater, ledger, written
):
    publisher.layout.of_role("timestamp", 0).unlink()
    for _ in range(3):
        with pytest.raises(RepositoryAwayError):
            update(ledger, updater)
    assert said(written) == [(None, None, None, 0, True)]
    assert Updates.of(updater.folder).failing("update") == written
    publisher.publish()
    update(ledger, updater)
    assert Updates.of(updater.folder).failing("update") == []


def test_where_it_is_not_known_what_is_in_use_that_is_the_failure(updater, ledger, written):
    updater.installed.path.write_text("{")
    with pytest.raises(BrickDamagedError):
        update(ledger, updater)
    assert said(written) == [(None, None, None, 0, True)]
    assert "which bricks are in use is not known" in written[0].why


def test_progress_stands_in_the_folder_while_a_file_comes_and_goes_with_it(updater, ledger):
    heard = []
    with ledger.step("copy", progress=lambda *told: heard.append(told)) as step:
        step.progress("adapter.gguf", 5, 10)
        way = Updates.of(updater.folder).running
        assert (way.step, way.file, way.here, way.size) == ("copy", "adapter.gguf", 5, 10)
    assert heard == [("adapter.gguf", 5, 10)]
    assert Updates.of(updater.folder).running is None


def test_what_cannot_be_written_on_the_trail_fails_the_update(updater, publisher):
    def full(_line):
        raise AuditError("The disk is full.")

    publisher.brick(b"newer words", version=2)
    publisher.publish()
    with pytest.raises(AuditError):
        update(Ledger(updater.folder, full), updater)


def test_lines_become_audit_events_that_a_trail_takes(publisher, updater, tmp_path):
    trail = AuditTrail.open(tmp_path / "node", "clinic", node="C")
    ledger = Ledger(updater.folder, lambda line: trail.record(brick_changed(by_node("C"), line)))
    publisher.brick(b"newer words", version=2)
    publisher.publish()
    update(ledger, updater)
    with (
        pytest.raises(BrickUnknownError),
        ledger.step("update", updater.installed, brick="lung-style"),
    ):
        updater.pull("lung-style")
    events = [record.event for record in trail.records()]
    assert [event["outcome"] for event in events] == ["0", "4"]
    detail = {d["type"]: d["valueString"] for d in events[0]["entity"][0]["detail"]}
    assert detail == {"step": "update", "former": "1", "version": "2", "bytes": "11"}
    assert verify_file(trail.path).ok


def test_a_damaged_file_of_lines_begins_anew(updater, ledger):
    (updater.folder / "updates.json").write_text("{")
    update(ledger, updater)
    assert "update" in Updates.of(updater.folder).ended


def test_a_monitor_reads_counts_and_times(publisher, updater, ledger):
    registry = CollectorRegistry()
    registry.register(BrickMetrics(updater.folder))
    publisher.layout.of_role("timestamp", 0).unlink()
    with pytest.raises(RepositoryAwayError):
        update(ledger, updater)
    told = generate_latest(registry).decode()
    assert "caretier_bricks_in_use 1.0" in told
    assert 'caretier_bricks_failed{step="update"} 1.0' in told
    assert 'caretier_bricks_failed{step="copy"} 0.0' in told


def test_the_commands_write_lines_and_show_them(publisher, tmp_path):
    root = tmp_path / "root.json"
    root.write_bytes(publisher.first_root)
    place = ["--from", str(publisher.layout.folder)]
    data = ["--data", str(tmp_path / "data")]
    CliRunner().invoke(
        app, ["pull", "heart-style", *place, *data, "--root", str(root)], catch_exceptions=False
    )
    (line,) = Updates.of(tmp_path / "data" / "bricks").lines
    assert (line.brick, line.before, line.after) == ("heart-style", None, 1)
    shown = CliRunner().invoke(app, ["installed", *data], catch_exceptions=False)
    assert "last went well" in shown.stdout
