"""Where the marks of a plot stand, in the units of its picture; the template draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.consult.record.trends import Trend
from services.web.curves import BOTTOM, LEFT, RIGHT, TOP, curve
from services.web.curves import HEIGHT as HIGH
from services.web.curves import WIDTH as WIDE

WIDTH = 320.0
"""Units from the left to the right end of a picture."""
ROW = 34
"""Units between two lines of a picture."""
SPARK_WIDTH, SPARK_HEIGHT, SPARK_EDGE = 96.0, 32.0, 4.0
"""Of a small picture in a line, with what is free around it."""


@dataclass(frozen=True)
class Interval:
    """One suite: its gain with the interval, and the bound that its lower end has to reach.

    ``words`` says the same for who does not see the picture.
    """

    name: str
    kind: str
    words: str
    reaches: bool
    y: int
    low: float
    mean: float
    high: float
    bound: float


@dataclass(frozen=True)
class Intervals:
    """All suites over one axis; ``zero`` is where nothing changed."""

    rows: tuple[Interval, ...]
    zero: float
    ends: str
    height: int


@dataclass(frozen=True)
class Bar:
    """One contribution: its share in the candidate as a bar, with its figures."""

    site: str
    examples: int
    epsilon: str
    length: str
    share: str
    width: float


def intervals(suites: Sequence[Mapping[str, Any]]) -> Intervals:
    """Gains of suites, symmetrical about no change."""
    ends = [abs(float(one[key])) for one in suites for key in ("gain_low", "gain_high", "bound")]
    reach = max([0.05, *ends]) * 1.05

    def place(value: float) -> float:
        return round(WIDTH / 2 * (1 + value / reach), 1)

    rows = tuple(
        Interval(
            name=one["name"],
            kind=one["kind"],
            words=_words(one),
            reaches=_reaches(one),
            y=ROW * number + ROW // 2,
            low=place(one["gain_low"]),
            mean=place(one["gain_mean"]),
            high=place(one["gain_high"]),
            bound=place(one["bound"]),
        )
        for number, one in enumerate(suites)
    )
    return Intervals(rows, place(0.0), f"{reach:.0%}", ROW * len(rows))


def bars(given: Sequence[Mapping[str, Any]]) -> tuple[Bar, ...]:
    """Contributions by their share, the greatest bar as wide as the picture."""
    most = max((one["weight"] for one in given), default=0.0) or 1.0
    return tuple(
        Bar(
            site=one["site"],
            examples=one["examples"],
            epsilon="—" if one["epsilon"] is None else f"{one['epsilon']:.2f}",
            length=f"{one['norm']:.3f}",
            share=f"{one['weight']:.1%}",
            width=round(WIDTH * max(0.0, one["weight"]) / most, 1),
        )
        for one in given
    )


def _words(one: Mapping[str, Any]) -> str:
    return (
        f"{one['before']:.1%} → {one['after']:.1%}; "
        f"{one['gain_mean']:+.1%} ({one['gain_low']:+.1%} … {one['gain_high']:+.1%}), "
        f"n = {one['items']}"
    )


def _reaches(one: Mapping[str, Any]) -> bool:
    """Whether the interval is on the right side; of a safety suite no item may be worse."""
    if one["kind"] == "safety":
        return not one["worse"]
    if one["kind"] == "gain":
        return bool(one["gain_low"] > one["bound"])
    return bool(one["gain_low"] >= one["bound"])


TALL = 72.0
"""Units from the foot to the top of columns."""
GAP = 2.0


@dataclass(frozen=True)
class Column:
    """One column of parts that stand on one another, as ``(y, height)`` from the top."""

    x: float
    width: float
    parts: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Columns:
    """Columns over one axis, and the number that its top stands for."""

    columns: tuple[Column, ...]
    most: int
    height: float = TALL


def columns(counts: Sequence[Sequence[int]]) -> Columns:
    """Numbers of the same things side by side, each divided into the same parts."""
    most = max((sum(one) for one in counts), default=0)
    step = WIDTH / max(1, len(counts))

    def column(number: int, parts: Sequence[int]) -> Column:
        placed, foot = [], TALL
        for part in parts:
            height = TALL * part / (most or 1)
            foot -= height
            placed.append((round(foot, 1), round(height, 1)))
        return Column(round(number * step, 1), round(step - GAP, 1), tuple(placed))

    return Columns(tuple(column(n, parts) for n, parts in enumerate(counts)), most)


@dataclass(frozen=True)
class Spark:
    """A small picture of a course: its lines, the range behind them, and where it stands now."""

    lines: tuple[str, ...]
    band: tuple[float, float] | None
    ends: tuple[tuple[float, float], ...]


def spark(course: Trend) -> Spark:
    """Draw a course without numbers, which stand beside it: days across, values up."""
    drawn = curve(course, str)
    across = (SPARK_WIDTH - 2 * SPARK_EDGE) / (WIDE - LEFT - RIGHT)
    up = (SPARK_HEIGHT - 2 * SPARK_EDGE) / (HIGH - TOP - BOTTOM)

    def at(x: float, y: float) -> tuple[float, float]:
        return round(SPARK_EDGE + (x - LEFT) * across, 1), round(SPARK_EDGE + (y - TOP) * up, 1)

    count = len(drawn.lines)
    return Spark(
        lines=tuple(
            " ".join("{},{}".format(*at(mark.x, mark.y)) for mark in drawn.marks[which::count])
            for which in range(count)
        ),
        band=(at(LEFT, drawn.band.y)[1], round(drawn.band.height * up, 1)) if drawn.band else None,
        ends=tuple(at(mark.x, mark.y) for mark in drawn.marks[-count:]),
    )
