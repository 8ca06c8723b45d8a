"""The results of each test over time, as they are drawn: numbers of one unit, the newest range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from pydantic import Field

from services.consult.messages import Message
from services.consult.record.facts import test_name
from services.consult.record.reading import Result

OutOfRange = Literal["critical", "high", "low"]
FEWEST = 2
"""Points that make a trend; of fewer a summary says everything."""
DAY_CHARS = 10
GREATEST = 1e15
"""Of a number that is drawn, either way: beyond it no test has a result, and a picture no place."""


class Point(Message):
    """One result: ``numbers`` as drawn (two for a blood pressure), ``value`` as recorded."""

    day: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    numbers: tuple[float, ...] = Field(min_length=1, max_length=2)
    value: str
    source: str
    flag: OutOfRange | None = None
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


def grouped(results: Iterable[Result]) -> list[list[Result]]:
    """The results of each test, in the order given: one list for one test."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.test or result.name.casefold(), []).append(result)
    return list(found.values())


def flag_of(result: Result) -> OutOfRange | None:
    """What stands beside a result: critical, high or low; None for any other."""
    if result.critical:
        return "critical"
    return {"high": "high", "low": "low"}.get(result.flag or "")  # type: ignore[return-value]


def trends_of(results: Sequence[Result], language: str, unnamed: str) -> Iterator[Trend]:
    """The trends of one test, one for each unit.

    Args:
        results: of one test, newest first; one whose day is not known to the day has no place.
        language: of the test's name.
        unnamed: what a test without a name is called.
    """
    by_unit: dict[str, list[Result]] = {}
    for result in results:
        if numbers_of(result) and result.day and len(result.day) >= DAY_CHARS:
            by_unit.setdefault(_unit(result), []).append(result)
    for unit, found in by_unit.items():
        if len(found) < FEWEST:
            continue
        ranged = [one for one in found if (one.low, one.high) != (None, None)]
        band = ranged[0] if ranged else None
        yield Trend(
            name=test_name(found[0], language) or unnamed,
            unit=unit,
            points=tuple(_point(one) for one in reversed(found)),
            low=band.low if band else None,
            high=band.high if band else None,
            span=band.span if band else None,
            target=band.target if band else False,
            ranges=len({(one.low, one.high, one.target) for one in ranged}),
        )


def numbers_of(result: Result) -> tuple[float, ...]:
    """What of a result is drawn; () where nothing can be."""
    found = result.parts or (() if result.number is None else (result.number,))
    return found if all(abs(number) <= GREATEST for number in found) else ()


def _unit(result: Result) -> str:
    return "mmHg" if result.parts else result.unit


def _point(result: Result) -> Point:
    return Point(
        day=str(result.day)[:DAY_CHARS],
        numbers=numbers_of(result),
        value=result.value,
        source=result.ref,
        flag=flag_of(result),
        preliminary=result.preliminary,
    )
