"""What a pass did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from services.fhir.client import Failure

Mode = Literal["new", "full", "named"]
"""What changed since; everything; or only what is awaited by name."""


@dataclass
class Outcome:
    """What a pass did.

    Attributes:
        read: resources by type; deleted: how many here.
        failures: what could not be had; it is tried again.
        troubles: what was not read at all, as ``Type: code``.
        searched: how many searches were read to their end.
        bulk: whether it was read by Bulk Data.
    """

    read: dict[str, int] = field(default_factory=dict)
    deleted: int = 0
    failures: list[Failure] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    searched: int = 0
    bulk: bool = False

    @property
    def state(self) -> str:
        """``ok``; ``partial`` where something is missing, ``failed`` where all is."""
        if self.troubles and not self.searched:
            return "failed"
        return "partial" if self.failures or self.troubles else "ok"

    @property
    def total(self) -> int:
        """How many resources were read."""
        return sum(self.read.values())
