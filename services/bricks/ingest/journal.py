"""The state of a run, beside its output: what was made of each item, so that a run can go on.

One JSON line an item, under the digest of what the item was made of. A line that broke off when the
run was killed is cut away; a journal of another manifest is begun anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from services.bricks.errors import BrickError
from services.bricks.ingest.manifest import Manifest

NAME = "ingest.state.jsonl"
"""Of the file beside a pack by which a broken run goes on."""


class Journal:
    """Open for one run at a time; use as a context.

    Raises:
        BrickError: another run writes to this folder, or its journal is a link.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / NAME
        self._stream = self._open()
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._stream.close()
            raise BrickError(f"Another run writes to {folder}.", remedy="Wait for it.") from error
        self._places: dict[bytes, int] = {}
        self._read(_fingerprint(manifest))

    def _open(self) -> IO[bytes]:
        """Open for appending; through a link the file of somebody else would be emptied."""
        try:
            number = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise BrickError(
                f"{self.path} cannot be opened.", remedy="Remove it if it is a link."
            ) from error
        return os.fdopen(number, "a+b")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def _read(self, wanted: str) -> None:
        self._stream.seek(0)
        end = 0
        for number, line in enumerate(self._stream):
            try:
                held = json.loads(line)
                digest = bytes.fromhex(held["digest"]) if number else b""
            except (ValueError, KeyError, TypeError):
                break
            if not line.endswith(b"\n") or (number == 0 and held != wanted):
                break
            if number:
                self._places[digest] = end
            end += len(line)
        self._stream.truncate(end)
        if not end:
            self._append(wanted)

    def _append(self, value: Any) -> int:
        self._stream.seek(0, os.SEEK_END)
        place = self._stream.tell()
        self._stream.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        self._stream.flush()
        return place

    def find(self, digest: bytes) -> int | None:
        """Where the record of an item stands, or None."""
        return self._places.get(digest)

    def add(self, digest: bytes, record: dict[str, Any]) -> int:
        """Keep a record; returns where it stands."""
        self._places[digest] = place = self._append({"digest": digest.hex(), **record})
        return place

    def get(self, place: int) -> dict[str, Any]:
        """The record that stands there."""
        self._stream.seek(place)
        held: dict[str, Any] = json.loads(self._stream.readline())
        return held

    def finish(self) -> None:
        """The output is complete: the journal has done its work."""
        self.path.unlink()


def _fingerprint(manifest: Manifest) -> str:
    """Of the manifest and of the readers: nothing is taken from what other readers made."""
    digest = hashlib.sha256(manifest.model_dump_json().encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()
