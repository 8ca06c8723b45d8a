"""From ``people.yaml`` and ``codes.yaml`` to FHIR resources."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from services.fhir.sandbox.chart import Chart, born, person
from services.fhir.sandbox.clinic import CLINIC, PLACE, clinic_resources, doctor_name
from services.fhir.sandbox.coding import (
    CVX,
    ICD10,
    LOINC,
    RXNORM,
    SNOMED,
    TERMINOLOGY,
    concept,
    day,
    moment,
    table,
    term,
)
from services.fhir.sandbox.results import observations

SANDBOX_DAY = date(2026, 11, 21)
"""The day on which the sandbox stands unless another is asked for."""
_SMOKING = {
    "never": ("266919005", "Never smoked tobacco"),
    "former": ("8517006", "Ex-smoker"),
}


def people() -> tuple[str, ...]:
    """Return the Patient ids of the sandbox."""
    return tuple(table("people"))


def called(person: str) -> str:
    """What a list of people calls one of them: nobody takes it for a real name."""
    return f"Sandbox person {person.lstrip('p0')}"


def generate(seed: int = 1, today: date = SANDBOX_DAY) -> list[dict[str, Any]]:
    """Return every resource of the sandbox, those referred to before those that refer.

    Args:
        seed: decides phones and identifiers; the same seed gives the same resources.
        today: the day on which the sandbox stands; appointments lie after it, all else before.
    """
    chance = random.Random(seed)  # noqa: S311  # invented phone numbers, no secrets
    made = clinic_resources()
    for key, said in table("people").items():
        chart = Chart(key, said, today)
        made += person(chart, chance)
        for build in (_conditions, _medicines, _allergies, _vaccines, _procedures, _visits):
            made += build(chart)
        made += observations(chart.key, said, today)
        made += _appointments(chart)
        made += _social(chart)
        made += _note(chart)
    return made


def _conditions(chart: Chart) -> Iterator[dict[str, Any]]:
    current = {key: (ago, None) for key, ago in chart.said.get("conditions", {}).items()}
    past = {key: tuple(span) for key, span in chart.said.get("past_conditions", {}).items()}
    for key, (ago, ended) in {**current, **past}.items():
        text, snomed, icd = table("codes")["conditions"][key]
        made = chart.start("Condition", key) | {
            "clinicalStatus": term("condition-clinical", "resolved" if ended else "active"),
            "verificationStatus": term("condition-ver-status", "confirmed"),
            "category": [term("condition-category", "problem-list-item", "Problem List Item")],
            "code": concept(text, (SNOMED, snomed), (ICD10, icd)),
            "subject": chart.subject,
            "onsetDateTime": day(chart.today, ago),
            "recordedDate": day(chart.today, ago),
            "recorder": chart.doctor,
        }
        yield made | ({"abatementDateTime": day(chart.today, ended)} if ended else {})


def _medicines(chart: Chart) -> Iterator[dict[str, Any]]:
    for status, part in (("active", "medicines"), ("completed", "past_medicines")):
        for key, order in chart.said.get(part, {}).items():
            text, rxnorm = table("codes")["medicines"][key]
            made = chart.start("MedicationRequest", key) | {
                "status": status,
                "intent": "order",
                "category": [term("medicationrequest-category", "community", "Community")],
                "medicationCodeableConcept": concept(text, (RXNORM, rxnorm)),
                "subject": chart.subject,
                "authoredOn": day(chart.today, order["since"]),
                "requester": chart.doctor,
                "dosageInstruction": [_dosage(order)],
            }
            if "for" in order:
                cause = table("codes")["conditions"][order["for"]][0]
                target = f"Condition/{chart.key}-{order['for'].replace('_', '-')}"
                reference = {"reference": target, "display": cause}
                made["reasonReference"] = [reference]
            yield made


def _dosage(order: Mapping[str, Any]) -> dict[str, Any]:
    dosage: dict[str, Any] = {"text": order["dose"]}
    if "per_day" in order:
        repeat = {"frequency": order["per_day"], "period": 1, "periodUnit": "d"}
        dosage["timing"] = {"repeat": repeat}
    if order.get("as_needed"):
        dosage["asNeededBoolean"] = True
    return dosage


def _allergies(chart: Chart) -> Iterator[dict[str, Any]]:
    systems = {"rxnorm": RXNORM, "snomed": SNOMED}
    for key, (reaction, criticality, ago) in chart.said.get("allergies", {}).items():
        text, system, code, category = table("codes")["allergens"][key]
        shown, snomed = table("codes")["reactions"][reaction]
        yield chart.start("AllergyIntolerance", key) | {
            "clinicalStatus": term("allergyintolerance-clinical", "active"),
            "verificationStatus": term("allergyintolerance-verification", "confirmed"),
            "type": "intolerance" if reaction == "nausea" else "allergy",
            "category": [category],
            "criticality": criticality,
            "code": concept(text, (systems[system], code)),
            "patient": chart.subject,
            "recordedDate": day(chart.today, ago),
            "reaction": [{"manifestation": [concept(shown, (SNOMED, snomed))]}],
        }


def _vaccines(chart: Chart) -> Iterator[dict[str, Any]]:
    for key, doses in chart.said.get("vaccines", {}).items():
        text, cvx = table("codes")["vaccines"][key]
        for number, ago in enumerate(sorted(doses, reverse=True), 1):
            yield chart.start("Immunization", f"{key}-{number}") | {
                "status": "completed",
                "vaccineCode": concept(text, (CVX, cvx)),
                "patient": chart.subject,
                "occurrenceDateTime": day(chart.today, ago),
                "primarySource": True,
                "location": {"reference": f"Location/{PLACE}"},
            }


def _procedures(chart: Chart) -> Iterator[dict[str, Any]]:
    for key, ago in chart.said.get("procedures", {}).items():
        text, snomed = table("codes")["procedures"][key]
        yield chart.start("Procedure", key) | {
            "status": "completed",
            "code": concept(text, (SNOMED, snomed)),
            "subject": chart.subject,
            "performedDateTime": day(chart.today, ago),
        }


def _visits(chart: Chart) -> Iterator[dict[str, Any]]:
    for number, (ago, kind) in enumerate(chart.said.get("visits", ()), 1):
        text, snomed = table("codes")["visits"][kind]
        yield chart.start("Encounter", f"visit-{number}") | {
            "status": "finished",
            "class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": "AMB"},
            "type": [concept(text, (SNOMED, snomed))],
            "subject": chart.subject,
            "participant": [{"individual": chart.doctor}],
            "period": {"start": moment(chart.today, ago), "end": moment(chart.today, ago, 10)},
            "location": [{"location": {"reference": f"Location/{PLACE}"}}],
            "serviceProvider": {"reference": f"Organization/{CLINIC}"},
        }


def _appointments(chart: Chart) -> Iterator[dict[str, Any]]:
    for number, (ahead, what) in enumerate(chart.said.get("appointments", ()), 1):
        place = {"reference": f"Location/{PLACE}", "display": "Prairie Lantern Clinic, Building A"}
        actors = (chart.subject, chart.doctor, place)
        yield chart.start("Appointment", f"appointment-{number}") | {
            "status": "booked",
            "description": what,
            "start": moment(chart.today, -ahead, 14),
            "end": moment(chart.today, -ahead, 15),
            "participant": [{"actor": actor, "status": "accepted"} for actor in actors],
        }


def _social(chart: Chart) -> Iterator[dict[str, Any]]:
    if "smoking" in chart.said:
        code, text = _SMOKING[chart.said["smoking"]]
        latest = max((ago for ago, _ in chart.said.get("visits", [])), default=30)
        yield chart.start("Observation", "smoking") | {
            "status": "final",
            "category": [term("observation-category", "social-history", "Social History")],
            "code": concept("Tobacco smoking status", (LOINC, "72166-2")),
            "subject": chart.subject,
            "effectiveDateTime": day(chart.today, latest),
            "valueCodeableConcept": concept(text, (SNOMED, code)),
        }
    if "goal" in chart.said:
        text, ago = chart.said["goal"]
        yield chart.start("Goal", "goal") | {
            "lifecycleStatus": "active",
            "description": {"text": text},
            "subject": chart.subject,
            "startDate": day(chart.today, ago),
        }


def _note(chart: Chart) -> Iterator[dict[str, Any]]:
    ago, _ = chart.said["visits"][-1]
    codes, name = table("codes"), " ".join(chart.said["name"])
    problems = [codes["conditions"][key][0] for key in chart.said.get("conditions", {})]
    drugs = [codes["medicines"][key][0] for key in chart.said.get("medicines", {})]
    text = (
        f"Progress note, {day(chart.today, ago)}\nPatient: {name}, born {born(chart)}\n"
        f"Seen by {doctor_name(chart.said['doctor'])} at Prairie Lantern Clinic.\n"
        f"Problems: {', '.join(problems) or 'none recorded'}.\n"
        f"Medicines: {', '.join(drugs) or 'none'}.\nPlan: continue; results discussed.\n"
    )
    yield chart.start("DocumentReference", "note") | {
        "status": "current",
        "type": concept("Progress note", (LOINC, "11506-3")),
        "category": [{"text": "Clinical note"}],
        "subject": chart.subject,
        "date": moment(chart.today, ago, 10),
        "author": [chart.doctor],
        "custodian": {"reference": f"Organization/{CLINIC}"},
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8",
                                    "data": base64.b64encode(text.encode()).decode()}}],
        "context": {"encounter": [
            {"reference": f"Encounter/{chart.key}-visit-{len(chart.said['visits'])}"}
        ]},
    }  # fmt: skip
