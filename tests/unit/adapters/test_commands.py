"""`caretier bricks convert | quantise | check` as a person types them."""

from __future__ import annotations

import json

import pytest
from support.tiny_llama import make_adapter
from typer.testing import CliRunner

from compliance.errors import BadInputError
from services.bricks.adapters.gguf_adapter import write_gguf_adapter
from services.bricks.adapters.gguf_file import GgufFile
from services.bricks.adapters.peft_folder import write_peft
from services.bricks.commands import app
from services.bricks.errors import BrickDamagedError, BrickError
from services.engines.errors import AdapterMismatchError

RUNNER = CliRunner()


def run(*arguments: object) -> str:
    result = RUNNER.invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def adapter(base, tmp_path):
    write_peft(make_adapter(base), tmp_path / "adapter")
    return tmp_path / "adapter"


def test_convert_says_what_it_wrote(folder, adapter, tmp_path):
    said = run("convert", adapter, tmp_path / "a.gguf", "--base", folder)
    assert said == "a.gguf: adapter of rank 4 on 14 projections, 0.0 MB\n"
    told = json.loads(run("convert", folder, tmp_path / "m.gguf", "--as", "F16", "--json"))
    assert told["what"] == "model of 2 layers in F16"
    assert told["bytes"] == (tmp_path / "m.gguf").stat().st_size


def test_check_tells_an_adapter_apart_from_a_model(folder, base, adapter, tmp_path):
    told = json.loads(run("check", adapter, "--base", folder, "--json"))
    assert (told["what"], told["form"], told["fits"]) == ("adapter", "peft", True)
    assert (told["rank"], told["alpha"], told["layers"]) == (4, 8.0, [0, 1])
    told = json.loads(run("check", folder, "--json"))
    assert (told["what"], told["convertible"]) == ("model", True)
    write_gguf_adapter(make_adapter(base), base.heads, tmp_path / "a.gguf", "a")
    told = json.loads(run("check", tmp_path / "a.gguf", "--json"))
    assert (told["base"], told["rank"]) == (base.digest, 4)
    assert "rank         4" in run("check", tmp_path / "a.gguf")


def test_check_says_of_another_architecture_why_it_cannot_be_converted(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "qwen3"}))
    told = json.loads(run("check", folder, "--json"))
    assert told["convertible"] is False
    assert "qwen3" in told["why_not"]


def test_check_refuses_a_damaged_file_and_an_adapter_of_another_model(base, folder, tmp_path):
    (tmp_path / "a.gguf").write_bytes(b"GGUF" + bytes(3))
    with pytest.raises(BrickDamagedError):
        run("check", tmp_path / "a.gguf")
    other = make_adapter(base)
    write_gguf_adapter(other, base.heads, tmp_path / "a.gguf", "a")
    run("convert", folder, tmp_path / "m.gguf", "--merge", tmp_path / "a.gguf")
    with pytest.raises(AdapterMismatchError):
        run("check", tmp_path / "a.gguf", "--base", tmp_path / "m.gguf")


def test_quantise_makes_a_smaller_file_of_the_same_weights(folder, tmp_path):
    run("convert", folder, tmp_path / "m.gguf")
    said = run("quantise", tmp_path / "m.gguf", tmp_path / "q.gguf", "--as", "Q8_0")
    assert said.startswith("q.gguf: Q8_0, ")
    held = GgufFile.open(tmp_path / "q.gguf")
    assert {t.kind for t in held.tensors.values()} == {"Q8_0", "F32"}
    assert json.loads(run("check", tmp_path / "q.gguf", "--json"))["base"] is not None


def test_quantise_keeps_what_stood_there_when_it_is_refused(folder, tmp_path):
    run("convert", folder, tmp_path / "m.gguf")
    run("quantise", tmp_path / "m.gguf", tmp_path / "q.gguf", "--as", "Q8_0")
    before = (tmp_path / "q.gguf").read_bytes()
    with pytest.raises(BrickError, match="quantised already"):
        run("quantise", tmp_path / "q.gguf", tmp_path / "q.gguf", "--as", "Q4_0")
    with pytest.raises(BrickError, match="no kind Q3"):
        run("quantise", tmp_path / "m.gguf", tmp_path / "q.gguf", "--as", "Q3")
    assert (tmp_path / "q.gguf").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def test_quantise_asks_for_the_base_of_a_merged_model(folder, adapter, tmp_path):
    run("convert", folder, tmp_path / "m.gguf", "--merge", adapter)
    with pytest.raises(BadInputError, match="merged into it"):
        run("quantise", tmp_path / "m.gguf", tmp_path / "q.gguf", "--as", "Q8_0")
    run("quantise", tmp_path / "m.gguf", tmp_path / "q.gguf", "--as", "Q8_0", "--unchecked")
    assert (tmp_path / "q.gguf").is_file()
