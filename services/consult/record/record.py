"""The person's own record as a source: facts for a question, and direct answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.consult.messages import Citation, Fact, Person
from services.consult.record import facts
from services.consult.record.answers import ANSWERS
from services.consult.record.asked import Asked, understand
from services.consult.record.chart import Chart
from services.consult.record.errors import RecordError
from services.consult.record.intent import kinds
from services.consult.record.kinds import Kind
from services.consult.record.reading import own_resources


@dataclass(frozen=True)
class RecordAnswer:
    """What the record itself says to a question.

    Attributes:
        kind: the part of the record.
        facts: what is said, each with the reference of its entry; warnings first. The texts may
            name dates, clinics and clinicians: they stay on the device.
        citations: sources of the rules that were applied.
    """

    kind: Kind
    facts: tuple[Fact, ...]
    citations: tuple[Citation, ...] = ()

    @property
    def text(self) -> str:
        """All that is said, as one text."""
        return " ".join(fact.text for fact in self.facts)


class Record:
    """One person's FHIR R4 resources, put into words by rules.

    Args:
        resources: R4 JSON objects; those of another Patient than the first are ignored.
        today: the day on which the record is read; it decides ages, what is due and what is next.
        person: what is known of the person where no record is: then only questions on the safety of
            a medicine for a child, and on a dose taken by mistake, are answered.

    Raises:
        RecordError: ``resources`` are not FHIR resources.
    """

    def __init__(
        self,
        resources: Sequence[Mapping[str, Any]],
        *,
        today: date,
        person: Person | None = None,
    ) -> None:
        if any(not isinstance(r, Mapping) or "resourceType" not in r for r in resources):
            raise RecordError("a record is a list of FHIR resources")
        self._chart = Chart(own_resources(resources), today, person or Person())
        self._shown = bool(resources)

    def person(self) -> Person:
        """Return age, sex, pregnancy, country and language, as far as the record says."""
        return self._chart.person

    def facts_for(self, question_text: str, language: str = "en") -> list[Fact]:
        """Return the facts that bear on a question, safety warnings first.

        Texts hold clinical content only, with no names, places or days; the day is in ``date``.
        Of a question about somebody else, only what it says itself is held against the rules.
        """
        asked = understand(question_text, self._chart)
        return facts.facts_for(asked, self._chart, language)

    def entered_for(self, question_text: str, language: str = "en") -> list[Fact]:
        """Return every medicine that the person entered, for a question that it may bear on.

        Whoever answers reads them, also those that no rule here knows.
        """
        asked = understand(question_text, self._chart)
        return facts.entered(asked, self._chart, language)

    def answer(self, question_text: str, language: str = "en") -> RecordAnswer | None:
        """Answer a question about the record itself; None when it is about something else.

        A question on whether a medicine may be taken is answered only with warnings: when the
        record holds none, None is returned, and nothing is called safe.
        """
        asked = understand(question_text, self._chart)
        tried = (self._told(kind, asked, language) for kind in kinds(asked))
        return next((told for told in tried if told), None)

    def _told(self, kind: Kind, asked: Asked, language: str) -> RecordAnswer | None:
        if not (self._shown or _without_record(kind, asked)):
            return None
        said = list(ANSWERS[kind](asked, self._chart, language))
        told: dict[str, Fact] = {}
        for fact in (item for item in said if isinstance(item, Fact)):
            told.setdefault(fact.id, fact)
        if not told:
            return None
        ordered = sorted(told.values(), key=lambda fact: not fact.warning)
        cited = {c.id: c for c in said if isinstance(c, Citation)}
        return RecordAnswer(kind, tuple(ordered), tuple(cited.values()))


def _without_record(kind: Kind, asked: Asked) -> bool:
    """Whether rules alone answer: a dose by mistake, or one child and a medicine."""
    about = asked.case.situation
    return kind is Kind.MISHAP or (kind is Kind.SAFETY and about.child and about.possessive)
