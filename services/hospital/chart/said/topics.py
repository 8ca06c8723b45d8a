"""What a chart says of a whole part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from services.hospital.chart import events
from services.hospital.chart.models import Line
from services.hospital.chart.questions import Asked
from services.hospital.chart.results import results
from services.hospital.chart.said.conditions import problems
from services.hospital.chart.said.medicines import allergies, orders
from services.hospital.chart.said.tests import abnormal
from services.hospital.chart.said.when import in_time
from services.hospital.chart.view import View

_TOPICS: Mapping[str, Callable[[View, Asked], Iterable[Line]]] = {
    "allergies": allergies,
    "problems": problems,
    "labs": lambda view, _: results(view),
    "abnormal": lambda view, _: abnormal(view),
    "vaccines": lambda view, _: (
        Line(text=v.name or view.say("unnamed"), sources=(v.ref,), day=v.day)
        for v in view.chart.vaccines
    ),
    "procedures": lambda view, _: events.procedures(view),
    "visits": lambda view, _: events.visits(view),
    "appointments": lambda view, _: events.appointments(view),
    "medicines": lambda view, asked: orders(view, asked, view.chart.medicines),
}


def topics(view: View, asked: Asked) -> Iterator[Line]:
    """The lines of the parts that are named; of allergies and medicines all of them."""
    for name in asked.names:
        for line in _TOPICS[name](view, asked):
            if in_time(view, line.day, asked) or name in {"allergies", "medicines"}:
                yield line
