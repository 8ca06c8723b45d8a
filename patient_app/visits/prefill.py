"""What the record knows already, as the first answers of a form; the person confirms it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from patient_app.medicines.listing import chart_of
from patient_app.member import Member
from services.consult.record.chart import Chart
from services.fhir.intake.answers import Item, items_of

_LISTED = {"listed-medicine": "listed-medicine-entry", "listed-allergy": "listed-allergy-entry"}
"""Groups of which there is one for each entry of the record, and the item that names it."""


def prefilled(member: Member, questionnaire: Item) -> list[dict[str, Any]]:
    """Items with an entry for each active medicine and each allergy; nothing is answered yet.

    What the person entered is in no record but theirs: it is written out, not pointed at.
    """
    chart = chart_of(member)
    return [item for question in items_of(questionnaire) for item in _group(question, chart)]


def _group(question: Item, chart: Chart) -> Iterator[dict[str, Any]]:
    inner = [made for part in items_of(question) for made in _part(part, chart)]
    if inner:
        yield {"linkId": question["linkId"], "item": inner}


def _part(part: Item, chart: Chart) -> Iterator[dict[str, Any]]:
    link = str(part["linkId"])
    if link == "other-medicine":
        mine = [order.name for order in chart.active_medicines if order.entered]
        if mine:
            yield {"linkId": link, "answer": [{"valueString": name} for name in mine]}
        return
    entry = _LISTED.get(link)
    for reference, name in _entries(entry, chart) if entry else ():
        value = {"valueReference": {"reference": reference, "display": name}}
        yield {"linkId": link, "item": [{"linkId": entry, "answer": [value]}]}


def _entries(entry: str, chart: Chart) -> list[tuple[str, str]]:
    if entry == "listed-medicine-entry":
        return [(m.ref, m.name) for m in chart.active_medicines if not m.entered]
    return [(a.ref, a.name) for a in chart.allergies if not a.none]


def pointed_at(items: Any) -> set[str]:
    """Every reference that answers name, to compare with what the record holds."""
    found: set[str] = set()
    for item in items_of({"item": items}):
        for answer in item.get("answer", ()):
            value = answer.get("valueReference") if isinstance(answer, Mapping) else None
            if isinstance(value, Mapping):
                found.add(str(value.get("reference")))
        found |= pointed_at(item.get("item", ()))
    return found
