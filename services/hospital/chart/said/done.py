"""What a chart says of vaccines and procedures."""

from __future__ import annotations

from collections.abc import Iterator

from services.consult.record import words
from services.hospital.chart.models import Line
from services.hospital.chart.questions import Asked
from services.hospital.chart.said.when import in_time
from services.hospital.chart.view import View


def vaccines(view: View, asked: Asked) -> Iterator[Line]:
    """The doses that were given, the newest first."""
    for one in view.chart.vaccines:
        if one.keys & set(asked.names) and in_time(view, one.day, asked):
            yield Line(text=one.name or view.say("unnamed"), sources=(one.ref,), day=one.day)


def procedures(view: View, asked: Asked) -> Iterator[Line]:
    """The procedures that are named, the newest first."""
    table = words.data("vaccines")["procedures"]
    texts = [text for key in asked.names for text in table[key]["text"]]
    for one in view.chart.procedures:
        if any(text in one.name.lower() for text in texts) and in_time(view, one.day, asked):
            yield Line(text=one.name, sources=(one.ref,), day=one.day)
