"""Kill an update at each of its writes, and look at what it left.

    python killed.py install          # of a device, from a repository
    python killed.py mirror           # of a clinic; a new device follows its copy

One process loads everything once and forks for each try. A try counts its system calls that change
the disk, and is killed (SIGKILL) right before the n-th of them, for n = 1, 2, … until it comes
through. Each time the next try, that nobody kills, has to mend it. Prints one JSON object: how
often each version was found afterwards.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sys
from abc import ABC, abstractmethod
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import BuiltinFunctionType, FrameType

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.repository import SMALL, Publisher

from services.bricks.updater.client import Client
from services.bricks.updater.download import Downloads
from services.bricks.updater.mirror import Mirror
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


class Victim(ABC):
    """What is killed.

    Args:
        publisher: of the repository that it follows.
        here: its folder.
    """

    def __init__(self, publisher: Publisher, here: Path) -> None:
        self.publisher, self.here = publisher, here
        self.source = FolderSource(publisher.layout.folder)

    @abstractmethod
    def run(self) -> None:
        """Bring it to the present state."""

    @abstractmethod
    def version(self) -> int:
        """The version that it shows, which has to be whole."""


class Install(Victim):
    """A device that pulls."""

    def run(self) -> None:
        """See `Victim.run`."""
        self.publisher.updater(self.here).pull("heart-style")

    def version(self) -> int:
        """See `Victim.version`."""
        return _in_use(Updater(self.here, self.source, SMALL))


class Copy(Victim):
    """A clinic that mirrors."""

    def run(self) -> None:
        """See `Victim.run`."""
        client = Client(self.here / "trust", self.source, SMALL)
        client.trust(self.publisher.first_root)
        downloads = Downloads(self.here / "parts", self.source, SMALL)
        Mirror(self.here / "mirror", ("device",)).sync(client, downloads)

    def version(self) -> int:
        """See `Victim.version`."""
        with TemporaryDirectory(dir=self.here) as made:
            source = FolderSource(self.here / "mirror")
            device = self.publisher.updater(Path(made), source)
            device.pull("heart-style")
            return _in_use(device)


def main(kind: type[Victim], folder: Path) -> dict[str, int]:
    """Try every n; return how often each version was found, and how many tries there were."""
    publisher = Publisher(folder / "repository")
    publisher.brick(WORDS[1], files=SHARED)
    publisher.publish()
    before = kind(publisher, folder / "before")
    before.here.mkdir()
    before.run()
    publisher.brick(WORDS[2], files=SHARED, version=2)
    publisher.publish()
    seen: Counter[str] = Counter()
    for n in range(1, 1000):
        victim = kind(publisher, folder / "try")
        shutil.rmtree(victim.here, ignore_errors=True)
        shutil.copytree(before.here, victim.here, symlinks=True)
        finished = _try(victim, n)
        seen[str(victim.version())] += 1
        victim.run()
        if victim.version() != 2:
            raise AssertionError(f"after the kill at {n} the next try did not mend it")
        if finished:
            return {**seen, "tries": n}
    raise AssertionError("it never came through")


def _try(victim: Victim, n: int) -> bool:
    """Run in a child that dies before its n-th change; return whether it came through."""
    child = os.fork()
    if child == 0:
        sys.setprofile(_Killer(n))
        victim.run()
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


def _in_use(updater: Updater) -> int:
    """The version in use, which has to be whole: its files are those of this version."""
    (version,) = updater.installed.active().values()
    ref = f"heart-style@{version}"
    updater.store.verify(ref)
    found = {
        file.name: updater.store.blob(file.digest).read_bytes()
        for file in updater.store.get(ref).files
    }
    if found != {"content.bin": WORDS[version], **SHARED}:
        raise AssertionError("two versions are mixed")
    return version


if __name__ == "__main__":
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    kinds: dict[str, type[Victim]] = {"install": Install, "mirror": Copy}
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        print(json.dumps(main(kinds[sys.argv[1]], Path(made))))  # noqa: T201
