"""The results of each test over time, as they are drawn: numbers of one unit, the newest range."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from services.consult.messages import Message
from services.consult.record.facts import test_name
from services.consult.record.reading import Result
from services.hospital.chart.models import Flag, Reference
from services.hospital.chart.results import flag_of, series
from services.hospital.chart.view import View

FEWEST = 2
"""Points that make a trend; of fewer the summary says everything."""
DAY_CHARS = 10
GREATEST = 1e15
"""Of a number that is drawn, either way: beyond it no test has a result, and a picture no place."""


class Point(Message):
    """One result: ``numbers`` as drawn (two for a blood pressure), ``value`` as recorded."""

    day: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    numbers: tuple[float, ...] = Field(min_length=1, max_length=2)
    value: str
    source: Reference
    flag: Flag | None = None
    preliminary: bool = False


class Trend(Message):
    """One test in one unit, the oldest point first.

    ``low`` and ``high`` bound the reference range of the newest result that has one, in ``unit``;
    ``target`` says that they are a goal of treatment. ``ranges`` counts different ranges among the
    points: with more than one, the band is the newest result's alone.
    """

    name: str
    unit: str
    points: tuple[Point, ...] = Field(min_length=FEWEST)
    low: float | None = None
    high: float | None = None
    span: str | None = None
    target: bool = False
    ranges: int = 0


def trends(view: View) -> list[Trend]:
    """Every test with at least two dated numbers in one unit.

    What is out of range now comes first, then by the day of the newest point.
    """
    found = [trend for results in series(view) for trend in _of(view, results)]
    newest_first = sorted(found, key=lambda one: one.points[-1].day, reverse=True)
    return sorted(newest_first, key=lambda one: _rank(one.points[-1].flag))


def _rank(flag: Flag | None) -> int:
    return {"critical": 0, "high": 1, "low": 1}.get(flag or "", 2)


def _of(view: View, results: Sequence[Result]) -> Iterator[Trend]:
    """One trend for each unit; a point whose day is not known to the day cannot be placed."""
    by_unit: dict[str, list[Result]] = {}
    for result in results:
        if _numbers(result) and result.day and len(result.day) >= DAY_CHARS:
            by_unit.setdefault(_unit(result), []).append(result)
    for unit, found in by_unit.items():
        if len(found) < FEWEST:
            continue
        ranged = [one for one in found if (one.low, one.high) != (None, None)]
        band = ranged[0] if ranged else None
        yield Trend(
            name=test_name(found[0], view.language) or view.say("unnamed"),
            unit=unit,
            points=tuple(_point(one) for one in reversed(found)),
            low=band.low if band else None,
            high=band.high if band else None,
            span=band.span if band else None,
            target=band.target if band else False,
            ranges=len({(one.low, one.high, one.target) for one in ranged}),
        )


def _numbers(result: Result) -> tuple[float, ...]:
    found = result.parts or (() if result.number is None else (result.number,))
    return found if all(abs(number) <= GREATEST for number in found) else ()


def _unit(result: Result) -> str:
    return "mmHg" if result.parts else result.unit


def _point(result: Result) -> Point:
    return Point(
        day=str(result.day)[:DAY_CHARS],
        numbers=_numbers(result),
        value=result.value,
        source=result.ref,
        flag=flag_of(result),
        preliminary=result.preliminary,
    )
