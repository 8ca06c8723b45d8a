"""A repository on disk: its state, and changes to it that are seen whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import TargetFile

from services.bricks.errors import BrickDamagedError, BrickUnknownError
from services.bricks.manifest import MAX_MANIFEST, BrickManifest
from services.bricks.repository.edition import Edition, Lifetimes, read_edition
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.layout import Layout


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


class Repository:
    """Signed bricks in a folder.

    Args:
        folder: of the repository.
        lifetimes: of the metadata that is signed.
        clock: what time it is.
    """

    def __init__(
        self,
        folder: Path,
        *,
        lifetimes: Lifetimes | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.layout = Layout(folder)
        self.lifetimes, self.clock = lifetimes or Lifetimes(), clock

    @property
    def exists(self) -> bool:
        """Whether there is one in the folder."""
        return self.layout.of_role("timestamp", 0).is_file()

    def read(self) -> Edition:
        """What is published now.

        Raises:
            BrickUnknownError: there is no repository.
            BrickDamagedError: its metadata is damaged.
        """
        return read_edition(self.layout)

    @contextmanager
    def edit(self, keys: KeyRing) -> Iterator[Edition]:
        """Change the state: what was done to it within is signed and published at the end.

        Files that new metadata names have to be in place by then.

        Raises:
            RepositoryBusyError: somebody else is changing it.
            RepositoryKeyError: too few keys of a role that changed are at hand; nothing changed.
        """
        with self.layout.lock():
            edition = self.read()
            yield edition
            self.publish(edition, keys)

    def publish(self, edition: Edition, keys: KeyRing) -> None:
        """Sign and write a state; the caller holds the lock.

        Raises:
            RepositoryKeyError: too few keys of a role that changed are at hand; nothing changed.
        """
        sealed = edition.seal(keys, self.lifetimes, self.clock())
        for role, content in sealed.items():
            version = edition.metadata[role].signed.version
            self.layout.write(self.layout.of_role(role, version), content)

    def put_target(self, path: str, content: bytes) -> TargetFile:
        """Put the file of a target in its place, and return the entry to be signed."""
        target = TargetFile.from_data(path, content, ["sha256"])
        self.layout.write(self.layout.of_target(path, target.hashes["sha256"]), content)
        return target

    def get_target(self, edition: Edition, role: str, path: str) -> bytes:
        """The content of a target that a role signs.

        Raises:
            BrickUnknownError: it signs no such thing.
            BrickDamagedError: the file is missing, or not the one that was signed.
        """
        target = edition.targets(role).targets.get(path)
        if target is None:
            raise BrickUnknownError(f"{path} is not published here.")
        try:
            with self.layout.of_target(path, target.hashes["sha256"]).open("rb") as stream:
                content = stream.read(MAX_MANIFEST + 1)
            target.verify_length_and_hashes(content)
        except (OSError, LengthOrHashMismatchError):
            raise BrickDamagedError(
                f"{path} of the repository is missing or damaged.",
                remedy="Put it back from a copy of the repository's folder.",
            ) from None
        return content

    def manifests(self, edition: Edition | None = None) -> list[BrickManifest]:
        """All bricks that are published, those that were taken back too.

        Raises:
            BrickDamagedError: a manifest is missing, or not the one that was signed.
        """
        now = edition or self.read()
        found = [
            BrickManifest.parse(self.get_target(now, role, path))
            for role in now.delegations()
            for path in now.targets(role).targets
        ]
        return sorted(found, key=lambda manifest: (manifest.id, manifest.version))
