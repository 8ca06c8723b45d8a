"""Whether an entry is of the time that a question is about."""

from __future__ import annotations

from services.hospital.chart.questions import Asked
from services.hospital.chart.times import within
from services.hospital.chart.view import View


def in_time(view: View, day: str | None, asked: Asked) -> bool:
    """Whether an ISO date is of the time that is asked about."""
    return within(asked.time, day, view.today)
