"""``caretier study``: files in, files out, and the way back with the key alone."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.fhir import jsontext
from services.fhir.sandbox import generate
from services.fhir.study import app


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "root.key"
    assert run("key", path).exit_code == 0
    return path


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """One patient in a Bundle."""
    mine = [r for r in generate() if r["id"] in {"p01", "p01-a1c-1"}]
    text = jsontext.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in mine]}
    )
    path = tmp_path / "record.json"
    path.write_text(text.replace('"value":8.4', '"value":8.40'), encoding="utf-8")
    return path


def test_a_record_is_written_out_by_type_and_can_be_led_back(
    tmp_path: Path, key: Path, record: Path
):
    out = tmp_path / "out"
    done = run("export", record, "--study", "s", "--key", key, "--out", out)
    assert done.exit_code == 0, done.output
    assert "2 of 2 resources" in done.output
    assert {p.name for p in out.iterdir()} == {
        "Patient.ndjson", "Observation.ndjson", "reversal.bin",
    }  # fmt: skip
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    written = "".join(p.read_text("utf-8") for p in out.glob("*.ndjson"))
    assert "hitcombe" not in written
    assert '"value":8.40' in written
    patient = json.loads((out / "Patient.ndjson").read_text("utf-8"))["id"]
    back = run("originals", out / "reversal.bin", patient, "--study", "s", "--key", key)
    assert back.output.strip() == "Patient/p01"
    other = run("originals", out / "reversal.bin", patient, "--study", "t", "--key", key)
    assert other.exit_code == 2


def test_what_exists_is_never_written_over(tmp_path: Path, key: Path, record: Path):
    before = key.read_bytes()
    assert run("key", key).exit_code == 2
    assert key.read_bytes() == before
    (tmp_path / "out").mkdir()
    done = run("export", record, "--study", "s", "--key", key, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("content", ["", "[1]", "{}", '{"resourceType": "Bundle", "entry": [', "x"])
def test_a_file_that_is_no_fhir_is_refused(tmp_path: Path, key: Path, content: str):
    bad = tmp_path / "bad.json"
    bad.write_text(content, encoding="utf-8")
    done = run("export", bad, "--study", "s", "--key", key, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_without_a_key_nothing_is_exported(
    tmp_path: Path, record: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("CARETIER_STUDY_ROOT", raising=False)
    done = run("export", record, "--study", "s", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "CARETIER_STUDY_ROOT" in done.output


def test_what_was_never_given_out_has_no_original(tmp_path: Path, key: Path, record: Path):
    out = tmp_path / "out"
    assert run("export", record, "--study", "s", "--key", key, "--out", out).exit_code == 0
    done = run("originals", out / "reversal.bin", "patient-x", "--study", "s", "--key", key)
    assert done.exit_code == 2
