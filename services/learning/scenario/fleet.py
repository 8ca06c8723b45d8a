"""The rollout over a simulated fleet, to which the scenario's clinics belong, by a simulated clock.

What nodes are offered is signed into the real repository, for the clinics' updaters, and kept in
memory, for the simulated nodes: both see the same lines.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.learning.rollout.ports import ChannelWriter, MemoryChannels, Wanted
from services.learning.rollout.simulator import USUAL, SimulatedFleet, SimulatedNode

NODES = 21
"""Simulated clinics beside the real ones."""
SEED = 20261126
HOURLY = 24.0
WINDOW = 30.0
"""Minutes between two reports."""


@dataclass(frozen=True)
class BothChannels:
    """Signs for real nodes, and tells simulated ones; see `ChannelWriter`."""

    signed: ChannelWriter
    told: MemoryChannels

    def check(self) -> None:
        """See `ChannelWriter.check`."""
        self.signed.check()

    def bring(self, wanted: Wanted) -> bool:
        """See `ChannelWriter.bring`."""
        self.told.bring(wanted)
        return self.signed.bring(wanted)


def make_fleet(brick: str, clinics: list[str]) -> SimulatedFleet:
    """A fleet that has no version of a brick yet.

    Args:
        brick: that will be rolled out.
        clinics: fingerprints of those that are more than simulated; what they count is simulated.
    """
    fleet = SimulatedFleet(NODES, SEED, brick=brick, version=0, hourly=HOURLY, window=WINDOW)
    for key in clinics:
        fleet.nodes[key] = SimulatedNode(key, USUAL, HOURLY, using={brick: 0}, aside=set())
    return fleet
