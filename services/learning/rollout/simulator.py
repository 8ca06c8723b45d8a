"""A simulated fleet: nodes with rates of their own, a clock, and a regression where one is planted.

    fleet = SimulatedFleet(nodes=30, seed=1)
    rollout = fleet.rollout(database, policy)
    fleet.live(rollout, minutes=600)                     # a baseline under what is there
    rollout.start("general@2", "general@1")
    fleet.worse["general@2"] = Rates(overrides=0.15)     # what it adds to each node's own rates
    fleet.live(rollout, minutes=6_000, until="general@2")

The nodes follow their channels as real ones do; who is offered what is asked of the same lines.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from services.bricks.channels import Line
from services.learning.policy import Policy
from services.learning.rollout.measures import Measures
from services.learning.rollout.ports import CanaryResult, MemoryChannels
from services.learning.rollout.service import Rollout
from services.store.database import Database

START = datetime(2026, 1, 5, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Rates:
    """Shares of the answers, and the median time to one in milliseconds."""

    overrides: float = 0.0
    abstentions: float = 0.0
    referrals: float = 0.0
    latency_ms: float = 0.0


USUAL = Rates(0.08, 0.15, 0.20, 400.0)


@dataclass
class SimulatedNode:
    """A clinic: its fingerprint, its own rates, how much it is asked, and its clock.

    Attributes:
        hourly: answers in an hour, on average.
        away: whether it is switched off: it neither follows its channel nor reports.
        silent: whether it follows its channel and reports nothing.
        skew: by how much its clock is ahead.
        using: the version in use by brick.
        aside: versions that were put aside here, which never come back.
    """

    key: str
    rates: Rates
    hourly: float
    using: dict[str, int]
    aside: set[tuple[str, int]]
    away: bool = False
    silent: bool = False
    skew: timedelta = timedelta()

    def follow(self, brick: str, line: Line, versions: int) -> None:
        """Take the highest version that the channel offers; put aside what was withdrawn."""
        now = self.using.get(brick, 0)
        self.aside |= {(brick, version) for version in line.withdrawn}
        usable = [
            version
            for version in range(1, versions + 1)
            if line.offers(version, self.key) and (brick, version) not in self.aside
        ]
        best = max(usable, default=0)
        self.using[brick] = best if (brick, now) in self.aside else max(best, now)


class SimulatedFleet:
    """Nodes and their clock.

    Args:
        nodes: how many.
        seed: of their rates and of chance.
        brick: that is rolled out.
        version: of it in use at the beginning; 0 for none.
        hourly: answers of a node in an hour, on average.
        window: minutes between two reports of a node.
    """

    def __init__(
        self,
        nodes: int,
        seed: int,
        *,
        brick: str = "general",
        version: int = 1,
        hourly: float = 12.0,
        window: float = 15.0,
    ) -> None:
        self.random = np.random.default_rng(seed)
        self.brick, self.now, self.window = brick, START, timedelta(minutes=window)
        self.channels, self.worse = MemoryChannels(), dict[str, Rates]()
        self.canaries_failed: tuple[str, ...] = ()
        self.highest = version
        self.nodes = {node.key: node for node in self._made(nodes, seed, hourly, version)}

    def rollout(self, database: Database, policy: Policy, **more: Any) -> Rollout:
        """A rollout over this fleet, by its clock."""
        return Rollout(
            database,
            policy,
            lambda: list(self.nodes),
            self.channels,
            **{
                "canaries": self._canaries,
                "clock": lambda: self.now,
                "draw": lambda: self.random.bytes(32).hex(),
                **more,
            },
        )

    def live(self, rollout: Rollout, minutes: float, until: str | None = None) -> float:
        """Let time pass: nodes follow, answer and report, the rollout ticks.

        Args:
            rollout: that is told.
            minutes: at most.
            until: ends when this release is not on its way any more, or held.

        Returns:
            The minutes that passed.
        """
        begun = self.now
        while self.now - begun < timedelta(minutes=minutes):
            self._window(rollout)
            if until is not None and rollout.book.get(until).deployment.state != "watching":
                break
        return (self.now - begun).total_seconds() / 60

    def using(self, version: int) -> int:
        """How many nodes have a version in use."""
        return sum(node.using.get(self.brick, 0) == version for node in self.nodes.values())

    def answered(self, rollout: Rollout, brick: str) -> int:
        """How many answers under a release its last look was based on."""
        return int((rollout.book.get(brick).deployment.now or {}).get("answers", 0))

    def _window(self, rollout: Rollout) -> None:
        line = self.channels.lines.get(self.brick)
        for node in self.nodes.values():
            if node.away:
                continue
            if line is not None:
                coming = line.next.version if line.next else 0
                self.highest = max(self.highest, coming)
                node.follow(self.brick, line, self.highest)
        began = self.now
        self.now += self.window
        for node in self.nodes.values():
            if not (node.away or node.silent):
                release = f"{self.brick}@{node.using.get(self.brick, 0)}"
                rollout.observe(
                    node.key, self._counted(node, release), release=release, since=began + node.skew
                )
        rollout.tick()

    def _counted(self, node: SimulatedNode, release: str) -> Measures:
        hours = self.window.total_seconds() / 3600
        answers = int(self.random.poisson(node.hourly * hours))
        own, more = node.rates, self.worse.get(release, Rates())

        def of(name: str) -> int:
            share = min(1.0, getattr(own, name) + getattr(more, name))
            return int(self.random.binomial(answers, share))

        usual = own.latency_ms + more.latency_ms
        return Measures(
            answers=answers,
            overrides=of("overrides"),
            abstentions=of("abstentions"),
            referrals=of("referrals"),
            latency_p50_ms=float(usual * self.random.lognormal(0, 0.2)) if answers else None,
        )

    def _canaries(self, _brick: str, _former: str | None) -> CanaryResult:
        return CanaryResult(10, self.canaries_failed)

    def _made(self, count: int, seed: int, hourly: float, version: int) -> list[SimulatedNode]:
        """Nodes whose rates lie about the usual ones, as clinics differ."""

        def spread(usual: float) -> float:
            return float(usual * self.random.lognormal(0, 0.25))

        return [
            SimulatedNode(
                key=hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()[:32],
                rates=Rates(
                    spread(USUAL.overrides),
                    spread(USUAL.abstentions),
                    spread(USUAL.referrals),
                    spread(USUAL.latency_ms),
                ),
                hourly=spread(hourly),
                using={self.brick: version},
                aside=set(),
            )
            for number in range(count)
        ]
