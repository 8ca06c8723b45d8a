"""What a patient wrote before a visit, for the clinician: against the record, then in their words.

Extractive only. A line quotes an answer or names an entry of the record, and cites both; that an
answer does not go with the record is found by the references that it carries and by the rules that
the chart is made with. Nothing is said of what was not answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from services.consult.record import words
from services.consult.record.reading import Allergy, Medicine
from services.fhir.models import ReferenceRow, ResourceRow
from services.hospital.chart.models import Line, Rule
from services.hospital.chart.safety import medicine, risk_of, warned_of
from services.hospital.chart.source import read_record
from services.hospital.chart.view import View
from services.hospital.previsit.answers import Answer, answers
from services.hospital.previsit.questionnaires import URL, choices
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


@dataclass(frozen=True)
class _Form:
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


def _before(response: Mapping[str, Any], view: View) -> Before:
    reference = f"QuestionnaireResponse/{response['id']}"
    form = _Form(reference, answers(response), view)
    against = [*_listed_medicines(form), *_others(form), *_allergies(form)]
    return Before(reference, str(response["authored"])[:10], tuple(against), tuple(_quoted(form)))


def _listed_medicines(form: _Form) -> Iterator[Line]:
    """Medicines of the record that the patient takes otherwise, or not at all."""
    known = {item.ref: item for item in form.view.chart.medicines}
    for entry in (a for a in form.answers if a.link == "listed-medicine-entry"):
        taken = form.of("listed-medicine-taken", entry.group)
        item = known.get(entry.reference)
        if taken is None or taken.code not in {"no", "differently"}:
            continue
        how = form.of("listed-medicine-how", entry.group)
        refs = [item.ref] if item else []
        yield Line(
            text=form.say(f"taken_{taken.code}", name=item.name if item else entry.reference),
            sources=(form.source(taken), *refs, *([form.source(how)] if how else [])),
            detail=form.say("quote", text=how.text) if how and how.text else None,
            flag="conflict",
        )


def _others(form: _Form) -> Iterator[Line]:
    """Medicines that the record does not hold as active, with what the rules say against them."""
    chart = form.view.chart
    for answer in (a for a in form.answers if a.link == "other-medicine" and a.text):
        named = set(words.medicine_phrases().find(answer.text))
        if _listed(answer.text, named, chart.active_medicines):
            continue
        yield Line(
            text=form.say("other", text=answer.text),
            sources=(form.source(answer),),
            flag="unconfirmed",
        )
        for generic in sorted(named):
            yield from _warned(form, answer, generic)


def _listed(text: str, named: set[str], items: Sequence[Medicine]) -> bool:
    said = words.fold(text)
    return any(named & set(m.generics) or words.fold(m.name) == said for m in items)


def _warned(form: _Form, answer: Answer, generic: str) -> Iterator[Line]:
    view = form.view
    for warned in warned_of(medicine(generic, answer.text), view.chart, view.language):
        ref, _, rule = warned.fact.id.partition("#")
        risk, source = risk_of(rule), warned.source
        told = view.say(f"risk.{risk}") if risk else warned.fact.text
        yield Line(
            text=form.say("against", text=answer.text, risk=told),
            sources=tuple(dict.fromkeys((form.source(answer), ref))),
            flag="conflict",
            rule=Rule(
                id=rule,
                source=source.source if source else None,
                url=source.url if source else None,
            ),
        )


def _allergies(form: _Form) -> Iterator[Line]:
    """Allergies that are new, that are denied, or that an active medicine does not go with."""
    recorded = [a for a in form.view.chart.allergies if not a.none]
    denied = form.of("has-allergy")
    if denied and denied.code == "no" and recorded:
        names = ", ".join(a.name for a in recorded)
        refs = (a.ref for a in recorded)
        text = form.say("denied", names=names)
        yield Line(text=text, sources=(form.source(denied), *refs), flag="conflict")
    known = {a.ref: a for a in recorded}
    for entry in (a for a in form.answers if a.link == "listed-allergy-entry"):
        right, item = form.of("listed-allergy-right", entry.group), known.get(entry.reference)
        if right is not None and item is not None and right.code in {"no", "unsure"}:
            yield Line(
                text=form.say(f"allergy_{right.code}", name=item.name),
                sources=(form.source(right), item.ref),
                flag="conflict",
            )
    for answer in (a for a in form.answers if a.link == "new-allergy-to" and a.text):
        yield from _new_allergy(form, answer, recorded)


def _new_allergy(form: _Form, answer: Answer, recorded: Sequence[Allergy]) -> Iterator[Line]:
    named = set(words.medicine_phrases().find(answer.text))
    classes = set(words.class_phrases().find(answer.text)).union(*map(words.classes_of, named))
    said = words.fold(answer.text)
    if any(named & set(a.generics) or words.fold(a.name) == said for a in recorded):
        return
    reaction = form.of("new-allergy-reaction", answer.group)
    quoted = form.say("quote", text=reaction.text) if reaction and reaction.text else None
    more = [form.source(reaction)] if reaction and reaction.text else []
    text = form.say("new_allergy", text=answer.text)
    sources = (form.source(answer), *more)
    yield Line(text=text, sources=sources, detail=quoted, flag="unconfirmed")
    for item in form.view.chart.active_medicines:
        if named & set(item.generics) or classes & item.classes:
            yield Line(
                text=form.say("allergy_taken", text=answer.text, name=item.name),
                sources=(form.source(answer), item.ref),
                flag="conflict",
            )


def _quoted(form: _Form) -> Iterator[Line]:
    """The patient's own words, and what they chose, under the question in short."""
    for link in QUOTED:
        for answer in (a for a in form.answers if a.link == link):
            told = answer.text or _chosen(form, answer)
            if told:
                text = form.say("said", question=form.say(f"question.{link}"), text=told)
                yield Line(text=text, sources=(form.source(answer),))


def _chosen(form: _Form, answer: Answer) -> str:
    if answer.kind == "Boolean":
        return form.say("answer.yes" if answer.value else "answer.no")
    if answer.code in choices():
        return form.say(f"answer.{answer.code}")
    return str(answer.value.get("display", "")) if answer.code else ""
