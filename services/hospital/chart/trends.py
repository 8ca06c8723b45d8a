"""The results of each test over time, as the chart shows them: the most pressing first."""

from __future__ import annotations

from dataclasses import dataclass

from services.consult.record.trends import OutOfRange, Trend, trends_of
from services.hospital.chart.results import series
from services.hospital.chart.view import View


@dataclass(frozen=True)
class Trends:
    """The tests of a person; ``older`` results of long series are not among their points."""

    tests: tuple[Trend, ...]
    older: int


def trends(view: View) -> Trends:
    """Every test with at least two dated numbers in one unit.

    What is out of range now comes first, then by the day of the newest point.
    """
    unnamed = view.say("unnamed")
    found = [one for results in series(view) for one in trends_of(results, view.language, unnamed)]
    newest_first = sorted(found, key=lambda one: one.points[-1].day, reverse=True)
    ordered = sorted(newest_first, key=lambda one: _rank(one.points[-1].flag))
    return Trends(tuple(ordered), view.record.older)


def _rank(flag: OutOfRange | None) -> int:
    return {"critical": 0, "high": 1, "low": 1}.get(flag or "", 2)
