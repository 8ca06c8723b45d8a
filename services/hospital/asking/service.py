"""Runs a consult over one record, and holds what comes out against the record once more."""

from __future__ import annotations

import re
from asyncio import to_thread
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, cast

from services.consult import wording
from services.consult.messages import Answer, Level, Person, Question, Sentence, Status
from services.consult.node import Node, Outcome
from services.consult.record import Record
from services.hospital.asking.request import Asked

_RESOURCE = re.compile(r"([A-Z][A-Za-z]{2,63}/[A-Za-z0-9\-.]{1,64})(?:#.*)?")


def reference_of(citation: str) -> str | None:
    """The resource that a citation names (``Observation/123``); None for a passage or a rule."""
    found = _RESOURCE.fullmatch(citation)
    return found[1] if found else None


async def ask(
    node: Node, asked: Asked, resources: Sequence[dict[str, Any]], today: date | None = None
) -> tuple[Answer, str | None]:
    """Answer a question from one record and the node's sources.

    Args:
        node: of the hospital.
        asked: the question.
        resources: the whole record, the Patient first.
        today: the day on which the record is read; that of the clock (UTC) when None.

    Returns:
        The answer, and why there is none where it abstains.
    """
    day = today or datetime.now(UTC).date()
    known = await to_thread(_person, resources, day)
    person = known.model_copy(update={"language": asked.language or known.language})
    question = Question(
        id=asked.consult, text=asked.question, person=person, record=tuple(resources), asked=day
    )
    outcome: Outcome | None = None
    async for event in node.consult(question):
        if isinstance(event, Outcome):
            outcome = event
    end = cast("Outcome", outcome)  # a consult always ends with one
    held = {f"{r.get('resourceType')}/{r.get('id')}" for r in resources}
    if _is_carried(end.answer, held):
        return end.answer, end.reason
    return _silenced(end.answer, person), "low-confidence"


def _person(resources: Sequence[dict[str, Any]], day: date) -> Person:
    return Record(resources, today=day).person()


def _is_carried(answer: Answer, held: set[str]) -> bool:
    """Whether each sentence has its citation, and each cited resource is of this record."""
    known = {citation.id for citation in answer.citations}
    used = {c for sentence in answer.sentences for c in sentence.citations}
    cited = {reference_of(id_) for id_ in known | used} - {None}
    return used <= known and cited <= held


def _silenced(answer: Answer, person: Person) -> Answer:
    """The same consult without its statements; what triage advises stays."""
    told = wording.unanswered("low-confidence", Level.HOSPITAL, person.language)
    advice = [answer.triage.advice] if answer.triage.advice else []
    nothing: tuple[Sentence, ...] = ()
    return answer.model_copy(
        update={
            "status": Status.ABSTAINED,
            "text": " ".join([*advice, told]),
            "sentences": nothing,
            "more": nothing,
            "citations": (),
            "confidence": 0.0,
        }
    )
