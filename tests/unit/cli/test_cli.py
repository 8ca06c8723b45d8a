"""The `caretier` command: lazy, honest about what is missing, errors as exit codes."""

from __future__ import annotations

import json
import sys
from importlib.metadata import EntryPoint

import pytest
from typer.testing import CliRunner

from compliance.errors import BadInputError, CaretierError
from services.cli import doctor, main, sandbox
from services.cli.processes import Child, StartError, free_port, wait_ready

RUNNER = CliRunner()


def test_help_lists_every_command_in_order_without_loading_one(monkeypatch):
    group = main.LazyGroup(name="caretier")
    names = group.list_commands(None)
    assert names[: len(main.ORDER)] == list(main.ORDER)


def test_a_command_is_loaded_when_it_is_asked_for(monkeypatch):
    loaded = []
    real = EntryPoint.load
    monkeypatch.setattr(EntryPoint, "load", lambda self: loaded.append(self.name) or real(self))
    group = main.LazyGroup(name="caretier")
    assert group.get_command(None, "doctor").name == "doctor"
    assert loaded == ["doctor"]


def test_an_unknown_command_is_none():
    assert main.LazyGroup(name="caretier").get_command(None, "nonsense") is None


@pytest.mark.parametrize(
    ("error", "code"), [(BadInputError("It is wrong."), 2), (CaretierError("It failed."), 1)]
)
def test_own_errors_become_a_sentence_and_an_exit_code(monkeypatch, capsys, error, code):
    def fails() -> None:
        raise error

    monkeypatch.setattr(main, "app", fails)
    with pytest.raises(SystemExit) as raised:
        main.main()
    assert raised.value.code == code
    said = capsys.readouterr().err
    assert error.message in said
    assert error.advice in said
    assert "Traceback" not in said


def checks(*rows):
    return lambda _data: iter(rows)


def test_doctor_says_in_json_what_it_found(monkeypatch):
    monkeypatch.setattr(doctor, "checks", checks(("python", True, "3.11")))
    done = RUNNER.invoke(doctor.app, ["--json"])
    assert done.exit_code == 0
    row = {"check": "python", "ok": True, "found": "3.11"}
    assert json.loads(done.stdout) == {"ok": True, "checks": [row]}


@pytest.mark.parametrize("options", [["--json"], []])
def test_doctor_exits_with_one_when_something_is_missing(monkeypatch, options):
    monkeypatch.setattr(doctor, "checks", checks(("a", True, "x"), ("b", False, "run make up")))
    done = RUNNER.invoke(doctor.app, options)
    assert done.exit_code == 1
    assert "run make up" in done.stdout


def test_doctor_reports_whatever_is_wrong():
    def own() -> str:
        raise BadInputError("It is wrong.")

    def other() -> str:
        raise ZeroDivisionError("secret")

    assert doctor._works("a", own) == ("a", False, f"It is wrong. {BadInputError.remedy}")
    assert doctor._works("b", other) == ("b", False, "ZeroDivisionError")


def test_doctor_finds_this_installation_good(embedder, tmp_path):
    found = {name: good for name, good, _ in doctor.checks(tmp_path)}
    assert [n for n, good in found.items() if not good] == []
    assert {"python", "embedding model", "knowledge", "triage rules", "sealing"} <= set(found)


def test_a_secret_is_made_once_for_its_owner_only(tmp_path):
    path = sandbox.secret_file(tmp_path / "deep" / "secret")
    first = path.read_text()
    assert len(first.strip()) >= 20
    assert path.stat().st_mode & 0o777 == 0o600
    assert sandbox.secret_file(path).read_text() == first


def test_a_port_that_is_taken_gives_another():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port


def test_a_child_is_started_watched_and_stopped(tmp_path):
    code = "import time; print('up', flush=True); time.sleep(60)"
    child = Child("x", [sys.executable, "-c", code], tmp_path / "logs" / "x.log")
    assert not child.alive()
    child.stop()
    child.start()
    assert child.alive()
    child.stop()
    assert not child.alive()


def test_a_child_that_ends_at_once_is_told_with_the_end_of_its_log(tmp_path):
    code = "import sys; print('the reason'); sys.exit(3)"
    child = Child("clinic", [sys.executable, "-c", code], tmp_path / "c.log")
    child.start()
    child.process.wait(30)
    with pytest.raises(StartError, match="the reason"):
        wait_ready(child, "http://127.0.0.1:1")
