"""Work in another process: its result, its progress, what it refuses, and how it breaks off."""

from __future__ import annotations

import pytest

from compliance.errors import BadInputError
from services.engines.errors import EngineError, EngineUnavailableError
from services.engines.torch_side import run_module, torch_python


@pytest.fixture
def program(tmp_path):
    """A program that stands in for Python and says what it is told to."""

    def make(script: str):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make


def test_the_result_comes_back_and_progress_is_told(program):
    python = program(
        """cat > /dev/null
echo 'a library says hello'
echo '{"progress": "half"}'
echo '["no object"]'
echo '{"result": {"loss": 0.5}}'"""
    )
    told: list[str] = []
    assert run_module("any", {}, python=python, say=told.append) == {"loss": 0.5}
    assert told == ["half"]


def test_the_request_is_given_as_json(program):
    python = program('printf \'{"result": {"given": %s}}\\n\' "$(cat)"')
    assert run_module("any", {"a": [1]}, python=python) == {"given": {"a": [1]}}


def test_what_the_module_refuses_is_raised_in_its_own_words(program):
    python = program("""echo '{"refused": "There is nothing.", "advice": "Give something."}'""")
    with pytest.raises(BadInputError, match="There is nothing") as raised:
        run_module("any", {}, python=python, refused=BadInputError)
    assert raised.value.advice == "Give something."


def test_a_module_that_breaks_off_is_an_engines_error_with_its_last_lines(program):
    python = program("echo 'out of memory' >&2; exit 3")
    with pytest.raises(EngineError, match=r"status 3.*out of memory"):
        run_module("any", {}, python=python)


def test_a_module_that_takes_too_long_is_stopped(program):
    python = program("sleep 60; echo never")
    with pytest.raises(EngineError, match="longer than"):
        run_module("any", {}, python=python, seconds=0.2)


def test_settings_and_secrets_of_the_node_do_not_reach_the_module(program, monkeypatch):
    monkeypatch.setenv("CARETIER_HOSPITAL_SECRET", "x")
    python = program('printf \'{"result": {"seen": "%s"}}\\n\' "$CARETIER_HOSPITAL_SECRET"')
    assert run_module("any", {}, python=python) == {"seen": ""}


def test_an_environment_that_is_not_there_says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.setenv("CARETIER_TORCH_PYTHON", str(tmp_path / "none"))
    with pytest.raises(EngineUnavailableError) as raised:
        torch_python()
    assert "infra/vllm.sh" in raised.value.advice
