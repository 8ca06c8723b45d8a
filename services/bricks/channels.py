"""Channels: which version of a brick is offered to which node, as the hospital signs it.

    channels = Channels.parse(raw)                   # the signed target `channels.json`
    channels.offers("heart-style@3", node)           # False: this node's turn has not come

A brick without a line is offered to every node as it is published. One with a line is offered up to
``settled``; the version ``next`` only to nodes whose hash, keyed by its ``salt``, is not beyond its
``reach``; whatever is higher to nobody; and what is *withdrawn* never again: where it is in use the
last good version comes back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.bricks.errors import BrickUntrustedError
from services.bricks.manifest import BrickId, split_ref

CHANNELS = "channels.json"
"""Target path of the list; only the role of this name can sign it."""
ROLE = "channels"
"""The role whose key the hospital's machine holds: it offers what others signed, or does not."""
FARTHEST = "f" * 64
"""The reach that takes in every node."""
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Version = Annotated[int, Field(ge=1, le=999_999_999)]
Reason = Annotated[str, StringConstraints(max_length=300)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Next(_Part):
    """A version on its way: for nodes whose rank is not beyond ``reach`` (None: for none)."""

    version: Version
    salt: Hex
    reach: Hex | None


class Line(_Part):
    """One brick: the highest version for all, the one on its way, and what was withdrawn."""

    settled: Version | None = None
    next: Next | None = None
    withdrawn: dict[Version, Reason] = Field(default_factory=dict)

    def offers(self, version: int, node: str | None) -> bool:
        """Whether a version is for a node; one that is None has no turn of its own."""
        if version in self.withdrawn:
            return False
        if self.settled is not None and version <= self.settled:
            return True
        coming = self.next
        if coming is None or coming.version != version or coming.reach is None:
            return False
        return coming.reach == FARTHEST or (
            node is not None and rank(coming.salt, node) <= coming.reach
        )

    def best(self, node: str | None, using: int = 0) -> int:
        """The version that a node should use, which uses one now (0: none)."""
        coming = self.next.version if self.next is not None else 0
        offered = [v for v in (coming, self.settled or 0) if v and self.offers(v, node)]
        best = max(offered, default=0)
        return best if using in self.withdrawn else max(best, using)


class Channels(_Part):
    """Every brick that is not simply offered to all."""

    format: Literal["caretier-channels/1"] = "caretier-channels/1"
    bricks: dict[BrickId, Line] = Field(default_factory=dict)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read the signed target.

        Raises:
            BrickUntrustedError: it is none.
        """
        try:
            return cls.model_validate_json(raw)
        except ValidationError:
            raise BrickUntrustedError("The list of channels cannot be read.") from None

    def canonical(self) -> bytes:
        """The bytes that are signed."""
        held = self.model_dump(mode="json")
        return json.dumps(held, sort_keys=True, separators=(",", ":")).encode()

    def offers(self, ref: str, node: str | None) -> bool:
        """Whether a version is for a node (its fingerprint) now."""
        brick, version = split_ref(ref)
        line = self.bricks.get(brick)
        return line is None or line.offers(version, node)

    @cached_property
    def withdrawn(self) -> Mapping[str, str]:
        """What must not be used any more, by ``id@version``, with the reasons."""
        return {
            f"{brick}@{version}": reason
            for brick, line in self.bricks.items()
            for version, reason in line.withdrawn.items()
        }


def rank(salt: str, node: str) -> str:
    """Where a node stands in the order of a release: HMAC-SHA-256 of its fingerprint, as hex."""
    return hmac.new(bytes.fromhex(salt), node.encode(), hashlib.sha256).hexdigest()
