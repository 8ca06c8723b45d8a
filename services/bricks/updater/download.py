"""Fetching a file by its digest: it goes on where it stopped, and never takes more than it is to.

What is fetched lies in ``<hex>.part`` until all of it is there; then it is read through its digest
and only then given out. A part that turns out wrong is thrown away.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from tuf.api.exceptions import DownloadError, DownloadHTTPError

from services.bricks.blobs import digest_of
from services.bricks.errors import BrickError, BrickUntrustedError, RepositoryAwayError
from services.bricks.manifest import BrickFile
from services.bricks.updater.limits import Limits
from services.bricks.updater.said import said
from services.bricks.updater.source import Source

Progress = Callable[[str, int, int], None]
"""Called with a file's name, how many of its bytes are here, and how many it has."""
RANGE_NOT_SATISFIABLE = 416
"""A server's answer where it has fewer bytes than are here already."""


def silent(_name: str, _here: int, _size: int) -> None:
    """Tell nobody."""


def until(stop: threading.Event) -> Progress:
    """Break downloads off once ``stop`` is set, so that a process that ends need not wait for them.

    The progress that it returns raises RepositoryAwayError then; what is here is kept.
    """

    def progress(_name: str, _here: int, _size: int) -> None:
        if stop.is_set():
            raise RepositoryAwayError("The download was broken off; it goes on the next time.")

    return progress


class Downloads:
    """Files on their way.

    Args:
        folder: of the parts; made with the first one.
        source: where they come from.
        limits: of size on the disk.
        progress: is told after each piece.
    """

    def __init__(
        self, folder: Path, source: Source, limits: Limits, progress: Progress = silent
    ) -> None:
        self._folder, self._source, self._limits = folder, source, limits
        self._progress = progress
        self.moved = 0
        """Bytes fetched so far, those of broken runs of others not counted."""

    def fetch(self, file: BrickFile) -> Path:
        """The whole file, to be moved or deleted by the caller.

        Raises:
            BrickUntrustedError: it is longer than it is to be, or not what its digest says.
            RepositoryAwayError: it did not come, or only in part; the part is kept.
            BrickError: there is no room for it.
        """
        part = self._folder / f"{_hex(file.digest)}.part"
        self._folder.mkdir(parents=True, exist_ok=True)
        if _size(part) > file.size:
            part.unlink()
        self._room_for(file, _size(part))
        with said(f"{file.name} could not be fetched."):
            try:
                self._append(file, part)
            except DownloadHTTPError as error:
                if error.status_code != RANGE_NOT_SATISFIABLE:
                    raise
                part.unlink(missing_ok=True)  # there is less of it there than here
                self._append(file, part)
        if digest_of(part)[0] != file.digest:
            part.unlink()
            raise BrickUntrustedError(f"{file.name} is not what its digest says.")
        return part

    def clear(self, keep: frozenset[str] = frozenset()) -> None:
        """Delete the parts of all files but those of some digests."""
        kept = {f"{_hex(digest)}.part" for digest in keep}
        for part in self._folder.glob("*.part"):
            if part.name not in kept:
                part.unlink()

    def _append(self, file: BrickFile, part: Path) -> None:
        here = _size(part)
        if here == file.size and part.exists():
            return
        with part.open("ab") as stream:
            for piece in self._source.read(f"targets/blobs/{_hex(file.digest)}", here):
                here += len(piece)
                self.moved += len(piece)
                if here > file.size:
                    stream.truncate(0)
                    raise BrickUntrustedError(f"{file.name} is longer than it is to be.")
                stream.write(piece)
                self._progress(file.name, here, file.size)
            stream.flush()
            os.fsync(stream.fileno())
        if here < file.size:
            raise DownloadError(f"{file.name} ended early.")

    def _room_for(self, file: BrickFile, here: int) -> None:
        """Refuse what would fill the disk: it is held twice until it lies in the store."""
        needed = 2 * file.size - here + self._limits.spare_bytes
        free = shutil.disk_usage(self._folder).free
        if free < needed:
            raise BrickError(
                f"There is no room for {file.name}: {needed >> 20} MiB are needed,"
                f" {free >> 20} MiB are free.",
                remedy="Make room, or remove a brick: `caretier bricks remove ID@VERSION`.",
            )


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
