"""What a chart says of tests: the newest, a highest, a course, all of a year."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.consult.record.facts import test_name
from services.consult.record.reading import Result
from services.consult.record.trends import flag_of, numbers_of
from services.consult.record.units import alike
from services.hospital.chart import events
from services.hospital.chart.models import Line
from services.hospital.chart.questions import Asked
from services.hospital.chart.said.when import in_time
from services.hospital.chart.times import EVER
from services.hospital.chart.view import View

MOST_SOURCES = 6
_OVERVIEW = frozenset({"trend", "since", "rising", "falling"})


def tests(view: View, asked: Asked) -> Iterator[Line]:
    """The results of the tests that are named, as asked for."""
    day = _visited(view) if "visit" in asked.intents else None
    for key in asked.names:
        history = [r for r in view.chart.latest(key) if in_time(view, r.day, asked)]
        if "visit" in asked.intents:
            history = [r for r in history if day and r.day and r.day[:10] == day]
        if history:
            yield from _of_test(view, asked, history)


def _visited(view: View) -> str | None:
    """The day of the last visit."""
    visit = next(events.visits(view), None)
    return visit.day[:10] if visit and visit.day else None


def abnormal(view: View) -> Iterator[Line]:
    """The newest result of each test that is out of its range."""
    seen: set[str] = set()
    for result in view.chart.results:
        key = result.test or result.name.casefold()
        if key not in seen and flag_of(result):
            yield _result(view, result, "last")
        seen.add(key)


def _of_test(view: View, asked: Asked, history: list[Result]) -> Iterator[Line]:
    """What is asked of one test, newest result first."""
    wanted = asked.intents
    if wanted & {"highest", "lowest"}:
        yield from _extremes(view, asked, history)
    elif "first" in wanted:
        yield _result(view, history[-1], "first")
    elif wanted & _OVERVIEW and len(history) > 1:
        yield from _course(view, history)
    elif asked.time != EVER or wanted & {"past", "all"}:
        for result in history[: asked.time.count]:
            yield _result(view, result, "value")
    else:
        yield _result(view, history[0], "last")
        if len(history) > 1:
            yield _result(view, history[1], "before")


def _result(view: View, result: Result, how: str) -> Line:
    name = test_name(result, view.language) or view.say("unnamed")
    values = {"name": name, "value": result.value, "day": result.day or view.say("undated")}
    span = view.say("result.target" if result.target else "result.range", span=result.span)
    preliminary = view.say("result.preliminary") if result.preliminary else ""
    detail = " ".join(p for p in (span if result.span else "", preliminary) if p)
    return Line(
        text=view.say(f"asked.{how}", **values),
        sources=(result.ref,),
        day=result.day,
        detail=detail or None,
        flag=flag_of(result),
    )


def _extremes(view: View, asked: Asked, history: Sequence[Result]) -> Iterator[Line]:
    """The highest and lowest number; none where units differ, since they cannot be compared."""
    numbered = [r for r in history if numbers_of(r)]
    if not numbered or any(not alike(r.unit, numbered[0].unit) for r in numbered):
        return
    for intent, choose in (("highest", max), ("lowest", min)):
        if intent in asked.intents:
            yield _result(view, choose(numbered, key=numbers_of), intent)


def _course(view: View, history: Sequence[Result]) -> Iterator[Line]:
    """How the numbers of one unit went: the run that the newest ends, then first and newest."""
    usable = [r for r in history if numbers_of(r) and alike(r.unit, history[0].unit) and r.day]
    if len(usable) > 1 and all(len(numbers_of(r)) == 1 for r in usable):
        yield _run(view, usable)
    yield _result(view, history[0], "last")
    yield _result(view, history[-1], "first")
    out = [r.flag for r in usable]
    flag = out[0] if out else None
    if flag in {"high", "low"}:
        length = next((n for n, one in enumerate(out) if one != flag), len(out))
        since = usable[length - 1]
        yield Line(
            text=view.say(f"asked.out_{flag}", day=since.day, count=length),
            sources=tuple(r.ref for r in usable[:length][:: max(1, length - 1)]),
            day=since.day,
        )


def _run(view: View, usable: Sequence[Result]) -> Line:
    """The longest run of results, back from the newest, that each rise or each fall."""
    step = _compared(usable[0], usable[1])
    length = 1
    while length < len(usable) and step and _compared(usable[length - 1], usable[length]) == step:
        length += 1
    run = usable[:length] if step else usable[:2]
    word = {1: "rises", -1: "falls", 0: "level"}[step]
    return Line(
        text=view.say(
            f"asked.{word}", name=test_name(run[0], view.language), count=len(run),
            first=run[-1].value, first_day=run[-1].day, last=run[0].value, last_day=run[0].day,
        ),
        sources=tuple(r.ref for r in run[:MOST_SOURCES]),
        day=run[-1].day,
    )  # fmt: skip


def _compared(newer: Result, older: Result) -> int:
    one, other = numbers_of(newer)[0], numbers_of(older)[0]
    return (one > other) - (one < other)
