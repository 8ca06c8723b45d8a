"""``order-select`` and ``order-sign``: what stands against the orders that are being written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.consult.record import words
from services.fhir.cds import Action, Call, Card, Coding, Decision, Service, Suggestion
from services.fhir.cds.cards import RANK, SUMMARY_CHARS, Indicator
from services.fhir.cds.markdown import plain, text
from services.fhir.cds.messages import OrderSelectContext, OrderSignContext
from services.hospital.cds import evidence
from services.hospital.cds.drafts import MEDICATION, Draft, drafts
from services.hospital.cds.duplicates import open_orders, twice
from services.hospital.cds.findings import Finding, Other, findings
from services.hospital.cds.names import Named
from services.hospital.cds.record import (
    BLOOD,
    KIDNEY,
    STATUS,
    PatientRecord,
    loinc_of,
    newest_of,
    read_record,
)
from services.hospital.cds.tables import override_reasons
from services.hospital.cds.unknown import same_word, unknown

TOPICS = "urn:caretier:cds-topic"
PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "allergies": "AllergyIntolerance?patient={{context.patientId}}",
    "medications": "MedicationRequest?patient={{context.patientId}}&status=active",
    "statements": "MedicationStatement?patient={{context.patientId}}&status=active",
    "conditions": "Condition?patient={{context.patientId}}",
    "kidney": newest_of(loinc_of(KIDNEY), 20),
    "blood": newest_of(loinc_of(BLOOD), 40),
    "status": newest_of(STATUS, 10),
    "services": "ServiceRequest?patient={{context.patientId}}&status=active",
}
CALLED = {
    "patient": "age and sex",
    "allergies": "allergies",
    "medications": "active medicines",
    "statements": "medicines taken as stated",
    "conditions": "conditions",
    "kidney": "kidney function",
    "blood": "potassium, sodium, INR and platelets",
    "status": "pregnancy and breastfeeding",
    "services": "open orders",
}
_DESCRIPTION = (
    "Holds medicines that are being ordered against recorded allergies (also within a class), "
    "active medicines, one another, conditions, pregnancy, breastfeeding, kidney function and age, "
    "and orders for services against open ones. Each card names its source and what it fired on."
)
_USAGE = (
    "What could not be had or recognised is said on a card; no card does not mean that there is no "
    "problem. A warning that the same clinician overrode with a reason for the same patient and "
    "order in the last 30 days is not shown again, unless it is critical."
)


def order_services() -> list[Service[OrderSignContext]]:
    """The two services on orders; they differ in what is in question."""
    return [
        Service(
            id=f"caretier-{hook}",
            hook=hook,
            title="Caretier medicine safety",
            description=_DESCRIPTION,
            usage=_USAGE,
            context=context,
            prefetch=PREFETCH,
            called=CALLED,
            decide=check_orders,
            optional=frozenset({"statements", "services"}),
        )
        for hook, context in (
            ("order-select", OrderSelectContext),
            ("order-sign", OrderSignContext),
        )
    ]


def check_orders(call: Call[OrderSignContext]) -> Iterator[Decision]:
    """Yield a card for each order and topic."""
    ordered = drafts(call.context, call.gathered)
    record = read_record(call.gathered, call.today)
    chosen = [order for order in ordered if order.chosen] or ordered
    yield from unknown(chosen, record)
    pairs: set[tuple[str, frozenset[str]]] = set()
    for order in chosen:
        for group in _grouped(_against(order, ordered, record), pairs):
            yield _decision(group, record)


def _against(order: Draft, ordered: list[Draft], record: PatientRecord) -> Iterator[Finding]:
    if order.kind != MEDICATION:
        yield from open_orders(order, record)
    others = list(_others(order, ordered, record))
    yield from findings(order, record, others)
    yield from same_word(order, record)
    if order.kind == MEDICATION:
        yield from twice(order, others)


def _others(order: Draft, ordered: list[Draft], record: PatientRecord) -> Iterator[Other]:
    """Every other medicine: those of the record, then those that are ordered too."""
    refs = {draft.ref for draft in ordered}
    for item in record.chart.active_medicines:
        if item.ref not in refs and item.ref not in order.replaces:
            name = item.name or "an unnamed medicine"
            yield Other(item.ref, Named(name, item.generics, ()), item.day, ordered=False)
    for draft in ordered:
        if draft.ref != order.ref and draft.kind == MEDICATION:
            yield Other(draft.ref, draft.medicine, None, ordered=True)


def _grouped(
    found: Iterable[Finding], pairs: set[tuple[str, frozenset[str]]]
) -> list[list[Finding]]:
    """One group for each topic, the gravest first; ``pairs`` of orders were said already."""
    groups: dict[str, list[Finding]] = {}
    for finding in found:
        pair = (finding.rule, frozenset({finding.order.ref, finding.ref}))
        if pair not in pairs:
            pairs.add(pair)
            groups.setdefault(finding.hazard.topic, []).append(finding)
    ranked = [sorted(group, key=_rank) for group in groups.values()]
    return sorted(ranked, key=lambda group: _rank(group[0]))


def _rank(finding: Finding) -> tuple[int, bool]:
    return RANK[_indicator(finding)], finding.hazard.topic != "allergy"


def _indicator(finding: Finding) -> Indicator:
    known = finding.hazard.indicator
    return "info" if known == "off" else known


def _decision(group: list[Finding], record: PatientRecord) -> Decision:
    first = group[0]
    generics = first.order.medicine.generics or (words.fold(first.order.medicine.name)[:60],)
    about = {*generics, *(_key(finding) for finding in group)}
    card = Card(
        summary=_summary(first, record),
        detail=_detail(group, record),
        indicator=_indicator(first),
        source=first.source.model_copy(update={"topic": _topic(first)}),
        suggestions=_suggestions(first),
        selection_behavior="at-most-one" if _suggestions(first) else None,
        override_reasons=override_reasons(),
    )
    return Decision(card=card, rule=first.rule, about=tuple(sorted(about)))


def _key(finding: Finding) -> str:
    """What a rule fired on, by something that is the same the next time."""
    other = finding.other
    ordered = other is not None and other.ordered
    return " ".join(other.medicine.generics) if other is not None and ordered else finding.ref


def _summary(first: Finding, record: PatientRecord) -> str:
    """ORDER with OTHER: what of it; names are cut so that what matters always fits."""
    order = plain(first.order.medicine.name, 44)
    beside = evidence.short(first, record)
    link = " with " if first.other is not None else " and "
    both = f"{order}{link}{plain(beside, 40)}" if beside else order
    return plain(f"{both}: {first.hazard.phrase}", SUMMARY_CHARS)


def _detail(group: list[Finding], record: PatientRecord) -> str:
    order = text(group[0].order.medicine.name)
    lines = (
        f"- {_phrase(finding)}. {evidence.line(finding, record)}.{_cited(finding)}"
        for finding in group
    )
    return "\n".join((f"**{order}** is being ordered.", "", *dict.fromkeys(lines)))


def _phrase(finding: Finding) -> str:
    phrase = finding.hazard.phrase
    return phrase[:1].upper() + phrase[1:]


def _cited(finding: Finding) -> str:
    source = finding.source
    if source.url is None:
        return ""
    return f" Source: [{text(source.label)}]({source.url})."


def _topic(first: Finding) -> Coding:
    topic = first.hazard.topic
    return Coding(code=topic, system=TOPICS, display=topic.capitalize())


def _suggestions(first: Finding) -> tuple[Suggestion, ...]:
    """To leave the order out, where the EHR can find it; no other change is safe to suggest."""
    order = first.order
    if _indicator(first) == "info" or not order.deletable:
        return ()
    name = plain(order.medicine.name, 80)
    action = Action(type="delete", description=f"Remove the order of {name}", resource_id=order.ref)
    return (Suggestion(label=f"Do not order {name}", actions=(action,)),)
