"""``caretier deidentify`` and ``caretier audit verify``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compliance.commands import audit_app, deidentify_app, read_resources
from compliance.errors import BadInputError

run = CliRunner().invoke
PATIENT = {"resourceType": "Patient", "name": [{"given": ["Xiomara"], "family": "Quispe"}]}


def test_plain_output_is_the_masked_text(tmp_path: Path) -> None:
    file = tmp_path / "q.txt"
    file.write_text("I am Thaddeus.", encoding="utf-8")
    result = run(deidentify_app, [str(file)])
    assert (result.exit_code, result.output) == (0, "I am [PERSON-1].\n")


def test_json_has_the_contracts_shape() -> None:
    result = run(deidentify_app, ["-", "--json"], input="call 555-810-7203")
    out = json.loads(result.output)
    assert set(out) == {"text", "entities", "detector"}
    assert out["entities"] == [
        {
            "start": 5,
            "end": 17,
            "type": "PHONE_NUMBER",
            "score": 0.85,
            "recognizer": "PhoneRecognizer",
            "placeholder": "[PHONE-1]",
        }
    ]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(PATIENT),
        json.dumps([PATIENT]),
        json.dumps({"resourceType": "Bundle", "entry": [{"resource": PATIENT}]}),
        json.dumps(PATIENT) + "\n" + json.dumps({"resourceType": "Basic"}) + "\n",
    ],
)
def test_patient_takes_a_resource_an_array_a_bundle_and_ndjson(tmp_path: Path, body: str) -> None:
    record = tmp_path / "p.json"
    record.write_text(body, encoding="utf-8")
    result = run(deidentify_app, ["--patient", str(record)], input="quispe has a cough")
    assert result.output == "[PATIENT] has a cough\n"


def test_jsonl_goes_on_after_a_bad_line_and_exits_2() -> None:
    lines = [
        json.dumps({"id": 1, "text": "I am Thaddeus."}),
        "not json",
        json.dumps({"id": "b"}),
        json.dumps({"id": "c", "text": "quispe tose", "language": "es", "patient": PATIENT}),
        json.dumps({"id": "d", "text": "x", "language": "fr"}),
        json.dumps({"id": "e", "text": "x", "patient": 5}),
        "",
    ]
    result = run(deidentify_app, ["--jsonl"], input="\n".join(lines))
    out = [json.loads(line) for line in result.output.splitlines()]
    assert result.exit_code == 2
    assert [o["id"] for o in out] == [1, None, "b", "c", "d", "e"]
    assert [o.get("text") for o in out] == [
        "I am [PERSON-1].",
        None,
        None,
        "[PATIENT] tose",
        None,
        None,
    ]
    assert out[2]["error"]["type"] == "urn:caretier:problem:deidentification-failed"


def test_jsonl_without_bad_lines_exits_0() -> None:
    result = run(deidentify_app, ["--jsonl"], input='{"id": 1, "text": "a cough"}\n')
    assert result.exit_code == 0


@pytest.mark.parametrize(
    "arguments", [["/no/such/file"], ["--patient", "/no/such/file"], ["--language", "fr"]]
)
def test_bad_input_prints_no_text_and_fails(arguments: list[str]) -> None:
    result = run(deidentify_app, arguments, input="I am Thaddeus.")
    assert result.exit_code in {2, 4}
    assert "Thaddeus" not in result.output


@pytest.mark.parametrize("text", ["", "5", "null", "[1]", "{x", "[]"])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(BadInputError):
        read_resources(text)


def test_verify_without_trails_exits_5(tmp_path: Path) -> None:
    assert run(audit_app, ["verify", "--data", str(tmp_path)]).exit_code == 5


def test_verify_says_that_a_trail_is_broken(tmp_path: Path) -> None:
    trail = tmp_path / "device" / "audit" / "crossings.jsonl"
    trail.parent.mkdir(parents=True)
    trail.write_text('{"not": "a record"}\n', encoding="utf-8")
    result = run(audit_app, ["verify", "--data", str(tmp_path)])
    assert result.exit_code == 5
