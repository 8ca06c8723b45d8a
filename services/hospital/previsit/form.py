"""One response to a questionnaire as the chart's lines are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.fhir.intake.answers import Answer
from services.hospital.chart.view import View


@dataclass(frozen=True)
class Form:
    """One response as its lines are made of it."""

    reference: str
    answers: Sequence[Answer]
    view: View

    def of(self, link: str, group: int | None = None) -> Answer | None:
        """The answer to a question, of one group where that is given."""
        fits = (a for a in self.answers if a.link == link and group in {None, a.group})
        return next(fits, None)

    def source(self, answer: Answer) -> str:
        """How a line cites an answer."""
        return f"{self.reference}#{answer.link}"

    def say(self, key: str, **values: object) -> str:
        """A sentence about an intake."""
        return self.view.say(f"intake.{key}", **values)
