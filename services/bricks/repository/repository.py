"""A repository on disk: its state, and changes to it that are seen whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import TargetFile

from services.bricks.channels import CHANNELS
from services.bricks.errors import BrickDamagedError, BrickError, BrickUnknownError
from services.bricks.manifest import MAX_MANIFEST, BrickManifest
from services.bricks.repository.edition import Edition, Lifetimes
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.layout import PROPOSAL, Layout
from services.bricks.repository.reading import read_edition


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


class Repository:
    """Signed bricks in a folder.

    Args:
        folder: of the repository.
        lifetimes: of the metadata that is signed.
        clock: what time it is.
        proposals: folder where changes are written to be signed by more people, instead of being
            published (`services.bricks.repository.proposals`).
    """

    def __init__(
        self,
        folder: Path,
        *,
        lifetimes: Lifetimes | None = None,
        clock: Callable[[], datetime] = utc_now,
        proposals: Path | None = None,
    ) -> None:
        self.layout = Layout(folder)
        self.lifetimes, self.clock = lifetimes or Lifetimes(), clock
        self.proposals = proposals

    @property
    def exists(self) -> bool:
        """Whether there is one in the folder."""
        return self.layout.of_role("timestamp", 0).is_file()

    def read(self, keys: KeyRing | None = None) -> Edition:
        """What is published now; it has to be the repository that the keys were made for.

        Raises:
            BrickUnknownError: there is no repository.
            BrickDamagedError: its metadata is damaged, or not signed by those who may sign it.
        """
        return read_edition(self.layout, keys.pins() if keys is not None else ())

    @contextmanager
    def edit(self, keys: KeyRing) -> Iterator[Edition]:
        """Change the state: what was done to it within is signed and published at the end.

        Files that new metadata names have to be in place by then.

        Raises:
            RepositoryBusyError: somebody else is changing it.
            RepositoryKeyError: too few keys of a role that changed are at hand; nothing changed.
        """
        with self.layout.lock():
            edition = self.read(keys)
            edition.proposed = self.proposals is not None
            yield edition
            if self.proposals is None:
                self.publish(edition, keys)
            else:
                self._propose(edition, keys, self.proposals)

    def _propose(self, edition: Edition, keys: KeyRing, folder: Path) -> None:
        if any(folder.glob(f"*{PROPOSAL}")):
            raise BrickError(
                f"A proposal is in {folder} already.",
                remedy="Publish it (`apply`) or delete it, or choose another folder.",
            )
        for role, content in edition.sign(keys, self.lifetimes, self.clock()).items():
            self.layout.write(folder / f"{role}{PROPOSAL}", content)

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
            if path != CHANNELS
        ]
        return sorted(found, key=lambda manifest: (manifest.id, manifest.version))
