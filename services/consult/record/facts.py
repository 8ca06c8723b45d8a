"""Facts that bear on a question, in words that may travel: clinical content, no names or places."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.consult.messages import Fact
from services.consult.record import duplicates, meaning, safety, words
from services.consult.record.asked import Asked, worded
from services.consult.record.chart import Chart
from services.consult.record.medicines import in_question
from services.consult.record.reading import Allergy, Condition, Medicine, Result
from services.consult.record.tables import sources
from services.consult.record.units import alike
from services.consult.record.wording import day_text, say

MAX_PLAIN_FACTS = 6
"""Most facts that are no warnings; warnings are never left out."""
EARLIER = 3
"""Most earlier results that are told with the newest."""
_PERSONAL = {"Patient", "RelatedPerson", "Practitioner"}


def facts_for(asked: Asked, chart: Chart, language: str) -> list[Fact]:
    """Return the facts that bear on a question, safety warnings first.

    For somebody else only what the question itself gives cause for is said, never the record.
    """
    told = _warned(asked, language) if asked.other else _all(asked, chart, language)
    found: dict[str, Fact] = {}
    for fact in told:
        found.setdefault(fact.id, fact)
    warned = [fact for fact in found.values() if fact.warning]
    plain = [fact for fact in found.values() if not fact.warning]
    names = _names(chart)
    return [_without(fact, names) for fact in [*warned, *plain[:MAX_PLAIN_FACTS]]]


def _change(asked: Asked, chart: Chart, language: str) -> Iterator[Fact]:
    """A decision about treatment is the prescriber's: said first, whatever else is said."""
    if not asked.medicinal or not worded("treatment", asked.text):
        return
    terms = set(asked.medicines) | set(asked.classes)
    orders = [m for m in chart.active_medicines if (m.classes | set(m.generics)) & terms]
    for order in orders if not asked.other else ():
        text = say("own-change", language, order, have=order.called)
        fact = Fact(id=f"{order.ref}#change", kind="treatment", text=text, warning=True)
        yield safety.sourced(fact, "change", sources()["drug_information"], language).fact
    if not orders or asked.other:
        have = next(iter(asked.medicines.values()), next(iter(asked.classes.values()), ""))
        text = say("any-change", language, have=have)
        fact = Fact(id="rule:change", kind="treatment", text=text, warning=True)
        yield safety.sourced(fact, "change", sources()["drug_information"], language).fact


def _warned(asked: Asked, language: str) -> Iterator[Fact]:
    """Warnings alone; about somebody else only what the question itself gives cause for."""
    yield from _change(asked, asked.case.chart, language)
    for subject in _subjects(asked, language):
        for warned in safety.warnings(subject, asked.case, language):
            yield warned.fact
    for warned in duplicates.duplicates(asked, language) if worded("safety", asked.text) else ():
        yield warned.fact


def _all(asked: Asked, chart: Chart, language: str) -> Iterator[Fact]:
    yield from _warned(asked, language)
    if chart.person.pregnant and (asked.medicinal or worded("while_pregnant", asked.text)):
        text = say("pregnant", language)
        yield Fact(id=chart.pregnancy_ref, kind="pregnancy", text=text, warning=True)
    yield from _medicine_facts(asked, chart, language)
    for test in () if worded("definition", asked.text) else asked.tests:
        if found := chart.latest(test):
            yield result_fact(found, language, dated=False)
    for condition in chart.conditions:
        if condition.keys & set(asked.conditions):
            yield condition_fact(condition, language, dated=False)
    yield from _event_facts(asked, chart, language)


def entered(asked: Asked, chart: Chart, language: str) -> list[Fact]:
    """The medicines that the person entered and takes, where what is asked may depend on them."""
    if asked.other or not (asked.medicinal or worded("remedy", asked.text)):
        return []
    names = _names(chart)
    return [_without(_listed(m, language), names) for m in chart.active_medicines if m.entered]


def _listed(medicine: Medicine, language: str) -> Fact:
    name = medicine.name
    if medicine.entered and not any(words.fold(g) in words.fold(name) for g in medicine.generics):
        name = f"{name} ({medicine.called})" if medicine.generics else name  # a brand, or a mask
    text = say("medicine", language, medicine, name=name, since="")
    return Fact(id=medicine.ref, kind="medicine", text=text, date=medicine.day)


def _medicine_facts(asked: Asked, chart: Chart, language: str) -> Iterator[Fact]:
    for medicine in chart.active_medicines:
        if set(medicine.generics) & set(asked.medicines):
            yield _listed(medicine, language)
    if worded("allergy", asked.text):
        for allergy in chart.allergies:
            yield allergy_fact(allergy, language)


def _event_facts(asked: Asked, chart: Chart, language: str) -> Iterator[Fact]:
    for key in asked.vaccines:
        for dose in [v for v in chart.vaccines if key in v.keys][:1]:
            text = say("vaccine-fact", language, name=dose.name)
            yield Fact(id=dose.ref, kind="vaccine", text=text, date=dose.day)
    if worded("appointment", asked.text):
        for item in chart.appointments[:1]:
            day = item.day[:10] if item.day else None
            text = say("appointment-fact", language)
            yield Fact(id=item.ref, kind="appointment", text=text, date=day)


def _subjects(asked: Asked, language: str) -> list[safety.Subject]:
    """What is asked about; failing that, what general advice would name for the complaint."""
    named = in_question(asked, language)
    if asked.other or named or not (worded("remedy", asked.text) or "fever" in asked.text):
        return named
    tried: dict[str, str] = {}
    for remedy in words.data("remedies"):
        phrases = words.Phrases()
        phrases.add("x", remedy["words"])
        if phrases.find(asked.text):
            tried.update({name: _common_name(name, language) for name in remedy["try"]})
    return safety.subjects(tried, (), language)


def _common_name(medicine: str, language: str) -> str:
    """Return the name in the language of the question, where the table has one."""
    names = words.data("medicines")[medicine]["names"]
    alike = [n for n in names if n[:4] == medicine[:4]]
    return alike[0] if language == "es" and alike else medicine


def test_name(result: Result, language: str) -> str:
    """Return what the test is called in ``language``; as recorded when the table lacks it."""
    entry = words.data("tests")["tests"].get(result.test or "", {})
    return str(entry.get(language) or result.name)


def result_text(
    found: list[Result],
    language: str,
    *,
    dated: bool,
    chart: Chart | None = None,
    newest: bool = True,
) -> str:
    """Say the newest of the results of one test: value, flag, range, and those before it."""
    first = found[0]
    when = say("on-day", language, day=day_text(first.day, language)) if dated and first.day else ""
    key = "result" if newest else "result-then"
    text = say(key, language, name=test_name(first, language), value=first.value, when=when)
    text += say("preliminary", language) if first.preliminary else ""
    if first.flag:
        kind = say("target" if first.target else "range", language)
        span = f"{first.span} {first.unit}".strip() if first.span else ""
        key = first.flag if span else f"{first.flag}-bare"
        text += say(key, language, span_kind=kind, span=span)
    elif first.number is not None and not first.span:
        text += say("no-range", language)
        text += meaning.usual_range(first, chart, language) if chart else ""
    text += _earlier(found, language, dated=dated)
    if first.critical and newest:
        return text + say("critical", language)
    return text + (say("ask", language) if first.flag in {"high", "low"} else "")


def _earlier(found: list[Result], language: str, *, dated: bool) -> str:
    newest = found[0]
    same = [r for r in found[1:] if r.number is None or alike(r.unit, newest.unit)]
    before = (same or found[1:])[:EARLIER]
    if not before:
        return ""
    told = [
        f"{r.value} ({day_text(r.day, language)})" if dated and r.day else r.value for r in before
    ]
    text = say("earlier", language, list=", ".join(told))
    step = _step(newest, before[0])
    return (
        text if step is None else text + say({1: "higher", -1: "lower", 0: "same"}[step], language)
    )


def _step(newest: Result, old: Result) -> int | None:
    """1 for higher, -1 for lower, 0 for the same; None where the two cannot be compared.

    Of blood pressures both numbers must have gone the same way.
    """
    pressures = [re.fullmatch(r"(\d+)[\d.]*/(\d+)[\d.]* mmHg", r.value) for r in (newest, old)]
    if pressures[0] and pressures[1]:
        now, then = ([int(n) for n in found.groups()] for found in pressures if found)
        steps = {(a > b) - (a < b) for a, b in zip(now, then, strict=True)} - {0}
        return steps.pop() if len(steps) == 1 else None if steps else 0
    if newest.number is None or old.number is None or not alike(newest.unit, old.unit):
        return None
    return (newest.number > old.number) - (newest.number < old.number)


def result_fact(
    found: list[Result],
    language: str,
    *,
    dated: bool,
    chart: Chart | None = None,
    newest: bool = True,
) -> Fact:
    """Return the newest result as a fact; out of range is a warning."""
    return Fact(
        id=found[0].ref,
        kind="result",
        text=result_text(found, language, dated=dated, chart=chart, newest=newest),
        date=found[0].day,
        warning=found[0].flag in {"high", "low"},
    )


def condition_fact(condition: Condition, language: str, *, dated: bool) -> Fact:
    """Return one condition as a fact: active, or in the past."""
    day = day_text(condition.day, language)
    since = say("since", language, day=day) if dated and day else ""
    key = "has-condition" if condition.active else "had-condition"
    text = say(key, language, name=safety.condition_name(condition, language), since=since)
    text += say("unconfirmed", language) if condition.unconfirmed else ""
    return Fact(id=condition.ref, kind="condition", text=text, date=condition.day)


def allergy_fact(allergy: Allergy, language: str, *, dated: bool = False) -> Fact:
    """Return one allergy as a warning, or the entry that says that none is known."""
    if allergy.none:
        text = say("none-known", language, name=allergy.name)
        return Fact(id=allergy.ref, kind="allergy", text=text, date=allergy.day)
    reaction = safety.reaction_text(allergy, language)
    text = say("allergy", language, reaction=reaction, name=allergy.name)
    if dated and allergy.day:
        text += say("recorded-on", language, day=day_text(allergy.day, language))
    return Fact(id=allergy.ref, kind="allergy", text=text, date=allergy.day, warning=True)


def _names(chart: Chart) -> re.Pattern[str] | None:
    found: set[str] = set()
    for resource in chart.resources:
        if resource.get("resourceType") in _PERSONAL:
            entries = [
                *resource.get("name", ()),
                *(c.get("name") or {} for c in resource.get("contact", ())),
            ]
            for name in entries:
                parts = [
                    str(name.get("family", "")),
                    *name.get("given", ()),
                    str(name.get("text", "")),
                ]
                found.update(word for part in parts for word in re.findall(r"\w{3,}", part))
    return re.compile(rf"\b({'|'.join(map(re.escape, sorted(found)))})\b") if found else None


def _without(fact: Fact, names: re.Pattern[str] | None) -> Fact:
    """Take people's names out, should a free text of the record hold any."""
    text = names.sub("[name]", fact.text) if names else fact.text
    return fact if text == fact.text else fact.model_copy(update={"text": text})
