"""The newest result of each test: range, flag, and the change against the one before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.consult.record.facts import test_name
from services.consult.record.reading import Result
from services.consult.record.results import number_text
from services.consult.record.trends import Trend, flag_of, grouped, trends_of
from services.hospital.chart.models import Flag, Line
from services.hospital.chart.source import is_answer
from services.hospital.chart.view import View

_RANK: dict[Flag | None, int] = {"critical": 0, "high": 1, "low": 1}


def series(view: View) -> list[list[Result]]:
    """The results of each test, newest first; answers to questionnaires are left out."""
    return grouped(
        result
        for result in view.chart.results
        if result.test is not None or not is_answer(view.by_ref.get(result.ref, {}))
    )


def results(view: View) -> list[Line]:
    """The newest of each test: critical first, then out of range, then the rest by day."""
    lines = [_line(view, found) for found in series(view)]
    newest_first = sorted(lines, key=lambda line: line.day or "", reverse=True)
    return sorted(newest_first, key=lambda line: _RANK.get(line.flag, 2))


def _line(view: View, found: Sequence[Result]) -> Line:
    newest = found[0]
    before = next((r for r in found[1:] if r.ref != newest.ref), None)
    name = test_name(newest, view.language) or view.say("unnamed")
    return Line(
        text=view.say("result.value", name=name, value=newest.value),
        sources=(newest.ref, *([before.ref] if before else [])),
        day=newest.day,
        detail=" ".join(_about(view, newest, before)) or None,
        flag=flag_of(newest),
        course=_course(view, found, name),
    )


def _course(view: View, found: Sequence[Result], name: str) -> Trend | None:
    """How a test went up to its newest result; None where nothing can be drawn."""
    drawn = trends_of(found, view.language, name)
    return next((one for one in drawn if one.points[-1].source == found[0].ref), None)


def _about(view: View, newest: Result, before: Result | None) -> Iterator[str]:
    if newest.preliminary:
        yield view.say("result.preliminary")
    if newest.span:
        key = "result.target" if newest.target else "result.range"
        yield view.say(key, span=newest.span)
    elif newest.number is not None:
        yield view.say("result.no_range")
    if before is not None:
        yield _trend(view, newest, before)


def _trend(view: View, newest: Result, before: Result) -> str:
    """The change in the result's own unit; where units differ, only what it was before."""
    day = before.day or view.say("undated")
    if newest.number is None or before.number is None or newest.unit != before.unit:
        return view.say("result.before", value=before.value, day=day)
    delta = newest.number - before.number
    if abs(delta) < abs(newest.number) * 1e-9:
        return view.say("result.same", day=day)
    sign = "+" if delta > 0 else "\N{MINUS SIGN}"
    change = f"{sign}{number_text(abs(delta))}"
    return view.say("result.delta", delta=change, value=before.value, day=day)
