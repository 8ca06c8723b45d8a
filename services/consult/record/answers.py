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
from services.consult.record import facts, meaning, mishap, planned, safety, times, words
from services.consult.record.asked import Asked, is_named, worded
from services.consult.record.chart import Chart
from services.consult.record.immunizations import immunizations
from services.consult.record.kinds import ADULT_AGE, Kind
from services.consult.record.medicines import medicine_safety, medicines
from services.consult.record.planned import appointments
from services.consult.record.reading import Result
from services.consult.record.said import MAX_LISTED, Said, absent, many
from services.consult.record.screening import screening
from services.consult.record.tables import sources
from services.consult.record.wording import day_text, listed, say

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
        if when := times.periods(asked.text, chart.today):
            yield from _of_time(keys, phrase, when, asked, language)
            continue
        found = [history for key in keys if (history := chart.latest(key))]
        if worded("why_value", asked.text) and any(h[0].flag in {"high", "low"} for h in found):
            continue  # the cause is general knowledge; the result goes along with it as a fact
        for history in found:
            yield from _guided(history, chart, language)
            if worded("meaning", asked.text):
                yield from meaning.meaning(history[0], chart, language)
        if not found:
            table = words.data("tests")["tests"]
            name = table[keys[0]][language] if len(keys) == 1 else phrase
            text = say("no-result", language, name=name)
            yield Fact(id=f"{chart.patient_ref}#no-{keys[0]}", kind="result", text=text)


def _of_time(
    keys: list[str], phrase: str, when: tuple[str, ...], asked: Asked, language: str
) -> Said:
    """The results of a time; when that is compared with now, after the newest."""
    chart, told = asked.case.chart, False
    for key in keys:
        history = chart.latest(key)
        then = [r for r in history if (r.day or "").startswith(when)]
        if then and history[0] in then:
            then = history
        elif then and worded("compare", asked.text):
            then = [history[0], *then]
        if then:
            told = True
            yield facts.result_fact(then, language, dated=True, newest=then[0] == history[0])
    if not told:
        text = say("no-year-result", language, name=phrase, year=day_text(when[0], language))
        yield Fact(id=f"{chart.patient_ref}#no-{keys[0]}", kind="result", text=text)
        for history in [found for key in keys if (found := chart.latest(key))]:
            yield facts.result_fact(history, language, dated=True)


def _guided(history: list[Result], chart: Chart, language: str) -> Said:
    fact = facts.result_fact(history, language, dated=True, chart=chart)
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
        yield facts.result_fact(history[:2], language, dated=True, chart=chart)
    if not told:
        yield absent(Kind.RESULT, say("no-results", language), chart)


def conditions(asked: Asked, chart: Chart, language: str) -> Said:
    """The active conditions; or whether one that is named is listed."""
    if asked.conditions:
        found = [c for c in chart.conditions if c.keys & set(asked.conditions)]
        for item in found[:MAX_LISTED]:
            yield facts.condition_fact(item, language, dated=True)
        if found and worded("stage", asked.text) and not any(c.staged for c in found):
            name = {"en": "the stage", "es": "la etapa"}[language]
            yield absent(Kind.CONDITIONS, say("not-shown", language, name=name), chart)
        if not found:
            yield from _unlisted(asked, chart, language)
        return
    active = [c for c in chart.conditions if c.active]
    for key, part in (
        ("conditions", [c for c in active if not c.finding]),
        ("findings", [c for c in active if c.finding]),
    ):
        if part:
            text = many([safety.condition_name(c, language) for c in part], language)
            yield Fact(id=part[0].ref, kind="condition", text=say(key, language, list=text))
    if active and worded("stage", asked.text) and not any(c.staged for c in active):
        name = {"en": "the stage", "es": "la etapa"}[language]
        yield absent(Kind.CONDITIONS, say("not-shown", language, name=name), chart)
    if not active:
        yield absent(Kind.CONDITIONS, say("no-conditions", language), chart)


def allergies(asked: Asked, chart: Chart, language: str) -> Said:
    """All allergies; or what is recorded about the one that is named, its class included."""
    target = _allergen(asked)
    if not (target or asked.medicinal or asked.allergen or _foods(asked)):
        for item in chart.allergies:
            yield facts.allergy_fact(item, language, dated=True)
        if not chart.allergies:
            yield absent(Kind.ALLERGIES, say("no-allergies", language), chart)
        return
    recorded = [a for a in chart.allergies if is_named(a.name, asked.text)]
    for item in recorded:
        fact = facts.allergy_fact(item, language, dated=True)
        if not asked.medicinal and not item.none and worded("safety", asked.text):
            avoid = fact.text + say("avoid-allergen", language)
            fact = fact.model_copy(update={"text": avoid})
        yield fact
    fired = _related({a.ref for a in recorded}, asked, language)
    for warned in fired:
        yield warned.fact
        if warned.source:
            yield warned.source
    if not recorded and not fired:
        things = [*asked.medicines, *asked.classes.values(), *_foods(asked)]
        name = target or listed(things, language)
        yield absent(Kind.ALLERGIES, say("no-allergy", language, name=name), chart)


def _related(known: set[str], asked: Asked, language: str) -> list[safety.Warned]:
    """Warnings from allergies other than ``known``: of the same class, or held by what is named."""
    by_class = [
        warned
        for subject in safety.subjects(asked.medicines, asked.classes, language)
        for warned in safety.warnings(subject, asked.case, language)
    ]
    found = [*safety.holding(asked.holding, asked.case.chart, language), *by_class]
    return [w for w in found if w.fact.kind == "allergy" and w.fact.id.split("#")[0] not in known]


def _unlisted(asked: Asked, chart: Chart, language: str) -> Said:
    """That a condition is not listed; a result out of range that may speak for it comes first."""
    table = words.data("conditions")
    spanish = [table[key]["es"] for key in asked.conditions]
    name = listed(spanish if language == "es" else asked.conditions.values(), language)
    yield absent(Kind.CONDITIONS, say("no-condition", language, name=name), chart)
    related = words.data("facts/related")
    for test in dict.fromkeys(t for key in asked.conditions for t in related.get(key, ())):
        history = chart.latest(test)
        if history and history[0].flag in {"high", "low"}:
            yield facts.result_fact(history, language, dated=True)


def _allergen(asked: Asked) -> str | None:
    found = re.search(
        r"(?:allergic|allergy|allergies|al[eé]rgic[oa]s?|alergias?) (?:to|al|a la|a los|a las|a) "
        r"(?:the |an? |any )?([^?.!,;]{2,60})",
        asked.raw.lower(),
    )
    if not found or re.match(r"(any|some|algo|alg[uú]n|nada|what|que|qué)", found[1].strip()):
        return None
    return found[1].strip()


def _foods(asked: Asked) -> list[str]:
    """Substances other than medicines that the question names."""
    found = words.data("intents")["substances"]
    return [name for name in found if re.search(rf"\b{name}(s|es)?\b", asked.text)]


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
        elif worded("findings", asked.text):
            name = {"en": "its result", "es": "su resultado"}[language]
            yield absent(Kind.PROCEDURES, say("not-shown", language, name=name), chart)


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


def visits(asked: Asked, chart: Chart, language: str) -> Said:
    """The last visit that took place; or those of the time that is asked about."""
    when = times.periods(asked.text, chart.today)
    if re.search(r"\b(this year|este ano)\b", asked.text):
        when = (str(chart.today.year),)
    found = [v for v in chart.visits if not when or (v.day or "").startswith(when)]
    if not found:
        yield absent(Kind.VISITS, say("no-visit", language), chart)
    elif when or worded("several", asked.text):
        told = [f"{day_text(v.day, language)} ({v.name})" for v in found]
        text = say("visits", language, count=len(found), list=many(told, language))
        yield Fact(id=found[0].ref, kind="visit", text=text, date=found[0].day)
    else:
        last = found[0]
        text = say("visit", language, day=day_text(last.day, language), name=last.name)
        yield Fact(id=last.ref, kind="visit", text=text, date=last.day)


def goals(asked: Asked, chart: Chart, language: str) -> Said:
    """The goals agreed on; of the test named, if any is."""
    found = [g for g in chart.goals if not asked.tests or words.test_phrases().find(g.name)]
    for goal in found:
        text = say("goal", language, name=goal.name)
        yield Fact(id=goal.ref, kind="goal", text=text, date=goal.day)
    if not found:
        name = {"en": "a goal", "es": "una meta"}[language]
        yield absent(Kind.GOALS, say("not-shown", language, name=name), chart)


def decision(asked: Asked, chart: Chart, language: str) -> Said:
    """That a change of treatment is the clinician's, with the medicines that it is about."""
    terms = set(asked.medicines) | set(asked.classes)
    orders = [m for m in chart.active_medicines if (m.classes | set(m.generics)) & terms]
    said = [
        (f"rule:change-{m.called}", say("own-change", language, m, have=m.called)) for m in orders
    ]
    for reference, text in said or [("rule:change", say("own-treatment", language))]:
        fact = Fact(id=reference, kind="treatment", text=text, warning=True)
        warned = safety.sourced(fact, "change", sources()["drug_information"], language)
        yield warned.fact
        if warned.source:
            yield warned.source
    for item in chart.appointments[:1]:
        yield planned.fact(item, language)


def _mishap(asked: Asked, _chart: Chart, language: str) -> Said:
    yield from mishap.mishap(asked.case, asked.medicines, asked.classes, language)


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
    Kind.SCREENING: screening,
    Kind.VISITS: visits,
    Kind.GOALS: goals,
    Kind.MISHAP: _mishap,
    Kind.DECISION: decision,
}
"""The function that answers each kind of question."""
