"""Kill an install at each of its writes, and look at what it left: ``python killed.py``.

One process loads everything once and forks for each try. A try counts its system calls that change
the disk, and is killed (SIGKILL) right before the n-th of them, for n = 1, 2, … until it comes
through. Prints one JSON object: how often each version was in use afterwards.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import BuiltinFunctionType, FrameType

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.repository import SMALL, Publisher

from services.bricks.updater.source import FolderSource
from services.bricks.updater.updater import Updater

CALLS = frozenset(
    "open write truncate fsync replace rename link symlink unlink remove mkdir rmdir chmod".split()
)
"""Of the module ``posix``: what changes the disk (and opening, which may)."""
METHODS = frozenset({"write", "flush", "truncate"})
"""Of files."""
SHARED = {"shared.bin": b"what both versions have" * 500}
WORDS = {1: b"old words" * 2000, 2: b"new words" * 2000}


def main(folder: Path) -> dict[str, int]:
    """Try every n; return how often each version was in use, and how many tries there were."""
    publisher = Publisher(folder / "repository")
    publisher.brick(WORDS[1], files=SHARED)
    publisher.publish()
    node = folder / "node"
    publisher.updater(node).pull("heart-style")
    publisher.brick(WORDS[2], files=SHARED, version=2)
    publisher.publish()
    seen: Counter[str] = Counter()
    n = 0
    while True:
        n += 1
        here = folder / "try"
        shutil.rmtree(here, ignore_errors=True)
        shutil.copytree(node, here, symlinks=True)
        source = FolderSource(publisher.layout.folder)
        finished = _try(here, source, n)
        seen[str(_in_use(here))] += 1
        Updater(here, source, SMALL).pull("heart-style")
        if _in_use(here) != 2:
            raise AssertionError(f"after the kill at {n} the next pull did not mend it")
        if finished:
            return {**seen, "tries": n}


def _try(here: Path, source: FolderSource, n: int) -> bool:
    """Pull in a child that dies before its n-th change; return whether it came through."""
    child = os.fork()
    if child == 0:
        updater = Updater(here, source, SMALL)
        sys.setprofile(_Killer(n))
        updater.pull("heart-style")
        sys.setprofile(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status not in {0, signal.SIGKILL}:
        raise AssertionError(f"the try {n} ended with {status}")
    return status == 0


class _Killer:
    def __init__(self, n: int) -> None:
        self._left = n

    def __call__(self, _frame: FrameType, event: str, called: BuiltinFunctionType) -> None:
        if event != "c_call":
            return
        on_disk = called.__module__ == "posix" and called.__name__ in CALLS
        on_file = isinstance(called.__self__, io.IOBase) and called.__name__ in METHODS
        if on_disk or on_file:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _in_use(here: Path) -> int:
    """The version in use, which has to be whole: its files are those of this version."""
    updater = Updater(here, FolderSource(here), SMALL)
    (version,) = updater.installed.active().values()
    updater.store.verify(f"heart-style@{version}")
    laid = updater.store.lay_out(f"heart-style@{version}", here / "laid-out" / str(version))
    found = {path.name: path.read_bytes() for path in laid.iterdir()}
    if found != {"content.bin": WORDS[version], **SHARED}:
        raise AssertionError("two versions are mixed")
    return version


if __name__ == "__main__":
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        print(json.dumps(main(Path(made))))  # noqa: T201
