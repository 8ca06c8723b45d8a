"""Files kept under their digests: equal ones once, each whole or not there.

A blob is written beside its place, read back through its digest while it is written, made
read-only, and moved into place only when it is on the disk. What a broken run leaves lies in
``tmp`` and is swept away.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from compliance.audit.files import sync_folder
from services.bricks.errors import BrickDamagedError, BrickNotWrittenError

CHUNK = 1 << 20
"""Bytes read at a time."""
READ_ONLY = 0o444
"""Mode of a file that is kept: its content never changes."""
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class Blobs:
    """``sha256/ab/abcd…`` below a folder.

    Args:
        folder: of the blobs; made when the first one comes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where a blob lies, or would lie.

        Raises:
            BrickDamagedError: this is no ``sha256:<hex>``.
        """
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise BrickDamagedError("A digest is not written as sha256 and 64 hexadecimal digits.")
        return self.folder / "sha256" / match[1][:2] / match[1]

    def holds(self, digest: str, size: int) -> bool:
        """Whether a blob of this digest and length lies in its place; it is not read."""
        try:
            return self.path(digest).stat().st_size == size
        except OSError:
            return False

    def whole(self, digest: str, size: int) -> bool:
        """Whether it does, and its content is what the digest says: it is read for that."""
        return self.holds(digest, size) and digest_of(self.path(digest)) == (digest, size)

    def put(self, source: Path, digest: str, size: int, *, name: str) -> None:
        """Copy a file into its place, unless a whole one lies there already.

        Args:
            source: the file.
            digest: that it has to have, ``size`` in bytes too.
            size: its exact length.
            name: of the file, for the error.

        Raises:
            BrickDamagedError: the file cannot be read, or is not what digest and size say; nothing
                is kept of it.
        """
        if self.whole(digest, size):
            return
        try:
            reading = source.open("rb")
        except OSError:
            raise BrickDamagedError(f"{name} cannot be read from {source}.") from None
        with reading, self.draft() as draft:
            found = _copy(reading, draft, limit=size)
            if found != (digest, size):
                raise BrickDamagedError(f"{name} is not what its digest and size say.")
            place = self.path(digest)
            place.parent.mkdir(parents=True, exist_ok=True)
            draft.chmod(READ_ONLY)
            draft.replace(place)
            sync_folder(place.parent)

    def sweep(self, named: Collection[str]) -> int:
        """Delete every blob but those named, and what broken runs left; return the bytes freed.

        Nobody may be adding meanwhile.
        """
        freed = 0
        kept = {self.path(digest) for digest in named}
        for path in (*self.folder.glob("sha256/*/*"), *self.folder.glob("tmp/*")):
            if path not in kept:
                freed += path.stat().st_size
                path.unlink()
        return freed

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A new name on the same disk, gone afterwards unless the file was moved away."""
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        draft = self.folder / "tmp" / secrets.token_hex(8)
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def said_of_disk(folder: Path) -> Iterator[None]:
    """Say it of the folder when the disk fails.

    Raises:
        BrickNotWrittenError: it did.
    """
    try:
        yield
    except OSError as error:
        raise BrickNotWrittenError(
            f"{folder} cannot be written: {error.strerror or 'the disk failed'}."
        ) from error


def digest_of(path: Path) -> tuple[str, int]:
    """Digest (``sha256:<hex>``) and length in bytes of a file."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return f"sha256:{digest}", stream.tell()


def _copy(reading: IO[bytes], target: Path, *, limit: int) -> tuple[str, int]:
    """Copy at most ``limit`` bytes and one; return digest and length of what was written."""
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as writing:
        while size <= limit and (piece := reading.read(min(CHUNK, limit + 1 - size))):
            digest.update(piece)
            writing.write(piece)
            size += len(piece)
        writing.flush()
        os.fsync(writing.fileno())
    return f"sha256:{digest.hexdigest()}", size
