"""``caretier triage`` as a person and as a program meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from services.consult.commands import app


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=given)


def test_it_is_one_command_that_a_group_can_hold() -> None:
    assert typer.main.get_command(app).name == "triage"


def test_json_is_the_triage_object() -> None:
    result = run("crushing chest pain", "--json")
    assert result.exit_code == 0
    loaded = json.loads(result.stdout)
    assert set(loaded) == {"level", "rule", "advice", "source"}
    assert loaded["level"] == "emergency"


def test_the_text_is_read_from_standard_input() -> None:
    assert (
        json.loads(run("-", "--json", given="crushing chest pain").stdout)["level"] == "emergency"
    )
    assert json.loads(run("--json", given="hello").stdout)["level"] == "routine"


def test_a_reader_sees_what_to_do_first() -> None:
    lines = run("me duele el pecho", "--language", "es", "--country", "ES").stdout.splitlines()
    assert "EMERGENCIA" in lines[0]
    assert "112" in lines[1]


def test_a_reader_is_told_that_nothing_was_found() -> None:
    assert "not a diagnosis" in run("hello").stdout


def test_what_is_known_of_the_person_is_used() -> None:
    assert json.loads(run("fever 100.6", "--json", "--age", "0").stdout)["level"] == "emergency"
    found = json.loads(run("bad headache, blurry vision", "--json", "--pregnant").stdout)
    assert found["rule"] == "preeclampsia-signs"


@pytest.mark.parametrize(
    "arguments",
    [("x", "--language", "fr"), ("x", "--age", "999"), ("x", "--country", "usa"), (" ",)],
)
def test_bad_input_exits_with_2_and_no_traceback(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_text_that_is_too_long_is_refused_not_cut() -> None:
    assert run("-", "--json", given="a" * 8001).exit_code == 2


def test_jsonl_answers_each_line_with_its_id() -> None:
    given = '{"id": 1, "text": "crushing chest pain"}\n\n{"id": "b", "text": "hi", "note": 3}\n'
    result = run("--jsonl", given=given)
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["id"], line["level"]) for line in lines] == [(1, "emergency"), ("b", "routine")]


def test_jsonl_takes_facts_about_the_person() -> None:
    given = (
        '{"id": 1, "text": "temp 100.6", "age": 0}\n{"id": 2, "text": "temp 100.6", "age": 30}\n'
    )
    lines = [json.loads(line) for line in run("--jsonl", given=given).stdout.splitlines()]
    assert [line["level"] for line in lines] == ["emergency", "routine"]


def test_a_bad_line_is_told_and_the_rest_goes_on() -> None:
    given = (
        'nope\n[1]\n{"id": 3}\n{"id": 4, "text": "x", "country": "usa"}\n{"id": 5, "text": "hi"}\n'
    )
    result = run("--jsonl", given=given)
    assert result.exit_code == 2
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["id"] for line in lines] == [None, None, 3, 4, 5]
    assert all(set(line["error"]) == {"type", "title", "detail"} for line in lines[:4])
    assert lines[4]["level"] == "routine"


def test_jsonl_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": 1, "text": "crushing chest pain"}\n', "utf-8")
    assert json.loads(run(str(path), "--jsonl").stdout)["id"] == 1
    assert run(str(tmp_path / "none"), "--jsonl").exit_code == 2
