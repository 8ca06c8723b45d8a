"""Where everything of a repository lies, and how it gets there whole.

    metadata/timestamp.json  metadata/<n>.<role>.json
    targets/<digest>.revoked.json  targets/<level>/<domain>/<id>/<digest>.<version>.json
    targets/blobs/<digest>

Only ``timestamp.json`` is ever written over; every other name carries a number or a digest.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compliance.audit.files import sync_folder
from services.bricks.blobs import digest_of, said_of_disk
from services.bricks.errors import BrickDamagedError
from services.bricks.manifest import BrickManifest
from services.bricks.repository.errors import RepositoryBusyError

REVOKED = "revoked.json"
"""Target path of the list of revoked bricks."""
PROPOSAL = ".proposal"
"""Ending of a role's next version that more people have to sign."""
PATIENCE = 10.0
"""Seconds that a change waits for another one to end."""
_PART = r"[a-z0-9][a-z0-9-]{0,47}"
METADATA_NAME = re.compile(r"timestamp\.json|[1-9][0-9]{0,9}\.[a-z0-9-]{1,64}\.json")
"""A file of metadata that is served: a version of a role, or the present timestamp."""
TARGET_NAME = re.compile(
    rf"blobs/[0-9a-f]{{64}}|[0-9a-f]{{64}}\.(?:revoked|channels)\.json"
    rf"|(?:device|clinic|hospital)/{_PART}/{_PART}/[0-9a-f]{{64}}\.[1-9][0-9]{{0,8}}\.json"
)
"""A file beside it that is served: a blob, a list, or a manifest under its digest."""


def role_of(level: str, domain: str) -> str:
    """Name of the role that signs the bricks of a level and domain."""
    return f"{level}-{domain}"


def target_of(manifest: BrickManifest) -> str:
    """Target path of a brick's manifest."""
    return f"{manifest.level}/{manifest.domain}/{manifest.id}/{manifest.version}.json"


class Layout:
    """Paths below the folder of a repository, and writing there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metadata, self.targets = folder / "metadata", folder / "targets"

    def of_role(self, role: str, version: int) -> Path:
        """The file of a version of a role."""
        name = "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"
        return self.metadata / name

    def of_target(self, path: str, digest: str) -> Path:
        """The file of a target (its digest in hexadecimal stands before its name)."""
        head, _, name = path.rpartition("/")
        return self.targets / head / f"{digest}.{name}"

    def of_blob(self, digest: str) -> Path:
        """The file of a brick's file, by ``sha256:<hex>``."""
        return self.targets / "blobs" / digest.removeprefix("sha256:")

    def write(self, path: Path, content: bytes) -> None:
        """Put a file in its place; it is on the disk before it can be seen.

        Raises:
            BrickNotWrittenError: the disk is full, or may not be written.
        """
        with said_of_disk(self.folder), self._draft(path) as draft:
            with draft.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            self._place(draft, path)

    def take_blob(self, source: Path, digest: str) -> bool:
        """Give a read-only file a second name here (or a copy); return whether it was not here.

        Raises:
            BrickDamagedError: the copy is not what the digest says.
            BrickNotWrittenError: the disk is full, or may not be written.
        """
        path = self.of_blob(digest)
        if path.exists() and (path.samefile(source) or digest_of(path)[0] == digest):
            return False
        with said_of_disk(self.folder), self._draft(path) as draft:
            try:
                os.link(source, draft)
            except OSError:
                shutil.copyfile(source, draft)
                if digest_of(draft)[0] != digest:
                    raise BrickDamagedError(f"The file {digest[:19]}… was damaged.") from None
            self._place(draft, path)
        return True

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One change at a time, of all processes.

        Raises:
            RepositoryBusyError: another one goes on for longer than one waits.
            BrickNotWrittenError: the folder may not be written.
        """
        deadline = time.monotonic() + PATIENCE
        with said_of_disk(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("ab")
        with lock as stream:
            while True:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise RepositoryBusyError(
                            "Somebody else is changing the repository."
                        ) from None
                    time.sleep(0.05)
            yield

    @contextmanager
    def _draft(self, path: Path) -> Iterator[Path]:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{secrets.token_hex(8)}.draft")
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)

    @staticmethod
    def _place(draft: Path, path: Path) -> None:
        draft.replace(path)
        sync_folder(path.parent)
