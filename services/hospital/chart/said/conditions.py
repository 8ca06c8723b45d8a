"""What a chart says of problems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.consult.record.reading import Condition
from services.hospital.chart import listing
from services.hospital.chart.models import Line
from services.hospital.chart.questions import Asked
from services.hospital.chart.said.when import in_time
from services.hospital.chart.times import EVER
from services.hospital.chart.view import View


def conditions(view: View, asked: Asked) -> Iterator[Line]:
    """The conditions that are named, active or not."""
    named = [c for c in view.chart.conditions if c.keys & set(asked.names)]
    yield from _stated(view, asked, named)


def problems(view: View, asked: Asked) -> Iterator[Line]:
    """The active problems; all of them where the past is asked about."""
    if "past" in asked.intents or asked.time != EVER:
        yield from _stated(view, asked, view.chart.conditions)
    else:
        yield from listing.problems(view)


def _stated(view: View, asked: Asked, found: Sequence[Condition]) -> Iterator[Line]:
    for item in found:
        if in_time(view, item.day, asked):
            said = [view.say("asked.problem_active" if item.active else "asked.problem_over")]
            said += [view.say("since", day=item.day)] if item.day else []
            yield Line(
                text=item.name or view.say("unnamed"),
                sources=(item.ref,),
                day=item.day,
                detail=" ".join(said),
                flag="unconfirmed" if item.unconfirmed else None,
            )
