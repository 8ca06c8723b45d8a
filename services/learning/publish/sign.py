"""Sign a brick of the hospital's store into its repository."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.bricks.channels import Line
from services.bricks.errors import BrickUnknownError
from services.bricks.manifest import BrickManifest, Level
from services.bricks.repository.channels import bring, channels_of, has_channels
from services.bricks.repository.edition import ONLINE
from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.layout import role_of
from services.bricks.repository.publish import publish
from services.bricks.repository.repository import Repository
from services.bricks.store import BrickStore
from services.learning.errors import RoundBlockedError

Signer = Callable[[], KeyRing]
"""Gives the keys at hand."""


class Signing:
    """Signs bricks.

    Args:
        repository: the signed one of this hospital.
        store: its bricks.
        signer: gives the keys at hand when something is signed.
    """

    def __init__(self, repository: Repository, store: BrickStore, signer: Signer) -> None:
        self.store = store
        self._repository, self._signer = repository, signer

    def keys(self, level: Level, domain: str) -> KeyRing:
        """The keys for bricks of a level and domain, if they are enough; said before any work.

        Raises:
            RoundBlockedError: there is no repository, nobody may sign such bricks, or the keys are
                not at hand.
        """
        role = role_of(level, domain)
        try:
            keys, edition = self._signer(), self._repository.read()
            if role not in edition.delegations():
                raise RoundBlockedError(
                    f"Nobody may sign bricks of {level}/{domain}.",
                    remedy=f"`caretier bricks repository delegate {level} {domain}`, then retry.",
                )
            edition.demand(keys, role, *ONLINE)
        except BrickUnknownError as error:
            raise RoundBlockedError(
                "There is no signed repository to publish into.",
                remedy="Make one with `caretier bricks repository init`, then retry the round.",
            ) from error
        except RepositoryKeyError as error:
            raise _unsigned(error.message) from error
        return keys

    def sign(self, manifest: BrickManifest, keys: KeyRing) -> None:
        """Publish a brick of the store; again changes nothing.

        Where nodes are told apart it is offered to nobody until a rollout does: a brick without a
        line is for all, so the line comes first.

        Raises:
            RoundBlockedError: a key does not open, or is not at hand any more.
        """
        try:
            edition, name = self._repository.read(), manifest.id
            if has_channels(edition) and name not in channels_of(self._repository, edition).bricks:
                bring(self._repository, keys, lambda: {name: Line()})
            publish(self._repository, self.store, keys, manifest.ref)
        except (RepositoryKeyError, BrickUnknownError) as error:
            raise _unsigned(error.message) from error

    def published(self) -> list[BrickManifest]:
        """What is published, with what was taken back."""
        return self._repository.manifests()

    def next_version(self, name: str) -> int:
        """The version that a brick's next one has."""
        there = [*self.published(), *self.store.manifests(name)]
        return max((one.version for one in there if one.id == name), default=0) + 1

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One publication at a time, so that no two take one version."""
        self.store.folder.mkdir(parents=True, exist_ok=True)
        with (self.store.folder / ".publishing.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _unsigned(reason: str) -> RoundBlockedError:
    return RoundBlockedError(
        f"It cannot be signed: {reason}",
        remedy="Put the keys into publisher-keys of the hospital's folder, name the file with their"
        " passphrase (CARETIER_HOSPITAL_SIGNING_PASSPHRASE), then retry the round.",
    )
