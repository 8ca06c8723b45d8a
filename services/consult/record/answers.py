"""Direct answers from the record, one function for each kind of question.

These are shown on the person's own device (or to their clinician) and may name dates, clinics and
clinicians; they never travel. Each sentence carries the reference of the entry that says it, and
what the record lacks is said as lacking.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from services.consult.messages import Citation, Fact
from services.consult.record import facts, safety, words
from services.consult.record.chart import Chart
from services.consult.record.immunizations import immunizations
from services.consult.record.intent import ADULT_AGE, Asked, Kind, worded
from services.consult.record.reading import Medicine, Result
from services.consult.record.said import MAX_LISTED, Said, absent, many
from services.consult.record.wording import day_text, listed, moment_text, say

MAX_LABS = 10
"""Most results in an overview."""
_NOT_LABS = {"blood_pressure", "heart_rate", "weight", "height", "bmi", "temperature", "oxygen",
             "smoking", "gestation"}  # fmt: skip


def result(asked: Asked, chart: Chart, language: str) -> Said:
    """The newest result of each test named, with those before it; or an overview."""
    if not asked.tests:
        yield from _overview(chart, language)
        return
    for phrase in dict.fromkeys(asked.tests.values()):
        keys = [key for key, said in asked.tests.items() if said == phrase]
        found = [history for key in keys if (history := chart.latest(key))]
        for history in found:
            yield from _guided(history, chart, language)
        if not found:
            table = words.data("tests")["tests"]
            name = table[keys[0]][language] if len(keys) == 1 else phrase
            text = say("no-result", language, name=name)
            yield Fact(id=f"{chart.patient_ref}#no-{keys[0]}", kind="result", text=text)


def _guided(history: list[Result], chart: Chart, language: str) -> Said:
    fact = facts.result_fact(history, language, dated=True)
    guide = words.data("tests")["guides"].get(history[0].test)
    age = chart.person.age_years or 0
    if not guide or age < ADULT_AGE or chart.person.pregnant or history[0].flag:
        yield fact
        return
    source = guide["source"]
    text = fact.text + guide[language] + say("source", language, name=source["name"])
    yield fact.model_copy(update={"text": text})
    yield Citation(
        id=f"rule:guide-{history[0].test}",
        title=source["name"],
        source=source["name"],
        url=source["url"],
        quote=guide[language].strip(),
    )


def _overview(chart: Chart, language: str) -> Said:
    histories: dict[str, list[Result]] = {}
    for item in chart.results:
        if item.number is not None and item.test not in _NOT_LABS:
            histories.setdefault(item.test or item.name, []).append(item)
    told = sorted(histories.values(), key=lambda h: h[0].flag not in {"high", "low"})
    for history in told[:MAX_LABS]:
        yield facts.result_fact(history[:2], language, dated=True)
    if not told:
        yield absent(Kind.RESULT, say("no-results", language), chart)


def conditions(asked: Asked, chart: Chart, language: str) -> Said:
    """The active conditions; or whether one that is named is listed."""
    if asked.conditions:
        found = [c for c in chart.conditions if c.keys & set(asked.conditions)]
        for item in found[:MAX_LISTED]:
            yield facts.condition_fact(item, language, dated=True)
        if not found:
            name = listed(asked.conditions.values(), language)
            yield absent(Kind.CONDITIONS, say("no-condition", language, name=name), chart)
        return
    active = [c for c in chart.conditions if c.active]
    for key, part in (
        ("conditions", [c for c in active if not c.finding]),
        ("findings", [c for c in active if c.finding]),
    ):
        if part:
            text = many([safety.condition_name(c, language) for c in part], language)
            yield Fact(id=part[0].ref, kind="condition", text=say(key, language, list=text))
    if not active:
        yield absent(Kind.CONDITIONS, say("no-conditions", language), chart)


def medicines(asked: Asked, chart: Chart, language: str) -> Said:
    """The active medicines; or whether, how and why one that is named is taken."""
    if not asked.medicines:
        yield from _medicine_list(chart, language)
        return
    for name, phrase in asked.medicines.items():
        orders = [m for m in chart.medicines if name in m.generics]
        active = [m for m in orders if m.active]
        if active:
            for subject in safety.subjects({name: phrase}, (), language):
                for warned in safety.warnings_without_interactions(subject, chart, language):
                    yield warned.fact
                    if warned.source:
                        yield warned.source
            yield _medicine(active[0], asked, language)
        elif orders:
            text = say("stopped", language, name=orders[0].name)
            yield Fact(id=orders[0].ref, kind="medicine", text=text, date=orders[0].day)
        elif not worded(
            "dose", asked.text
        ):  # what dose of a new medicine to take is not ours to say
            text = say("no-medicine", language, name=name)
            yield absent(Kind.MEDICINES, text, chart)


def _medicine(order: Medicine, asked: Asked, language: str) -> Fact:
    since = say("since", language, day=day_text(order.day, language)) if order.day else ""
    text = say("medicine", language, name=order.name, since=since)
    if worded("why_medicine", asked.text):
        reasons = listed(order.reasons, language)
        text += say("reason", language, list=reasons) if reasons else say("no-reason", language)
    elif worded("dose", asked.text) or worded("on_medicine", asked.text):
        text += say("dose", language, dose=order.dose) if order.dose else say("no-dose", language)
    return Fact(id=order.ref, kind="medicine", text=text, date=order.day)


def _medicine_list(chart: Chart, language: str) -> Said:
    for order in chart.active_medicines[:MAX_LISTED]:
        dose = f" ({order.dose})" if order.dose else ""
        yield Fact(id=order.ref, kind="medicine", text=f"{order.name}{dose}.", date=order.day)
    if not chart.active_medicines:
        yield absent(Kind.MEDICINES, say("no-medicines", language), chart)


def allergies(asked: Asked, chart: Chart, language: str) -> Said:
    """All allergies; or what is recorded about the one that is named, its class included."""
    target = _allergen(asked)
    if not target and not asked.medicinal:
        for item in chart.allergies:
            yield facts.allergy_fact(item, language)
        if not chart.allergies:
            yield absent(Kind.ALLERGIES, say("no-allergies", language), chart)
        return
    recorded = [a for a in chart.allergies if _is_named(a.name, asked.text)]
    for item in recorded:
        yield facts.allergy_fact(item, language)
    fired = False
    for subject in safety.subjects(asked.medicines, asked.classes, language):
        for warned in safety.warnings(subject, chart, language):
            if warned.fact.kind != "allergy" or warned.fact.id.split("#")[0] in {
                a.ref for a in recorded
            }:
                continue
            fired = True
            yield warned.fact
            if warned.source:
                yield warned.source
    if not recorded and not fired:
        name = target or listed([*asked.medicines, *asked.classes.values()], language)
        yield absent(Kind.ALLERGIES, say("no-allergy", language, name=name), chart)


def _allergen(asked: Asked) -> str | None:
    found = re.search(
        r"(?:allergic|allergy|allergies|al[eé]rgic[oa]s?|alergias?) (?:to|al|a la|a los|a las|a) "
        r"(?:the |an? |any )?([^?.!,;]{2,60})",
        asked.raw.lower(),
    )
    return found[1].strip() if found and found[1].strip() not in {"anything", "algo"} else None


def _is_named(name: str, text: str) -> bool:
    stems = [word.rstrip("s") for word in words.fold(name).split() if len(word) > 3]  # noqa: PLR2004  # not "and"
    return any(re.search(rf"\b{re.escape(stem)}(s|es)?\b", text) for stem in stems)


def procedures(asked: Asked, chart: Chart, language: str) -> Said:
    """When the procedure named was done; or all procedures."""
    if not asked.procedures:
        told = [f"{p.name} ({day_text(p.day, language)})" for p in chart.procedures]
        if told:
            text = say("procedures", language, list=many(told, language))
            yield Fact(id=chart.procedures[0].ref, kind="procedure", text=text)
        else:
            yield absent(Kind.PROCEDURES, say("no-procedures", language), chart)
        return
    table = words.data("vaccines")["procedures"]
    for key, phrase in asked.procedures.items():
        done = [p for p in chart.procedures if any(t in p.name.lower() for t in table[key]["text"])]
        for item in done[:3]:
            when = say("on-day", language, day=day_text(item.day, language)) if item.day else ""
            text = say("procedure", language, name=item.name, when=when)
            yield Fact(id=item.ref, kind="procedure", text=text, date=item.day)
        if not done:
            yield absent(Kind.PROCEDURES, say("no-procedure", language, name=phrase), chart)


def appointments(asked: Asked, chart: Chart, language: str) -> Said:
    """The next appointment, or all that are booked."""
    asked_words = set(asked.text.split())
    named = [a for a in chart.appointments
             if set(words.fold(a.name).split()) & asked_words - _COMMON]  # fmt: skip
    several = re.search(r"\b(appointments|citas)\b", asked.text)
    chosen = named or chart.appointments
    for item in chosen[: None if several else 1]:
        parts = [item.name or say("booked", language), *item.people, *item.places]
        day = moment_text(item.day or "", language)
        text = say("appointment", language, day=day, list=", ".join(parts))
        yield Fact(id=item.ref, kind="appointment", text=text, date=(item.day or "")[:10] or None)
    if not chosen:
        yield absent(Kind.APPOINTMENTS, say("no-appointment", language), chart)


_COMMON = frozenset({"appointment", "visit", "follow", "up", "check", "de", "control", "clinic"})


def care_team(_asked: Asked, chart: Chart, language: str) -> Said:
    """Who the record names as the person's own clinicians."""
    known = {f"Practitioner/{r.get('id')}": _display(r) for r in chart.resources
             if r.get("resourceType") == "Practitioner"}  # fmt: skip
    told = [
        str(reference.get("display") or known.get(reference.get("reference", ""), ""))
        for reference in chart.patient.get("generalPractitioner", ())
    ]
    told = [name for name in told if name]
    if told:
        text = say("care-team", language, list=listed(told, language))
        yield Fact(id=chart.patient_ref, kind="care-team", text=text)
    else:
        yield absent(Kind.CARE_TEAM, say("no-care-team", language), chart)


def _display(practitioner: safety.Template) -> str:
    name: dict[str, Any] = next(iter(practitioner.get("name", ())), {})
    parts = [*name.get("prefix", ()), *name.get("given", ()), name.get("family", "")]
    return str(name.get("text") or " ".join(parts)).strip()


def medicine_safety(asked: Asked, chart: Chart, language: str) -> Said:
    """Every warning of the record about what is asked; nothing when there is none."""
    for subject in safety.subjects(asked.medicines, asked.classes, language):
        for warned in safety.warnings(subject, chart, language):
            yield warned.fact
            if warned.source:
                yield warned.source


ANSWERS: dict[Kind, Callable[[Asked, Chart, str], Said]] = {
    Kind.RESULT: result,
    Kind.CONDITIONS: conditions,
    Kind.MEDICINES: medicines,
    Kind.ALLERGIES: allergies,
    Kind.IMMUNIZATIONS: immunizations,
    Kind.PROCEDURES: procedures,
    Kind.APPOINTMENTS: appointments,
    Kind.CARE_TEAM: care_team,
    Kind.SAFETY: medicine_safety,
}
"""The function that answers each kind of question."""
