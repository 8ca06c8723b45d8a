"""``caretier device reminders`` prints the doses of today."""

from __future__ import annotations

import json
from datetime import date

import pytest
from typer.testing import CliRunner

from patient_app.commands import app
from patient_app.medicines.reminders import Reminder, keep
from patient_app.service import Device
from patient_app.settings import DeviceSettings

EVERY = (0, 1, 2, 3, 4, 5, 6)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr("patient_app.commands._passphrase", lambda _: "correct horse")
    device = Device(DeviceSettings(data=tmp_path / "device"))
    member = device.add("ana", "correct horse")

    def run_with(*reminders: Reminder, options=()) -> str:
        for one in reminders:
            keep(member, one)
        device.lock("ana")
        result = CliRunner().invoke(app, ["--data", str(tmp_path), "reminders", *options])
        assert result.exit_code == 0, result.output
        return result.output

    return run_with


def test_the_doses_of_today_are_printed_in_order_of_time(run):
    late = Reminder("M/b", "Vitamin C", ("23:59",), EVERY, date(2026, 1, 1))
    early = Reminder("M/a", "Metformin", ("00:00",), EVERY, date(2026, 1, 1))
    lines = run(late, early).splitlines()
    assert [line.split()[0] for line in lines] == ["00:00", "23:59"]
    assert lines[0].endswith("Metformin")


def test_they_are_printed_as_json_where_that_is_asked_for(run):
    one = Reminder("M/a", "Metformin", ("00:00",), EVERY, date(2026, 1, 1))
    (dose,) = json.loads(run(one, options=["--json"]))
    assert dose["name"] == "Metformin"


def test_a_day_without_doses_is_said_to_be_one(run):
    assert "Nothing" in run()
