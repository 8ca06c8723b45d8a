"""Channels in the hospital's signed repository."""

from __future__ import annotations

from collections.abc import Callable

from services.bricks.repository.channels import bring, has_channels
from services.bricks.repository.edition import ONLINE, UNATTENDED
from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.repository import Repository
from services.learning.rollout.errors import NoChannelError
from services.learning.rollout.ports import Wanted


class SignedChannels:
    """Signs what nodes are offered; see `ChannelWriter`.

    Args:
        repository: of this hospital.
        keys: gives the keys at hand: of channels, snapshot and timestamp.
    """

    def __init__(self, repository: Repository, keys: Callable[[], KeyRing]) -> None:
        self._repository, self._keys = repository, keys

    def check(self) -> None:
        """See `ChannelWriter.check`."""
        if not self._repository.exists:
            raise NoChannelError("There is no signed repository here, so nothing can be offered.")
        edition = self._repository.read()
        if not has_channels(edition):
            raise NoChannelError("The repository offers what is published to every node at once.")
        try:
            edition.demand(self._keys(), *UNATTENDED)
        except RepositoryKeyError as error:
            raise NoChannelError(
                error.message,
                remedy=f"Put the keys of {', '.join((*ONLINE, 'channels'))} back, then retry.",
            ) from error

    def bring(self, wanted: Wanted) -> bool:
        """See `ChannelWriter.bring`."""
        return bool(wanted()) and bring(self._repository, self._keys(), wanted)
