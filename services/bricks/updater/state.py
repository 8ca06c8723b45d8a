"""The state of the bricks in use, as it is written down, and the steps that it may take."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from services.bricks.manifest import BrickId, BrickRef, split_ref

Version = Annotated[int, Field(ge=1)]
"""Of a brick; a later one is always greater."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InUse(_Part):
    """One brick.

    Attributes:
        active: the version in use, if any.
        home: level and domain that it came from; its later versions come from there only.
        good: the last good version: it was in use before and nothing spoke against it.
        pinned: the only version that an update puts in use.
        highest: the highest version that ever was in use; no lower one comes by itself.
        aside: versions that are not to be used here, with the reasons.
        dropped: an operator took the brick out of use; no version comes by itself.
    """

    active: Version | None = None
    home: str | None = None
    good: Version | None = None
    pinned: Version | None = None
    highest: int = Field(default=0, ge=0)
    aside: dict[Version, str] = Field(default_factory=dict)
    dropped: bool = False

    def moved_to(self, version: int) -> Self:
        """With another version in use, and the present one behind it."""
        if version == self.active:
            return self
        return self.model_copy(
            update={
                "active": version,
                "good": self.good if self.active is None else self.active,
                "highest": max(version, self.highest),
                "dropped": False,
            }
        )

    def back_to(self, version: int | None, reason: str) -> Self:
        """With an earlier version in use (None: none), and the present one put aside."""
        aside = {v: why for v, why in self.aside.items() if v != version}
        if self.active is not None:
            aside[self.active] = reason
        return self.without_active(version).model_copy(update={"aside": aside, "dropped": False})

    def without_active(self, version: int | None) -> Self:
        """With an earlier version in use (None: none), and the present one gone.

        What is not lower than that version is no last good one: it was passed over.
        """
        behind = self.good if self.good is not None and self.good < (version or 0) else None
        return self.model_copy(update={"active": version, "good": behind})


class State(_Part):
    """All bricks by their ids, and what publishers took back, with the reasons."""

    format: Literal["caretier-installed/1"] = "caretier-installed/1"
    bricks: dict[BrickId, InUse] = Field(default_factory=dict)
    revoked: dict[BrickRef, str] = Field(default_factory=dict)

    def of(self, brick: str) -> InUse:
        """What is known of a brick."""
        return self.bricks.get(brick, InUse())

    def having(self, brick: str, now: InUse) -> Self:
        """With another state of one brick."""
        return self.model_copy(update={"bricks": {**self.bricks, brick: now}})

    def homes(self) -> dict[str, str]:
        """Where bricks come from, as far as they came from a repository."""
        return {brick: now.home for brick, now in self.bricks.items() if now.home is not None}

    def active(self) -> dict[str, int]:
        """The version in use of each brick, without revoked ones."""
        return {
            brick: now.active
            for brick, now in self.bricks.items()
            if now.active is not None and f"{brick}@{now.active}" not in self.revoked
        }

    def good(self, brick: str) -> int | None:
        """The last good version, unless it was taken back or put aside."""
        now = self.of(brick)
        usable = f"{brick}@{now.good}" not in self.revoked and now.good not in now.aside
        return now.good if usable else None

    def why_not(self, ref: str) -> str | None:
        """Why a version must not be used, or None where nothing speaks against it itself."""
        brick, version = split_ref(ref)
        aside = self.of(brick).aside
        if ref in self.revoked:
            return f"{ref} was taken back: {self.revoked[ref]}"
        if version in aside:
            return f"{ref} was put aside here: {aside[version]}"
        return None

    def obstacle(self, ref: str) -> str | None:
        """Why a version is not to be put in use by an update, or None."""
        brick, version = split_ref(ref)
        now = self.of(brick)
        if (reason := self.why_not(ref)) is not None:
            return reason
        if now.pinned not in {None, version}:
            return f"{brick} is pinned to {now.pinned}."
        if version < now.highest and version not in {now.active, now.pinned}:
            return f"{ref} is lower than {brick}@{now.highest}, which was in use here."
        return None
