"""Contradictions within the record: entries that do not go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from services.consult.record import words
from services.consult.record.reading import Allergy, Condition, Medicine
from services.consult.record.safety import Warned
from services.hospital.chart.models import Line, Rule
from services.hospital.chart.safety import medicine, risk_of, warned_of
from services.hospital.chart.view import View, rules


def conflicts(view: View) -> list[Line]:
    """Every contradiction that a rule finds, those about allergies first, each once."""
    found = [*_safety(view), *_allergies(view), *_alike(view), *_reasons(view), *_states(view)]
    return list({(line.text, frozenset(line.sources)): line for line in found}.values())


def _safety(view: View) -> Iterator[Line]:
    """Active medicines against allergies, one another, conditions, results, age and pregnancy."""
    lines: dict[tuple[str, frozenset[str]], Line] = {}
    for item in view.chart.active_medicines:
        for generic in item.generics:
            for warned in warned_of(medicine(generic, item.name), view.chart, view.language):
                line = _warning(view, item, warned)
                rule = line.rule.id if line.rule else line.text
                lines.setdefault((rule, frozenset(line.sources)), line)
    yield from sorted(lines.values(), key=lambda li: risk_of(li.rule.id if li.rule else "") or "~")


def _warning(view: View, item: Medicine, warned: Warned) -> Line:
    """One warning; of a rule without a word of its own, what it tells patients is quoted."""
    ref, _, rule = warned.fact.id.partition("#")
    other = "" if ref == view.whole else _called(view, ref)
    both = view.say("conflict.with", name=item.name, other=other) if other else item.name
    risk = risk_of(rule)
    said = f"{both}: {view.say(f'risk.{risk}')}" if risk else both
    source = warned.source
    return Line(
        text=said,
        sources=tuple(dict.fromkeys((item.ref, ref))),
        detail=None if risk else view.say("conflict.told", text=warned.fact.text),
        flag="conflict",
        rule=Rule(
            id=rule, source=source.source if source else None, url=source.url if source else None
        ),
    )


def _called(view: View, ref: str) -> str:
    """What an entry of the record is called: its name, a result with its value and day."""
    chart = view.chart
    for result in chart.results:
        if result.ref == ref:
            return view.say(
                "conflict.result", name=result.name, value=result.value, day=result.day or ""
            )
    for allergy in chart.allergies:
        if allergy.ref == ref:
            return view.say("conflict.allergy", name=allergy.name)
    named: list[Medicine | Condition] = [*chart.medicines, *chart.conditions]
    return next((entry.name for entry in named if entry.ref == ref), ref)


def _allergies(view: View) -> Iterator[Line]:
    """An entry that says "no known allergy" beside entries of allergies."""
    none = [a for a in view.chart.allergies if a.none]
    some = [a for a in view.chart.allergies if not a.none]
    for said in none:
        against: list[Allergy] = [a for a in some if _contradicts(said, a)]
        if against:
            names = ", ".join(a.name for a in against)
            yield Line(
                text=view.say("conflict.no_allergy", said=said.name, names=names),
                sources=(said.ref, *(a.ref for a in against)),
                flag="conflict",
            )


def _contradicts(said: Allergy, allergy: Allergy) -> bool:
    """Whether both cannot hold: no known *drug* allergy leaves room for one to peanuts."""
    drugs_only = any(word in said.name.lower() for word in ("drug", "medic", "fármaco"))
    return not drugs_only or bool(allergy.generics or allergy.classes)


def _alike(view: View) -> Iterator[Line]:
    """Two active entries of one medicine, or of one class in which two are rarely meant."""
    for one, other in combinations(view.chart.active_medicines, 2):
        same = sorted(set(one.generics) & set(other.generics))
        classes = sorted(one.classes & other.classes & set(rules()["alike"]))
        if not same and not classes:
            continue
        table = words.data("classes")
        shared = same[0] if same else table.get(classes[0], {}).get(view.language, classes[0])
        key = "conflict.twice" if same else "conflict.alike"
        yield Line(
            text=view.say(key, one=one.name, other=other.name, shared=shared.replace("_", " ")),
            sources=(one.ref, other.ref),
            flag="conflict",
        )


def _reasons(view: View) -> Iterator[Line]:
    """An active medicine whose recorded reason is no longer active, or whose order has run out."""
    conditions = {c.ref: c for c in view.chart.conditions}
    for item in view.chart.active_medicines:
        resource = view.by_ref[item.ref]
        for reference in resource.get("reasonReference", ()):
            reason = conditions.get(str(reference.get("reference", "")))
            if reason is not None and not reason.active:
                yield Line(
                    text=view.say("conflict.reason", name=item.name, reason=reason.name),
                    sources=(item.ref, reason.ref),
                    flag="conflict",
                )
        ended = _valid_until(resource)
        if ended and ended < view.today.isoformat():
            yield Line(
                text=view.say("conflict.ended", name=item.name, day=ended),
                sources=(item.ref,),
                day=ended,
                flag="conflict",
            )


def _valid_until(resource: Mapping[str, Any]) -> str:
    request = resource.get("dispenseRequest") or {}
    return str((request.get("validityPeriod") or {}).get("end", ""))[:10]


def _states(view: View) -> Iterator[Line]:
    """A condition that is active and over at once, in one entry or in two."""
    over = {c.name.casefold(): c for c in view.chart.conditions if not c.active and c.name}
    for condition in view.chart.conditions:
        if not condition.active:
            continue
        ended = any(key.startswith("abatement") for key in view.by_ref[condition.ref])
        twin = over.get(condition.name.casefold())
        if ended or (twin and (twin.day or "") >= (condition.day or "")):
            refs = (condition.ref, *([twin.ref] if twin and not ended else []))
            key = "conflict.over" if ended else "conflict.both"
            yield Line(text=view.say(key, name=condition.name), sources=refs, flag="conflict")
