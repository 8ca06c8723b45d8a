"""Where the marks of a trend stand, in the units of its picture; a page draws them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, Protocol, TypeVar

WIDTH, HEIGHT = 360.0, 132.0
"""Of a picture."""
LEFT, RIGHT, TOP, BOTTOM = 44.0, 14.0, 10.0, 20.0
"""Margins: numbers stand on the left, days below."""
APART = 12.0
"""Units between two numbers beside the picture."""
Placing = Callable[[float], float]
Wording = Callable[[float], str]
AIR = 0.08
"""Share of the values' span that is left free above and below."""


class Point(Protocol):
    """One result: the ISO day, what is drawn (two numbers for a blood pressure), what is said."""

    @property
    def day(self) -> str: ...  # noqa: D102 - said above
    @property
    def numbers(self) -> tuple[float, ...]: ...  # noqa: D102
    @property
    def value(self) -> str: ...  # noqa: D102
    @property
    def flag(self) -> str | None: ...  # noqa: D102


class Trend(Protocol):
    """The points of one test, the oldest first, and the bounds of its reference range."""

    @property
    def points(self) -> Sequence[Point]: ...  # noqa: D102 - said above
    @property
    def low(self) -> float | None: ...  # noqa: D102
    @property
    def high(self) -> float | None: ...  # noqa: D102


T = TypeVar("T", bound=Trend)


@dataclass(frozen=True)
class Mark:
    """One number of one result; ``words`` says it for a pointer that rests on it."""

    x: float
    y: float
    words: str
    flag: str | None


@dataclass(frozen=True)
class Band:
    """The reference range; an open end reaches to the picture's edge."""

    y: float
    height: float


@dataclass(frozen=True)
class Tick:
    """A number beside the picture."""

    y: float
    text: str


@dataclass(frozen=True)
class Curve(Generic[T]):
    """One trend as it is drawn: a line for each number of a result."""

    trend: T
    lines: tuple[str, ...]
    marks: tuple[Mark, ...]
    band: Band | None
    ticks: tuple[Tick, ...]

    @property
    def newest(self) -> Point:
        """The last point."""
        return self.trend.points[-1]


def curve(trend: T, wording: Wording) -> Curve[T]:
    """Place a trend: days in proportion to time, values with some air around them.

    Args:
        trend: what is drawn.
        wording: how a number beside the picture is written.
    """
    values = [number for point in trend.points for number in point.numbers]
    bounds = [bound for bound in (trend.low, trend.high) if bound is not None]
    least, most = min(*values, *bounds), max(*values, *bounds)
    air = (most - least) * AIR or abs(most) * AIR or 1.0
    floor, ceiling = least - air, most + air
    days = [date.fromisoformat(point.day).toordinal() for point in trend.points]
    first, span = days[0], max(days[-1] - days[0], 1)

    def across(day: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - first) / span, 1)

    def up(value: float) -> float:
        share = (value - floor) / (ceiling - floor)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)

    placed = list(zip(days, trend.points, strict=True))
    count = min(len(point.numbers) for point in trend.points)
    return Curve(
        trend=trend,
        lines=tuple(
            " ".join(f"{across(day)},{up(point.numbers[which])}" for day, point in placed)
            for which in range(count)
        ),
        marks=tuple(
            Mark(across(day), up(number), f"{point.day}: {point.value}", point.flag)
            for day, point in placed
            for number in point.numbers
        ),
        band=_band(trend, up),
        ticks=_ticks(trend, values, up, wording),
    )


def _band(trend: Trend, up: Placing) -> Band | None:
    if trend.low is None and trend.high is None:
        return None
    top = TOP if trend.high is None else up(trend.high)
    foot = HEIGHT - BOTTOM if trend.low is None else up(trend.low)
    return Band(top, round(foot - top, 1))


def _ticks(
    trend: Trend, values: Sequence[float], up: Placing, wording: Wording
) -> tuple[Tick, ...]:
    """The bounds of the range, else the least and the greatest value; never two that touch."""
    wanted = [bound for bound in (trend.low, trend.high) if bound is not None]
    wanted += [min(values), max(values)]
    kept: list[Tick] = []
    for value in wanted:
        tick = Tick(up(value), wording(value))
        if all(abs(tick.y - other.y) >= APART for other in kept):
            kept.append(tick)
    return tuple(kept)
