"""Answers on medicines: what is taken and why, what was taken, and what stands against one."""

from __future__ import annotations

from services.consult.messages import Fact
from services.consult.record import duplicates, safety, words
from services.consult.record.asked import Asked, worded
from services.consult.record.chart import Chart
from services.consult.record.kinds import ADULT_AGE, Kind
from services.consult.record.reading import Medicine
from services.consult.record.said import MAX_LISTED, Said, absent
from services.consult.record.tables import sources
from services.consult.record.wording import day_text, listed, say

_KIN = {"anticoagulant": frozenset({"antiplatelet"})}
"""Classes that people call by the same name: clopidogrel too is called a blood thinner."""


def medicines(asked: Asked, chart: Chart, language: str) -> Said:
    """The active medicines; or whether, how and why one that is named is taken."""
    if asked.medicines:
        yield from _named(asked, chart, language)
    elif classes := [*asked.classes] or _purposes(asked):
        yield from _of_class(classes, asked, chart, language)
    else:
        yield from _list(asked, chart, language)


def _named(asked: Asked, chart: Chart, language: str) -> Said:
    past = worded("history_medicine", asked.text)
    for phrase, keys in asked.mentions:
        names = [key for key in keys if key in asked.medicines]
        orders = [m for m in chart.medicines if set(names) & set(m.generics)]
        active = [m for m in orders if m.active]
        if active:
            yield from _standing(active[0], phrase, asked, language)
            yield order_fact(active[0], language, who=worded("who_prescribed", asked.text))
        elif orders:
            yield _former(orders[0], language)
        elif names and (past or not worded("dose", asked.text)):
            # What dose of a new medicine to take is not ours to say.
            key = "no-past-medicine" if past else "no-medicine"
            called = safety.as_asked(names[0], phrase, language) if len(names) == 1 else phrase
            yield absent(Kind.MEDICINES, say(key, language, name=called), chart)


def _standing(order: Medicine, phrase: str, asked: Asked, language: str) -> Said:
    """What the record says against a medicine that is taken."""
    for subject in safety.subjects({order.generics[0]: phrase}, (), language):
        for warned in safety.warnings_without_interactions(subject, asked.case, language):
            if warned.fact.id.split("#")[-1] in {
                "metformin-kidney",
                "metformin-kidney-reduced",
            } or (warned.fact.kind == "allergy"):
                yield from _both(warned)


def _both(warned: safety.Warned) -> Said:
    yield warned.fact
    if warned.source:
        yield warned.source


def order_fact(order: Medicine, language: str, *, who: bool = False) -> Fact:
    """One active order: name and strength, since when, how to take it, why, and whose it is."""
    since = say("since", language, day=day_text(order.day, language)) if order.day else ""
    text = say("medicine", language, order, name=order.name, since=since)
    text += say("dose" if order.dose else "no-dose", language, order, dose=order.dose)
    reasons = listed([words.condition_in(r, language) for r in order.reasons], language)
    text += say("reason" if reasons else "no-reason", language, order, list=reasons)
    if who and order.prescriber:
        text += say("prescriber", language, name=order.prescriber)
    return Fact(id=order.ref, kind="medicine", text=text, date=order.day)


def _former(order: Medicine, language: str) -> Fact:
    since = say("since", language, day=day_text(order.day, language)) if order.day else ""
    text = say("was-on", language, order, name=order.name, since=since)
    return Fact(id=order.ref, kind="medicine", text=text, date=order.day)


def _purposes(asked: Asked) -> list[str]:
    """The classes for what the medicines that are asked for are said to treat."""
    if not worded("taken_for", asked.text):
        return []
    said = set(asked.text.split())
    return [key for key, named in words.data("lay")["purposes"].items() if said & set(named)]


def _of_class(classes: list[str], asked: Asked, chart: Chart, language: str) -> Said:
    for key in classes:
        group = words.data("classes")[key][language]
        wanted = {key, *words.data("classes")[key].get("also", ())}
        found = [m for m in chart.active_medicines if m.classes & wanted]
        who = worded("who_prescribed", asked.text)
        for order in found:
            yield order_fact(order, language, who=who)
        if not found:
            yield absent(Kind.MEDICINES, say("no-class-medicine", language, group=group), chart)
        for order in chart.active_medicines if not found else ():
            if order.classes & _KIN.get(key, frozenset()):
                yield order_fact(order, language, who=who)


def _list(asked: Asked, chart: Chart, language: str) -> Said:
    for order in chart.active_medicines[:MAX_LISTED]:
        if worded("reasons", asked.text):
            yield order_fact(order, language)
            continue
        dose = f" ({order.dose})" if order.dose else ""
        yield Fact(id=order.ref, kind="medicine", text=f"{order.name}{dose}.", date=order.day)
    if not chart.active_medicines:
        yield absent(Kind.MEDICINES, say("no-medicines", language), chart)


def in_question(asked: Asked, language: str) -> list[safety.Subject]:
    """What is asked about: of several medicines those that are not taken yet."""
    new = {k: p for k, p in asked.medicines.items() if not asked.case.takes(k)}
    added = _products(asked) if new else set()
    named = {k: p for k, p in asked.medicines.items() if k in new or p in added}
    fresh = {k: p for k, p in named.items() if not _is_context(p, asked)}
    return safety.subjects(
        fresh or named or asked.medicines, () if asked.medicines else asked.classes, language
    )


def _is_context(phrase: str, asked: Asked) -> bool:
    """Whether a medicine is named as one that is taken: "with my warfarin", "he takes warfarin"."""
    before, found, _ = f" {asked.text} ".partition(f" {phrase} ")
    owned = worded("owned", before)
    taken = worded("context", before.strip()) and not worded("asks_to_take", before)
    return bool(found) and (owned or taken)


def _products(asked: Asked) -> set[str]:
    """Products of several ingredients of which at least one is not on the list."""
    return {
        phrase
        for phrase, keys in asked.mentions
        if len(keys) > 1 and any(not asked.case.takes(key) for key in keys)
    }


def medicine_safety(asked: Asked, _chart: Chart, language: str) -> Said:
    """Every warning about what is asked; nothing when there is none."""
    sought = in_question(asked, language)
    if not sought and worded("among_mine", asked.text):
        taken = {g: g for order in asked.case.chart.active_medicines for g in order.generics}
        sought = safety.subjects(taken, (), language)
    found = [w for s in sought for w in safety.warnings(s, asked.case, language)]
    found += duplicates.duplicates(asked, language)
    if asked.case.own:
        found += safety.holding(asked.holding, asked.case.chart, language)
    for warned in sorted(found, key=lambda w: w.rank):
        yield from _both(warned)
    if not found:  # beside "do not take it" the usual most would read as leave to take so much
        yield from _most(asked, language)


def _most(asked: Asked, language: str) -> Said:
    """The most that an adult may take of an over-the-counter medicine, when that is asked."""
    age = asked.case.chart.person.age_years
    about = asked.case.situation
    minor = about.child or age is None or age < ADULT_AGE or asked.other
    expecting = asked.case.chart.person.pregnant or about.pregnant or about.breastfeeding
    if minor or expecting or not worded("how_much", asked.text):
        return
    table = words.data("facts/doses")
    for name in asked.medicines:
        if name in table and not asked.case.takes(name):
            source = sources()[table[name]["source"]]
            fact = Fact(id=f"rule:most-{name}", kind="dose", text=table[name][language])
            yield from _both(safety.sourced(fact, f"most-{name}", source, language))
