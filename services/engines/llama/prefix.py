"""Files of what a model has already read: the keys and values of a shared beginning.

A shared beginning is a system part that is the same for every person; only what the engine was
told to share comes here, so a file holds nothing of a patient. Its name is the digest of all that
decides its content: the library's version, the model, the adapter and the tokens. A file that is
broken or of another origin is put away and made anew; it can cost time, never a wrong answer.

    folder = PrefixFolder(Path("prefixes"), limit=512_000_000)
    key = prefix_key(model="sha256:…", adapter="", tokens=head)
    data = folder.load(key) or …
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

_log = logging.getLogger("caretier.engines.llama")
MEGABYTE = 1_000_000
ENDING, PART = ".prefix", ".part"
STALE_SECONDS = 3600.0
DIGEST_BYTES = 32


def prefix_key(model: str, adapter: str, tokens: Sequence[int]) -> str:
    """Name of the file: a SHA-256 in hexadecimal.

    Args:
        model: digest of the weights.
        adapter: digest of the adapter, or an empty text for none.
        tokens: the beginning.
    """
    parts = [version("llama-cpp-python"), model, adapter, list(tokens)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class PrefixFolder:
    """A folder that keeps the files used last, up to a size.

    Args:
        folder: made where it is missing, readable by its owner alone.
        limit: bytes of all files together.
    """

    def __init__(self, folder: Path, limit: int = 512 * MEGABYTE) -> None:
        self._folder, self._limit = folder, limit

    def load(self, key: str) -> bytes | None:
        """What was saved under a key, or None; a file that is damaged is removed."""
        path = self._path(key)
        try:
            content = path.read_bytes() if path.stat().st_size <= self._limit else b""
        except OSError:
            return None
        data = content[DIGEST_BYTES:]
        if _seal(key, data) != content[:DIGEST_BYTES]:
            _log.warning("a prefix file was damaged and is made anew: %s", path)
            self.forget(key)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return data

    def save(self, key: str, data: bytes) -> None:
        """Keep ``data`` under a key, all of it or nothing; a full disk only costs the saving."""
        if len(data) + DIGEST_BYTES > self._limit:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(suffix=PART, dir=self._folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_seal(key, data))
                    file.write(data)
                Path(name).replace(self._path(key))
            finally:
                Path(name).unlink(missing_ok=True)
            self._trim()

    def forget(self, key: str) -> None:
        """Remove a file that turned out to be of no use."""
        with contextlib.suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{ENDING}"

    def _trim(self) -> None:
        """Remove the files that were used longest ago until the rest fits, and broken writes."""
        for part in self._folder.glob(f"*{PART}"):
            if part.stat().st_mtime < time.time() - STALE_SECONDS:
                part.unlink(missing_ok=True)
        files = sorted(
            ((p.stat().st_mtime_ns, p.stat().st_size, p) for p in self._folder.glob(f"*{ENDING}")),
            reverse=True,
        )
        total = 0
        for _used, size, path in files:
            total += size
            if total > self._limit:
                path.unlink(missing_ok=True)


def _seal(key: str, data: bytes) -> bytes:
    return hashlib.sha256(key.encode() + hashlib.sha256(data).digest()).digest()
