"""Answers to what a clinician asks of a chart: sentences of rules, each with its resources.

Numbers stand as they were recorded; what rises or falls is found by comparing them, by no model.
What the record does not hold is said as not found, with how much was searched; nothing is advised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from pydantic import Field

from services.consult.messages import Message
from services.consult.record import words
from services.hospital.chart.models import Line
from services.hospital.chart.questions import Asked
from services.hospital.chart.said.conditions import conditions
from services.hospital.chart.said.done import procedures, vaccines
from services.hospital.chart.said.medicines import classes, medicines
from services.hospital.chart.said.tests import tests
from services.hospital.chart.said.topics import topics
from services.hospital.chart.said.treatment import treatment
from services.hospital.chart.view import View
from services.hospital.chart.wording import Subject

Outcome = Literal["answered", "none", "unclear"]
MOST_LINES = 12


class Searched(Message):
    """How much was looked through: resources by kind, and the years that they are of.

    ``older`` entries of long series were not looked through.
    """

    results: int = 0
    older: int = 0
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
    if asked.subject == "treatment" and not lines and not _served(asked):
        return Reply(outcome="unclear", unknown=tuple(asked.said.values()), searched=searched)
    return Reply(
        outcome="answered" if lines else "none",
        lines=tuple(lines[:MOST_LINES]),
        more=max(0, len(lines) - MOST_LINES),
        searched=searched,
    )


def _served(asked: Asked) -> bool:
    """Whether it is known which medicines serve a purpose, so that none of them is an answer."""
    return any(key in words.data("classes") for key in asked.names)


def _searched(view: View) -> Searched:
    chart = view.chart
    items = [*chart.results, *chart.medicines, *chart.conditions]
    years = sorted(item.day[:4] for item in items if item.day)
    return Searched(
        results=len(chart.results),
        older=view.record.older,
        medicines=len(chart.medicines),
        problems=len(chart.conditions),
        first=years[0] if years else None,
        last=years[-1] if years else None,
    )


_SUBJECTS: Mapping[Subject, Callable[[View, Asked], Iterator[Line]]] = {
    "tests": tests,
    "medicines": medicines,
    "classes": classes,
    "conditions": conditions,
    "vaccines": vaccines,
    "procedures": procedures,
    "treatment": treatment,
    "topic": topics,
}
