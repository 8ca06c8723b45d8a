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
from functools import cached_property
from typing import cast

from tuf.api.metadata import TargetFile

from services.bricks.channels import Channels
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

    @property
    def home(self) -> str:
        """Level and domain, and so the role that signs it: ``device/cardiology``."""
        return f"{self.level}/{self.domain}"


@dataclass(frozen=True)
class Catalogue:
    """A state of a repository, as a node sees it.

    A brick has one home. Its later versions come from there and nowhere else, so that whoever may
    sign for one domain cannot put a brick in the place of another domain's.

    Attributes:
        signed: everything that is offered.
        revoked: what was taken back, with the reasons.
        left_out: roles that do not hold, with the reasons; what only they sign is not offered.
        unreached: those of them that may be there, but did not come.
        expires: until when this state may be shown as the present one.
        homes: of the bricks that the node knows, by id.
        channels: what is offered to whom; empty where the repository makes no difference, None
            where it does and how is not known: then this node may take nothing.
        node: whose turn counts; the fingerprint of a clinic, which its devices share.
    """

    signed: tuple[Entry, ...]
    revoked: Mapping[str, str]
    left_out: Mapping[str, str]
    unreached: frozenset[str]
    expires: datetime
    homes: Mapping[str, str] = field(default_factory=dict)
    channels: Channels | None = field(default_factory=Channels)
    node: str | None = None

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """What this node may take, by ``id@version``: of bricks at home."""
        found: dict[str, Entry] = {}
        for entry in self.signed:
            brick = split_ref(entry.ref)[0]
            homes = {self.homes[brick]} if brick in self.homes else self._homes[brick]
            if homes == {entry.home} and self._is_offered(entry.ref):
                found[entry.ref] = entry
        return found

    def _waits(self, ref: str) -> bool:
        """Whether only its channel keeps a version from this node."""
        signed = any(entry.ref == ref for entry in self.signed)
        return signed and self.channels is not None and not self._is_offered(ref)

    def _is_offered(self, ref: str) -> bool:
        return self.channels is not None and self.channels.offers(ref, self.node)

    @cached_property
    def _homes(self) -> Mapping[str, set[str]]:
        """Where bricks are signed, by id."""
        found: dict[str, set[str]] = {}
        for entry in self.signed:
            found.setdefault(split_ref(entry.ref)[0], set()).add(entry.home)
        return found

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
            BrickUntrustedError: there is none, and some roles do not hold; or it is offered from
                elsewhere than its home.
        """
        versions = self.versions(brick)
        if not versions:
            raise self._none(brick, f"The repository offers no brick {brick}.")
        return f"{brick}@{versions[-1]}"

    def entry(self, ref: str) -> Entry:
        """One version, be it revoked.

        Raises:
            BrickUnknownError, BrickUntrustedError: see `latest`.
        """
        if ref not in self.entries and self._waits(ref):
            raise BrickUnknownError(
                f"{ref} is not offered to this node, or not yet.",
                remedy="It comes by itself when this node's turn has come.",
            )
        if ref not in self.entries:
            raise self._none(split_ref(ref)[0], f"The repository does not offer {ref}.")
        return self.entries[ref]

    def _none(self, brick: str, sentence: str) -> BrickUnknownError | BrickUntrustedError:
        others = self._homes.get(brick, set()) - {self.homes.get(brick, "")}
        if others and (brick in self.homes or len(others) > 1):
            return BrickUntrustedError(
                f"{sentence} {brick} is signed for {' and '.join(sorted(others))}, and not only"
                f" for {self.homes.get(brick, 'one of them')}.",
                remedy=f"Ask who publishes it. If it moved: `caretier bricks drop {brick}`, then"
                " pull it.",
            )
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
