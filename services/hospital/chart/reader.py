"""Who reads a chart, in which language, on which day, and from where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from services.hospital.chart.source import Record
from services.hospital.chart.view import View
from services.hospital.models import User


@dataclass(frozen=True)
class Reader:
    """One reading of charts.

    Attributes:
        user: who reads.
        say: sentences of the catalogue, by whole key.
        language: of the reader, ``en`` or ``es``.
        today: the day; that of the clock (UTC) when None.
        client: network address of the reader.
    """

    user: User
    say: Callable[..., str]
    language: str
    today: date | None = None
    client: str | None = None

    @property
    def day(self) -> date:
        """The day on which it is read."""
        return self.today or datetime.now(UTC).date()

    def view(self, record: Record) -> View:
        """A record as this reader sees it."""
        return View(
            record,
            self.day,
            lambda key, **values: self.say(f"chart.{key}", **values),
            self.language,
        )
