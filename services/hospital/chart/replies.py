"""Answers to what a clinician asks of a chart: sentences of rules, each with its resources.

Numbers stand as they were recorded; what rises or falls is found by comparing them, by no model.
What the record does not hold is said as not found, with how much was searched; nothing is advised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import Field

from services.consult.messages import Message
from services.consult.record import words
from services.consult.record.facts import test_name
from services.consult.record.reading import Condition, Medicine, Result
from services.consult.record.trends import flag_of, numbers_of
from services.consult.record.units import alike
from services.hospital.chart import events, listing
from services.hospital.chart.models import Line
from services.hospital.chart.questions import Asked
from services.hospital.chart.view import View

Outcome = Literal["answered", "none", "unclear"]
MOST_LINES = 12
MOST_SOURCES = 6
_OVERVIEW = frozenset({"trend", "since", "rising", "falling"})


class Searched(Message):
    """How much was looked through: resources by kind, and the years that they are of."""

    results: int = 0
    medicines: int = 0
    problems: int = 0
    first: str | None = None
    last: str | None = None


class Reply(Message):
    """What a chart says to a question; ``unknown`` are the words that were not understood."""

    outcome: Outcome
    lines: tuple[Line, ...] = ()
    more: int = Field(default=0, ge=0)
    unknown: tuple[str, ...] = ()
    searched: Searched = Searched()


def reply(view: View, asked: Asked) -> Reply:
    """Answer a question from one person's chart."""
    searched = _searched(view)
    if not asked.understood or asked.subject is None:
        return Reply(outcome="unclear", unknown=asked.unknown, searched=searched)
    lines = list(_SUBJECTS[asked.subject](view, asked))
    return Reply(
        outcome="answered" if lines else "none",
        lines=tuple(lines[:MOST_LINES]),
        more=max(0, len(lines) - MOST_LINES),
        searched=searched,
    )


def _searched(view: View) -> Searched:
    chart = view.chart
    items = [*chart.results, *chart.medicines, *chart.conditions]
    years = sorted(item.day[:4] for item in items if item.day)
    return Searched(
        results=len(chart.results),
        medicines=len(chart.medicines),
        problems=len(chart.conditions),
        first=years[0] if years else None,
        last=years[-1] if years else None,
    )


def _in_time(day: str | None, asked: Asked) -> bool:
    if asked.year is None:
        return True
    return bool(day) and (day[:4] >= asked.year if asked.onward else day[:4] == asked.year)  # type: ignore[index]


def _tests(view: View, asked: Asked) -> Iterator[Line]:
    if asked.intents & {"dose", "prescriber", "active"}:
        return
    for key in asked.names:
        history = [r for r in view.chart.latest(key) if _in_time(r.day, asked)]
        if history:
            yield from _of_test(view, asked, history)


def _of_test(view: View, asked: Asked, history: list[Result]) -> Iterator[Line]:
    """What is asked of one test, newest result first."""
    wanted = asked.intents
    if wanted & {"highest", "lowest"}:
        yield from _extremes(view, asked, history)
    elif "first" in wanted:
        yield _result(view, history[-1], "first")
    elif wanted & _OVERVIEW and len(history) > 1:
        yield from _course(view, history)
    elif asked.year is not None:
        for result in history:
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


def _orders(view: View, asked: Asked, chosen: list[Medicine]) -> Iterator[Line]:
    """Medicines with dose, since when, by whom, and whether they are still ordered."""
    if asked.intents & {"rising", "falling", "trend", "highest", "lowest"}:
        return
    grouped: dict[str, list[Medicine]] = {}
    for order in chosen:
        if _in_time(order.day, asked):
            grouped.setdefault(order.name.casefold(), []).append(order)
    for found in sorted(grouped.values(), key=lambda orders: not any(o.active for o in orders)):
        active = any(o.active for o in found)
        if "active" in asked.intents and not active:
            continue
        yield _order(view, found)


def _order(view: View, found: Sequence[Medicine]) -> Line:
    newest, days = found[0], sorted(o.day for o in found if o.day)
    state = "active" if any(o.active for o in found) else "hold" if newest.on_hold else "over"
    said = [view.say(f"asked.order_{state}")]
    said += [view.say("medicine.dose", dose=newest.dose.rstrip("."))] if newest.dose else []
    said += [view.say("asked.first_order", day=days[0])] if days else []
    said += [view.say("medicine.renewed", day=days[-1])] if len(set(days)) > 1 else []
    said += [view.say("asked.prescriber", name=newest.prescriber)] if newest.prescriber else []
    said += [view.say("medicine.for", reason=", ".join(newest.reasons))] if newest.reasons else []
    sources = tuple(dict.fromkeys((newest.ref, found[-1].ref, *(o.ref for o in found))))
    return Line(
        text=newest.name or view.say("unnamed"),
        sources=sources[:MOST_SOURCES],
        day=newest.day,
        detail=" ".join(said),
    )


def _medicines(view: View, asked: Asked) -> Iterator[Line]:
    wanted = set(asked.names)
    yield from _orders(view, asked, [m for m in view.chart.medicines if wanted & set(m.generics)])


def _classes(view: View, asked: Asked) -> Iterator[Line]:
    wanted = set(asked.names)
    yield from _orders(view, asked, [m for m in view.chart.medicines if wanted & m.classes])


def _conditions(view: View, asked: Asked) -> Iterator[Line]:
    if not asked.intents - {"since", "first", "active", "past", "last", "trend"}:
        named = [c for c in view.chart.conditions if c.keys & set(asked.names)]
        yield from _stated(view, asked, named)


def _problems(view: View, asked: Asked) -> Iterator[Line]:
    """The active problems; all of them where the past is asked about."""
    if "past" in asked.intents or asked.year:
        yield from _stated(view, asked, view.chart.conditions)
    else:
        yield from listing.problems(view)


def _stated(view: View, asked: Asked, found: Sequence[Condition]) -> Iterator[Line]:
    for item in found:
        if _in_time(item.day, asked):
            said = [view.say("asked.problem_active" if item.active else "asked.problem_over")]
            said += [view.say("since", day=item.day)] if item.day else []
            yield Line(
                text=item.name or view.say("unnamed"),
                sources=(item.ref,),
                day=item.day,
                detail=" ".join(said),
                flag="unconfirmed" if item.unconfirmed else None,
            )


def _vaccines(view: View, asked: Asked) -> Iterator[Line]:
    for one in view.chart.vaccines:
        if one.keys & set(asked.names) and _in_time(one.day, asked):
            yield Line(text=one.name or view.say("unnamed"), sources=(one.ref,), day=one.day)


def _procedures(view: View, asked: Asked) -> Iterator[Line]:
    table = words.data("vaccines")["procedures"]
    texts = [text for key in asked.names for text in table[key]["text"]]
    for one in view.chart.procedures:
        if any(text in one.name.lower() for text in texts) and _in_time(one.day, asked):
            yield Line(text=one.name, sources=(one.ref,), day=one.day)


def _abnormal(view: View) -> Iterator[Line]:
    seen: set[str] = set()
    for result in view.chart.results:
        key = result.test or result.name.casefold()
        if key not in seen and flag_of(result):
            yield _result(view, result, "last")
        seen.add(key)


_TOPICS: Mapping[str, Callable[[View, Asked], Iterator[Line]]] = {
    "allergies": lambda view, _: listing.allergies(view),
    "problems": _problems,
    "abnormal": lambda view, _: _abnormal(view),
    "vaccines": lambda view, _: (
        Line(text=v.name or view.say("unnamed"), sources=(v.ref,), day=v.day)
        for v in view.chart.vaccines
    ),
    "procedures": lambda view, _: events.procedures(view),
    "visits": lambda view, _: events.visits(view),
    "appointments": lambda view, _: events.appointments(view),
    "medicines": lambda view, asked: _orders(view, asked, view.chart.medicines),
}


def _topic(view: View, asked: Asked) -> Iterator[Line]:
    for name in asked.names:
        for line in _TOPICS[name](view, asked):
            if _in_time(line.day, asked) or name in {"allergies", "medicines"}:
                yield line


_SUBJECTS: Mapping[str, Callable[[View, Asked], Iterator[Line]]] = {
    "tests": _tests,
    "medicines": _medicines,
    "classes": _classes,
    "conditions": _conditions,
    "vaccines": _vaccines,
    "procedures": _procedures,
    "topic": _topic,
}
