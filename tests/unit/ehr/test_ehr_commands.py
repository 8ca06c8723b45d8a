"""An operator connects and reads another record from the command line."""

from __future__ import annotations

import pytest
from support.quirky_ehr import Quirks, QuirkyEhr, people
from typer.testing import CliRunner

from services.hospital.commands import app
from services.web.outbound import Outbound, OutboundRefusedError


@pytest.fixture
def ehr(monkeypatch):
    """An EHR that the hospital's only way out leads to."""
    made = QuirkyEhr(Quirks())
    made.put_all(people(3))
    monkeypatch.setenv("CARETIER_HOSPITAL_OUTBOUND", "https://ehr.example.test")
    monkeypatch.setattr(Outbound, "client", lambda _self, **given: made.client(**given))
    return made


@pytest.fixture
def run(tmp_path, ehr):
    def command(*words):
        return CliRunner().invoke(app, ["--data", str(tmp_path), "ehr", *words])

    return command


def test_a_record_is_connected_read_shown_and_disconnected(run, ehr):
    assert run("add", "main", ehr.base, "--ask", "Patient").exit_code == 0
    assert "everybody" in run("list").output
    assert "new" in run("status").output
    read = run("sync", "main")
    assert (read.exit_code, "3 Patient" in read.output) == (0, True)
    assert "ok" in run("status").output
    assert "3 resources, 0 awaited" in run("status").output
    assert run("remove", "main").exit_code == 0
    assert run("list").output == ""


def test_what_could_not_be_read_is_told_and_is_no_success(run, ehr):
    ehr.raw["Patient"] = [{"resourceType": "Patient", "id": "bad", "gender": "zzz"}]
    run("add", "main", ehr.base, "--ask", "Patient", "--ask", "Goal", "--patient", "p0")
    run("remove", "main")
    run("add", "main", ehr.base, "--ask", "Patient", "--ask", "Goal")
    read = run("sync", "main", "--full")
    assert read.exit_code == 2
    assert "not read: Goal: not-supported" in read.output
    assert "awaited: Patient/bad (invalid)" in read.output


def test_an_address_that_is_not_listed_cannot_be_connected(run):
    refused = run("add", "main", "https://evil.example/fhir")
    assert isinstance(refused.exception, OutboundRefusedError)
    assert run("list").output == ""
