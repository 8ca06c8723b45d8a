"""A publisher that is killed at any moment leaves the old state or the new one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from support import brick_repository


def test_kill_9_at_each_file_leaves_the_old_state_or_the_new_one(tmp_path: Path) -> None:
    support = Path(brick_repository.__file__).parent
    paths = os.pathsep.join((str(support.parent), *sys.path))
    done = subprocess.run(
        [sys.executable, support / "killed_publisher.py", tmp_path],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout)
    *killed, last = seen
    assert len(killed) >= 5  # a brick's file, its manifest, the delegation, snapshot, timestamp
    assert killed == [[True, False]] * len(killed)
    assert last == [False, True]
