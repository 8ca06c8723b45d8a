"""``caretier audit``: what an operator sees of a trail that was tampered with."""

from __future__ import annotations

import json

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from typer.testing import CliRunner

from compliance.audit import AuditTrail, acts
from compliance.audit.commands import app

BY = acts.Actors(acts.Agent("application", "ehr"), node="clinic")


@pytest.fixture
def trail(tmp_path):
    made = AuditTrail.open(tmp_path / "clinic", "clinic", node="clinic")
    for number in range(3):
        made.record(acts.read(BY, f"Observation/{number}", patient="Patient/p1"))
    return made


def run(*words):
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(word) for word in words])


def test_a_whole_trail_is_said_to_be_whole(trail, tmp_path):
    done = run("verify", "--data", tmp_path)
    assert done.exit_code == 0
    assert "whole" in done.output
    assert run("verify", trail.path).exit_code == 0


def test_a_vanished_trail_is_said_to_have_vanished(trail, tmp_path):
    trail.path.unlink()
    done = run("verify", "--data", tmp_path)
    assert done.exit_code == 5
    assert "vanished" in done.output


def test_the_first_bad_record_is_named(trail, tmp_path):
    text = trail.path.read_bytes().replace(b"Observation/1", b"Observation/7")
    trail.path.write_bytes(text)
    done = run("verify", "--data", tmp_path)
    assert done.exit_code == 5
    assert "wrong-hash" in done.output


def test_no_trail_at_all_is_not_whole(tmp_path):
    assert run("verify", "--data", tmp_path).exit_code == 5


def test_a_damaged_register_is_said_so(trail, tmp_path):
    (tmp_path / "clinic" / "trails.json").write_bytes(b"?")
    done = run("verify", "--data", tmp_path)
    assert done.exit_code == 5
    assert "register" in done.output


def test_the_events_are_exported_as_fhir_audit_events(trail):
    done = run("export", trail.path, "--first", 1)
    assert done.exit_code == 0
    events = [json.loads(line) for line in done.output.splitlines()]
    assert [e["entity"][0]["what"]["reference"] for e in events] == [
        "Observation/1",
        "Observation/2",
    ]
    for event in events:
        AuditEvent.model_validate(event)


def test_what_is_not_whole_is_not_exported(trail):
    trail.path.write_bytes(trail.path.read_bytes()[:-9])
    done = run("export", trail.path)
    assert done.exit_code == 5
    assert "AuditEvent" not in done.output
