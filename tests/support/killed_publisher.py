"""Publish again and again, killed at the first, second, … file; say what a client sees each time.

Run by itself, because a test's own process is not forked.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from support.brick_repository import World

from services.bricks.repository.publish import publish


def _killed_at(world: World, number: int, ref: str) -> bool:
    """Publish in a process that dies before its N-th file is in place; whether it came to that."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == signal.SIGKILL
    left, place = [number], world.repository.layout._place

    def placed(draft: Path, path: Path) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        place(draft, path)

    world.repository.layout._place = placed  # type: ignore[method-assign]
    publish(world.repository, world.store, world.ring(), ref)
    os._exit(0)


def main(folder: Path) -> None:
    """Print, for each file, whether the run was killed, and whether the new version is seen."""
    world = World(folder)
    world.init()
    world.delegate()
    seen = []
    for version in range(1, 20):
        ref = world.brick(version, b"%d" % version).ref
        killed = _killed_at(world, version, ref)
        found = world.fetch(f"device/general/plain-words/{version}.json") is not None
        seen.append([killed, found])
        if not killed:
            break
        publish(world.repository, world.store, world.ring(), ref)
        assert world.fetch(f"device/general/plain-words/{version}.json") is not None
    sys.stdout.write(json.dumps(seen))


main(Path(sys.argv[1]))
