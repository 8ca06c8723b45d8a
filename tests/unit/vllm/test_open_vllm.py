"""Settings open vLLM at the hospital, and nowhere that they must not."""

from __future__ import annotations

import json

import pytest

from services.engines.errors import EngineNotAllowedError
from services.engines.llama import LlamaEngine
from services.engines.open import open_engine
from services.engines.settings import EngineSettings
from services.engines.vllm import VllmEngine, VllmSettings
from services.engines.vllm.command import server_command


async def test_the_hospital_opens_vllm_without_starting_it():
    engine = open_engine(EngineSettings(kind="vllm"), "hospital")
    assert isinstance(engine, VllmEngine)
    assert not engine._server.starts
    await engine.close()


@pytest.mark.parametrize("level", ["clinic", "device"])
async def test_below_the_hospital_the_same_settings_run_llama(level):
    engine = open_engine(EngineSettings(kind="vllm"), level)
    assert isinstance(engine, LlamaEngine)
    await engine.close()


def test_a_server_elsewhere_must_be_allowed_by_name(monkeypatch):
    monkeypatch.setenv("CARETIER_VLLM_URL", "https://gpu.example.org/v1")
    with pytest.raises(EngineNotAllowedError, match="CARETIER_VLLM_URL"):
        open_engine(EngineSettings(kind="vllm"), "hospital")


async def test_a_server_elsewhere_that_is_allowed_is_opened(monkeypatch):
    monkeypatch.setenv("CARETIER_VLLM_URL", "https://gpu.example.org/v1")
    engine = open_engine(EngineSettings(kind="vllm", hosts="gpu.example.org"), "hospital")
    assert isinstance(engine, VllmEngine)
    assert engine._server is None
    await engine.close()


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", '{"base": 5}'])
def test_a_note_that_says_nothing_names_no_base(tmp_path, note):
    (tmp_path / "caretier-base.json").write_text(note)
    assert VllmSettings(model=tmp_path).base_digest() is None


def test_the_note_beside_the_weights_names_the_base_unless_the_setting_does(tmp_path):
    digest, other = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32
    (tmp_path / "caretier-base.json").write_text(json.dumps({"base": digest}))
    assert VllmSettings(model=tmp_path).base_digest() == digest
    assert VllmSettings(model=tmp_path, base=other).base_digest() == other


@pytest.mark.parametrize(
    ("settings", "there", "away"),
    [
        ({"slots": 3}, ["--enable-lora", "--max-loras"], ["--enable-auto-tool-choice"]),
        ({"slots": 0}, [], ["--enable-lora", "--max-loras"]),
        ({"tools": "hermes"}, ["--enable-auto-tool-choice", "hermes"], []),
        ({"more": "--gpu-memory-utilization 0.8 --x 'a b'"}, ["0.8", "a b"], []),
    ],
)
def test_settings_become_the_servers_command(tmp_path, settings, there, away):
    (tmp_path / "config.json").write_text("{}")
    python = tmp_path / "python"
    python.touch()
    command = server_command(VllmSettings(model=tmp_path, python=python, **settings), 8000)
    assert set(there) <= set(command)
    assert not set(away) & set(command)
    assert command[command.index("--host") + 1] == "127.0.0.1"
