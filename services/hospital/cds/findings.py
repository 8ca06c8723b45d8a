"""What stands against an order, and the entry of the record that says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.consult.record import words
from services.consult.record.case import STATED, Case
from services.consult.record.reading import Medicine
from services.consult.record.safety import Subject, Warned, warnings_without_interactions
from services.consult.record.situation import Situation
from services.consult.record.tables import Rule, rules, sources
from services.fhir.cds import Source
from services.hospital.cds.drafts import Draft
from services.hospital.cds.names import Named
from services.hospital.cds.record import PatientRecord
from services.hospital.cds.tables import Hazard, hazard, lessened


@dataclass(frozen=True)
class Other:
    """A medicine beside the one in question: of the record, or ordered at the same time."""

    ref: str
    medicine: Named
    day: str | None
    ordered: bool
    recorded: Medicine | None = None


@dataclass(frozen=True)
class Finding:
    """One rule that fired.

    Attributes:
        rule: its id.
        hazard: how it is said and ranked.
        order: the order in question.
        ref: entry of the record that it fired on; the Patient for age, "" for none.
        other: the second medicine, where the rule is about two.
        source: of the rule.
    """

    rule: str
    hazard: Hazard
    order: Draft
    ref: str
    source: Source
    other: Other | None = None


def findings(order: Draft, record: PatientRecord, others: list[Other]) -> Iterator[Finding]:
    """Everything that the rules say of one order: allergies first, then the rest.

    Args:
        order: with a medicine that is recognised.
        record: of the patient.
        others: medicines of the record and of the other orders.
    """
    for generic in order.medicine.generics:
        subject = Subject(generic, words.classes_of(generic), generic)
        yield from _of_record(subject, order, record)
        for other in others:
            yield from _of_two(subject, order, other)


def _of_record(subject: Subject, order: Draft, record: PatientRecord) -> Iterator[Finding]:
    """Allergies, conditions, results, pregnancy, breastfeeding and age."""
    situation = Situation(
        other=False,
        child=False,
        ages=None,
        pregnant=False,
        breastfeeding=record.lactation is not None,
        possessive=False,
    )
    case = Case(record.chart, situation)
    for warned in warnings_without_interactions(subject, case, "en"):
        ref, _, rule = warned.fact.id.rpartition("#")
        rule = rule.removeprefix("rule:")
        known = hazard(rule, subject.terms)
        if known is None:
            continue
        if rule.startswith("breastfeeding") and record.lactation is not None:
            ref = record.lactation.ref
        if warned.fact.kind == "allergy" and _is_intolerance(record, ref):
            known = known.model_copy(update={"indicator": lessened(known.indicator)})  # type: ignore[arg-type]
        yield Finding(rule, known, order, "" if ref == STATED else ref, _source(warned))


def _is_intolerance(record: PatientRecord, ref: str) -> bool:
    return record.by_ref.get(ref, {}).get("type") == "intolerance"


def _source(warned: Warned) -> Source:
    if warned.source is None:  # the record itself says so
        allergies = sources()["drug_allergies"]
        return Source(label=allergies.name, url=allergies.url)
    return Source(label=warned.source.source, url=warned.source.url)


def _of_two(subject: Subject, order: Draft, other: Other) -> Iterator[Finding]:
    if subject.name in other.medicine.generics:
        return
    for rule in rules():
        if rule.taken and _fits(rule, subject.terms, other.medicine.terms):
            known = hazard(rule.id, subject.terms | other.medicine.terms)
            if known is not None:
                source = sources()[rule.source]
                named = Source(label=source.name, url=source.url)
                yield Finding(rule.id, known, order, other.ref, named, other)


def _fits(rule: Rule, asked: frozenset[str], taken: frozenset[str]) -> bool:
    forward = bool(asked & set(rule.asked)) and bool(taken & set(rule.taken))
    back = rule.both and bool(asked & set(rule.taken)) and bool(taken & set(rule.asked))
    return forward or back
