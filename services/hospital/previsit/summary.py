"""What a patient wrote before a visit, for the clinician: against the record, then in their words.

Extractive only. A line quotes an answer or names an entry of the record, and cites both; that an
answer does not go with the record is found by the references that it carries and by the rules that
the chart is made with. Nothing is said of what was not answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from services.fhir.intake.answers import Answer, answers
from services.fhir.intake.questionnaires import URL, choices
from services.fhir.models import ReferenceRow, ResourceRow
from services.hospital.chart.models import Line
from services.hospital.chart.source import read_record
from services.hospital.chart.view import View
from services.hospital.previsit.against import against
from services.hospital.previsit.form import Form
from services.store.database import Database

CURRENT = timedelta(days=60)
"""How long what was written before a visit is shown."""
QUOTED = (
    "reason", "symptoms", "since", "course", "new-symptoms", "missed", "effects", "effects-what",
    "followed", "followed-not", "other-detail", "goals", "questions",
)  # fmt: skip
"""Answers that are shown as they are, in this order."""
_DONE = frozenset({"completed", "amended"})


@dataclass(frozen=True)
class Before:
    """The answers of one form; ``day`` is when it was filled in."""

    reference: str
    day: str
    against: tuple[Line, ...]
    said: tuple[Line, ...]


def before_visit(
    database: Database,
    patient: str,
    say: Callable[..., str],
    language: str,
    today: date | None = None,
) -> list[Before]:
    """The newest answers to each of our forms, the newest form first.

    Args:
        database: with the record; that the chart is read must stand on the trail before.
        patient: logical id.
        say: sentences of the catalogue, by whole key.
        language: of the reader.
        today: the day; that of the clock (UTC) when None.
    """
    day = today or datetime.now(UTC).date()
    found = _newest(database, patient, day)
    record = read_record(database, patient, day) if found else None
    if record is None:
        return []
    view = View(record, day, lambda key, **values: say(f"chart.{key}", **values), language)
    return [_before(response, view) for response in found]


def _newest(database: Database, patient: str, today: date) -> list[dict[str, Any]]:
    inside = select(ReferenceRow.source_id).where(
        ReferenceRow.source_type == "QuestionnaireResponse",
        ReferenceRow.target_type == "Patient",
        ReferenceRow.target_id == patient,
        ReferenceRow.path == "subject",
    )
    query = select(ResourceRow.body, ResourceRow.updated).where(
        ResourceRow.type == "QuestionnaireResponse", ResourceRow.id.in_(inside)
    )
    with database.reading() as session:
        rows = [(json.loads(body), updated) for body, updated in session.execute(query)]
    since, newest = (today - CURRENT).isoformat(), dict[str, dict[str, Any]]()
    for response, updated in sorted(rows, key=lambda row: (_day(*row), row[1])):
        asked = str(response.get("questionnaire", "")).partition("|")[0]
        if asked.startswith(URL) and response.get("status") in _DONE:
            response["authored"] = _day(response, updated)
            newest[asked] = response
    current = [one for one in newest.values() if one["authored"][:10] >= since]
    return sorted(current, key=lambda one: str(one["authored"]), reverse=True)


def _day(response: Mapping[str, Any], updated: str) -> str:
    return str(response.get("authored") or updated)


def _before(response: Mapping[str, Any], view: View) -> Before:
    reference = f"QuestionnaireResponse/{response['id']}"
    form = Form(reference, answers(response), view)
    day = str(response["authored"])[:10]
    return Before(reference, day, tuple(against(form)), tuple(_quoted(form)))


def _quoted(form: Form) -> Iterator[Line]:
    """The patient's own words, and what they chose, under the question in short."""
    for link in QUOTED:
        for answer in (a for a in form.answers if a.link == link):
            told = answer.text or _chosen(form, answer)
            if told:
                text = form.say("said", question=form.say(f"question.{link}"), text=told)
                yield Line(text=text, sources=(form.source(answer),))


def _chosen(form: Form, answer: Answer) -> str:
    if answer.kind == "Boolean":
        return form.say("answer.yes" if answer.value else "answer.no")
    if answer.code in choices():
        return form.say(f"answer.{answer.code}")
    return str(answer.value.get("display", "")) if answer.code else ""
