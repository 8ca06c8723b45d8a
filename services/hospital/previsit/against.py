"""What a patient writes that does not go with the record: medicines and allergies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.consult.record import words
from services.consult.record.reading import Allergy, Medicine
from services.fhir.intake.answers import Answer
from services.hospital.chart.models import Line, Rule
from services.hospital.chart.safety import medicine, risk_of, warned_of
from services.hospital.previsit.form import Form


def against(form: Form) -> list[Line]:
    """Every line that names an answer beside the entry, or the lack of one, that it contradicts."""
    return [*_listed_medicines(form), *_others(form), *_allergies(form)]


def _listed_medicines(form: Form) -> Iterator[Line]:
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


def _others(form: Form) -> Iterator[Line]:
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


def _warned(form: Form, answer: Answer, generic: str) -> Iterator[Line]:
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


def _allergies(form: Form) -> Iterator[Line]:
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


def _new_allergy(form: Form, answer: Answer, recorded: Sequence[Allergy]) -> Iterator[Line]:
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
