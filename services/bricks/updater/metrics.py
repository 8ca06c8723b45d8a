"""What a monitor reads of a node's bricks, for ``GET /metrics``; counts and times, no names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.bricks.errors import BrickError
from services.bricks.standing import standing_of
from services.bricks.updater.installed import Installed
from services.bricks.updater.ledger import Step, Updates

_STEPS: tuple[Step, ...] = ("copy", "update")


class BrickMetrics(Collector):
    """Reads the files of a node's folder of bricks whenever it is asked.

    Args:
        folder: of the bricks; it may come later.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges of now."""
        try:
            active = float(len(Installed(self._folder).active()))
        except BrickError:
            active = float("nan")
        yield GaugeMetricFamily("caretier_bricks_in_use", "Bricks in use.", active)
        standing = standing_of(self._folder)
        left_out = len(standing.left_out) if standing else 0
        said = "Bricks in use that the node leaves out; `caretier bricks list` says why."
        yield GaugeMetricFamily("caretier_bricks_left_out", said, left_out)
        yield from self._updates(Updates.of(self._folder))

    def _updates(self, updates: Updates) -> Iterator[GaugeMetricFamily]:
        ended = GaugeMetricFamily(
            "caretier_bricks_ended_seconds",
            "When copying and updating last went well, in seconds since 1970.",
            labels=["step"],
        )
        failed = GaugeMetricFamily(
            "caretier_bricks_failed", "Whether something last failed (1).", labels=["step"]
        )
        for step in _STEPS:
            if (at := updates.ended.get(step)) is not None:
                ended.add_metric([step], at.timestamp())
            failed.add_metric([step], float(bool(updates.failing(step))))
        yield ended
        yield failed
        way = updates.running
        size = GaugeMetricFamily(
            "caretier_bricks_file_bytes", "Of the file that is on its way.", labels=["part"]
        )
        size.add_metric(["here"], way.here if way else 0)
        size.add_metric(["whole"], way.size if way else 0)
        yield size
