"""What a repository offers, as far as its signatures hold.

    client = Client(data / "bricks" / "trust", source)
    client.trust(root)                       # once: the root that everything is checked against
    catalogue = client.refresh()             # fetches and checks metadata
    catalogue.latest("heart-style")          # "heart-style@3"
    client.manifest(catalogue, "heart-style@3")

The paths that the metadata files name are only looked at to know what to ask for. Whether a
manifest is offered, and by whom it has to be signed, is asked of python-tuf for each path, which
walks the delegations as the specification says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from tuf.api.metadata import TargetFile

from services.bricks.errors import BrickUnknownError, BrickUntrustedError
from services.bricks.manifest import Level, split_ref

REVOKED = "revoked.json"
"""The target that lists what was taken back; only the top role can sign it."""
_NAME = r"[a-z0-9][a-z0-9-]{0,47}"
_PATH = re.compile(rf"(device|clinic|hospital)/({_NAME})/({_NAME})/([1-9][0-9]{{0,8}})\.json")


@dataclass(frozen=True)
class Entry:
    """One version of a brick in a repository."""

    ref: str
    level: Level
    domain: str
    target: TargetFile = field(repr=False)

    @property
    def path(self) -> str:
        """Of its manifest."""
        return self.target.path


@dataclass(frozen=True)
class Catalogue:
    """A state of a repository.

    Attributes:
        entries: what is offered, by ``id@version``.
        revoked: what was taken back, with the reasons.
        left_out: roles that do not hold, with the reasons; what only they sign is not offered.
        unreached: those of them that may be there, but did not come.
        expires: until when this state may be shown as the present one.
    """

    entries: Mapping[str, Entry]
    revoked: Mapping[str, str]
    left_out: Mapping[str, str]
    unreached: frozenset[str]
    expires: datetime

    def versions(self, brick: str) -> list[int]:
        """The versions of a brick that may be used, lowest first."""
        return sorted(
            split_ref(ref)[1]
            for ref in self.entries
            if split_ref(ref)[0] == brick and ref not in self.revoked
        )

    def latest(self, brick: str) -> str:
        """The highest version of a brick that may be used.

        Raises:
            BrickUnknownError: there is none.
            BrickUntrustedError: there is none, and some roles do not hold.
        """
        versions = self.versions(brick)
        if not versions:
            raise self._none(f"The repository offers no brick {brick}.")
        return f"{brick}@{versions[-1]}"

    def entry(self, ref: str) -> Entry:
        """One version, be it revoked.

        Raises:
            BrickUnknownError, BrickUntrustedError: see `latest`.
        """
        if ref not in self.entries:
            raise self._none(f"The repository does not offer {ref}.")
        return self.entries[ref]

    def _none(self, sentence: str) -> BrickUnknownError | BrickUntrustedError:
        if self.left_out:
            roles = "; ".join(f"{role}: {why}" for role, why in sorted(self.left_out.items()))
            return BrickUntrustedError(f"{sentence} Some of it does not hold. {roles}")
        return BrickUnknownError(sentence, remedy="`caretier bricks pull` shows what there is.")


def entry_of(target: TargetFile) -> Entry | None:
    """What a target's path says, or None where it is the path of no manifest."""
    match = _PATH.fullmatch(target.path)
    if match is None:
        return None
    return Entry(f"{match[3]}@{match[4]}", cast("Level", match[1]), match[2], target)


def is_manifest(path: str) -> bool:
    """Whether a path is one that a manifest may have; every other one is passed over."""
    return _PATH.fullmatch(path) is not None
