"""An update that is killed at any moment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

KILLED = Path(__file__).parents[2] / "support" / "killed.py"


@pytest.mark.parametrize("what", ["install", "mirror"])
def test_an_update_that_is_killed_at_any_write_leaves_the_old_or_the_new_never_a_mix(what):
    ended = subprocess.run(
        [sys.executable, str(KILLED), what],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    assert seen["1"] > 20
    assert seen["2"] > 1
    assert seen["1"] + seen["2"] == seen["tries"]
