"""What a rollout needs from elsewhere: the nodes, their channels, canary questions, the trail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from services.bricks.channels import Line

Move = Literal[
    "started", "moved-on", "held", "gone-on", "stopped", "rolled-back", "released"
]  # fmt: skip
Fleet = Callable[[], Collection[str]]
"""The fingerprints of the nodes that are served now, without revoked ones."""
Audit = Callable[[str, Move, str | None], None]
"""Writes down a move of ``rollout:id@version`` before it counts, and which person made it."""
Wanted = Callable[[], Mapping[str, Line]]
"""The lines of the bricks that are rolled out, as the database has them at that moment."""


class ChannelWriter(Protocol):
    """Signs what nodes are offered."""

    def check(self) -> None:
        """See that channels can be signed.

        Raises:
            NoChannelError: they cannot.
        """
        ...

    def bring(self, wanted: Wanted) -> bool:
        """Sign these lines, where they differ from what is signed; whether they did.

        ``wanted`` is called while nobody else can sign, so that the last to sign has the latest.
        """
        ...


@dataclass(frozen=True)
class CanaryResult:
    """How many canary questions were asked of a release, and what was wrong, a line each."""

    asked: int
    failed: tuple[str, ...] = ()
    notes: Mapping[str, object] = field(default_factory=dict)


Canaries = Callable[[str, str | None], CanaryResult]
"""Asks the canary questions of ``id@version``; ``former`` is the version before it."""


def no_canaries(_brick: str, _former: str | None) -> CanaryResult:
    """Ask nothing: then a person has to say whether the release may leave the simulator."""
    return CanaryResult(0)


def unaudited(_what: str, _move: Move, _by: str | None) -> None:
    """Write nothing down; for tests."""


class MemoryChannels:
    """Channels that nobody signs: for a simulated fleet, and tests.

    Attributes:
        lines: by brick.
    """

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}

    def check(self) -> None:
        """See `ChannelWriter.check`."""

    def bring(self, wanted: Wanted) -> bool:
        """See `ChannelWriter.bring`."""
        before = dict(self.lines)
        self.lines.update(wanted())
        return self.lines != before
