"""What the rules do not know, of the orders and of the record: said, since it was not checked."""

from __future__ import annotations

from collections.abc import Iterator

from services.consult.record import words
from services.consult.record.reading import Allergy
from services.fhir.cds import Card, Decision, Source
from services.fhir.cds.cards import SUMMARY_CHARS
from services.fhir.cds.markdown import fill, plain
from services.hospital.cds.drafts import MEDICATION, Draft
from services.hospital.cds.findings import Finding
from services.hospital.cds.record import PatientRecord
from services.hospital.cds.tables import hazard, override_reasons

MOST_NAMED = 20
SHORTEST = 5
"""Letters of the shortest word by which an unknown allergen is found in the name of an order."""
OURS = Source(label="Caretier")


def unknown(ordered: list[Draft], record: PatientRecord) -> Iterator[Decision]:
    """One card on the orders that are not known, and one on entries of the record."""
    medicines = [order.medicine for order in ordered if order.kind == MEDICATION]
    if names := [part for medicine in medicines for part in medicine.unknown]:
        yield _decision("unrecognised", "Could not be checked", names, kept=True)
    listed = [m.name or m.ref for m in record.chart.active_medicines if not m.generics]
    listed += [a.name or a.ref for a in record.chart.allergies if _is_unknown_drug(a, record)]
    if medicines and listed:
        what = "Not checked against what the rules do not know"
        yield _decision("unrecognised-record", what, listed, kept=False)


def _is_unknown_drug(allergy: Allergy, record: PatientRecord) -> bool:
    categories = record.by_ref[allergy.ref].get("category") or []
    return not (allergy.none or allergy.generics or allergy.classes) and "medication" in categories


def _decision(rule: str, what: str, names: list[str], *, kept: bool) -> Decision:
    once = list(dict.fromkeys(names))
    shown = ", ".join(plain(name, 50) for name in once)
    lines = [fill("- {name}", name=name) for name in once[:MOST_NAMED]]
    more = [f"- and {len(once) - MOST_NAMED} more"] if len(once) > MOST_NAMED else []
    card = Card(
        summary=plain(f"{what}: {shown}", SUMMARY_CHARS),
        detail="\n".join(
            ["The rules here do not know:", "", *lines, *more, "", "Nothing was checked for it."]
        ),
        indicator="info",
        source=OURS,
        override_reasons=() if kept else override_reasons(),
    )
    return Decision(card=card, rule=rule, about=tuple(once), kept=kept)


def same_word(order: Draft, record: PatientRecord) -> Iterator[Finding]:
    """Allergies whose allergen the rules do not know, but whose name the order has as well."""
    said = set(words.fold(order.medicine.name).split())
    known = hazard("same-medicine")
    for allergy in record.chart.allergies:
        first = next(iter(words.fold(allergy.name).split()), "")
        named = len(first) >= SHORTEST and first in said
        if known is not None and named and not (allergy.none or allergy.generics):
            source = Source(label="The patient's record")
            yield Finding("same-medicine", known, order, allergy.ref, source)
