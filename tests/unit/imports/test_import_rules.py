"""Imports point one way, and a device needs none of the hospital's weight."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "vllm", "celery", "transformers")


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_the_contracts_of_imports_are_kept():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("module", ["patient_app.app", "clinic_edge.app", "services.cli.main"])
def test_a_small_tier_loads_no_heavy_library(module):
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_command_loads_no_server_before_it_is_asked_for_one():
    heavy = ("fastapi", "uvicorn", "sqlalchemy", "onnxruntime", "presidio_analyzer")
    code = f"import sys, services.cli.main; print([m for m in {heavy} if m in sys.modules])"
    assert run(code).stdout.strip() == "[]"
