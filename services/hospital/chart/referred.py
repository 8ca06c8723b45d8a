"""What came of a record with a referral: facts in words, of a person whom nobody here knows.

There is no record to look into and there must be none: the facts carry no reference, and no line
links to the FHIR store. The same medicine-safety rules are asked, of a record made of the facts
alone, whether they stand against what a sentence names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.consult.messages import ENTERED, Fact, Message
from services.consult.record import words
from services.consult.record.chart import PREGNANCY_STATUS, Chart
from services.consult.record.safety import subjects
from services.exchange.messages import ReferredQuestion
from services.hospital.chart.models import Rule
from services.hospital.chart.safety import warned_of

KINDS = (
    "pregnancy",
    "interaction",
    "allergy",
    "medicine",
    "condition",
    "result",
    "vaccine",
    "appointment",
)
"""Kinds of facts in the order in which a reader wants them."""
ASKED_FOR = ("allergy", "medicine", "condition")
"""Kinds of which a reader has to know when nothing came."""
_PAST = re.compile(r"\b(in the past|no longer active|en el pasado|ya no activo)\b")
_NUMBER = re.compile(r"\b(?:was|fue) (\d+(?:\.\d+)?) (.+?)\.(?:\s|$)")
_PREGNANT = "LA15173-0"


class Caution(Message):
    """What a rule says of a medicine that a sentence names.

    ``fact`` is what came of the record; None where age or pregnancy decides.
    """

    medicine: str
    text: str
    fact: Fact | None = None
    rule: Rule | None = None


class Group(Message):
    """Facts of one kind; ``warning`` are those that bear on safety, of whatever kind."""

    kind: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Referred:
    """The facts of a referral as the rules read them.

    Attributes:
        chart: a record made of the facts.
        facts: each fact by the reference that was made up for it.
        warnings: facts that bear on safety, as they came.
    """

    chart: Chart
    facts: Mapping[str, Fact]
    warnings: tuple[Fact, ...]


def groups(question: ReferredQuestion) -> list[Group]:
    """The facts that bear on safety, then the others by kind; an unknown kind comes last."""
    found: dict[str, list[Fact]] = {}
    for fact in question.facts:
        kind = fact.kind if fact.kind in KINDS else "other"
        found.setdefault("warning" if fact.warning else kind, []).append(fact)
    order = ["warning", *KINDS, "other"]
    return [Group(kind=kind, facts=tuple(found[kind])) for kind in order if kind in found]


def absent(question: ReferredQuestion) -> list[str]:
    """The kinds of `ASKED_FOR` of which nothing came; that does not mean that there is nothing."""
    came = {fact.kind for fact in question.facts}
    return [kind for kind in ASKED_FOR if kind not in came]


def read_facts(question: ReferredQuestion, today: date) -> Referred:
    """Make the record that the facts describe; its ids mean nothing outside."""
    resources = list(_person(question, today))
    facts: dict[str, Fact] = {}
    for number, fact in enumerate(question.facts):
        resource = _resource(fact, today)
        if resource is not None:
            identity = f"{ENTERED if fact.entered else 'fact-'}{number}"
            facts[f"{resource['resourceType']}/{identity}"] = fact
            resources.append({"id": identity, **resource})
    warned = tuple(fact for fact in question.facts if fact.warning)
    return Referred(Chart(resources, today), facts, warned)


def _person(question: ReferredQuestion, today: date) -> Iterator[dict[str, Any]]:
    person = question.person
    patient: dict[str, Any] = {"resourceType": "Patient", "id": "referred"}
    if person.age_years is not None:
        born = today.replace(year=today.year - person.age_years, day=min(today.day, 28))
        patient["birthDate"] = born.isoformat()
    if person.sex:
        patient["gender"] = person.sex
    yield patient
    if person.pregnant:
        yield {
            "resourceType": "Observation",
            "id": "pregnancy",
            "status": "final",
            "code": {"coding": [{"code": PREGNANCY_STATUS}]},
            "effectiveDateTime": today.isoformat(),
            "valueCodeableConcept": {"coding": [{"code": _PREGNANT}], "text": "Pregnant"},
        }


def _resource(fact: Fact, today: date) -> dict[str, Any] | None:
    """A fact as a resource, as far as the rules need it; None for one that they cannot use."""
    named = {"text": _named(fact)}
    if fact.kind == "allergy":
        return {"resourceType": "AllergyIntolerance", "code": named}
    if fact.kind == "medicine":
        active = "completed" if _PAST.search(fact.text) else "active"
        return {
            "resourceType": "MedicationRequest",
            "status": active,
            "medicationCodeableConcept": named,
        }
    if fact.kind == "condition":
        state = "resolved" if _PAST.search(fact.text) else "active"
        return {
            "resourceType": "Condition",
            "code": named,
            "clinicalStatus": {"coding": [{"code": state}]},
        }
    return _result(fact, today) if fact.kind == "result" else None


def _named(fact: Fact) -> str:
    """What a fact is about, without the sentence around it; the whole where nothing is known."""
    conditions = [words.condition_phrases()]
    medicines = [words.medicine_phrases(), words.class_phrases()]
    tables = conditions if fact.kind == "condition" else medicines
    found = (phrase for table in tables for phrase in table.find(fact.text).values())
    return ", ".join(dict.fromkeys(found)) or fact.text


def _result(fact: Fact, today: date) -> dict[str, Any] | None:
    named = fact.text.partition(":")[0]
    tests = words.data("tests")["tests"]
    test = next((key for key, entry in tests.items() if named in {entry["en"], entry["es"]}), None)
    number = _NUMBER.search(fact.text)
    if test is None or number is None:
        return None
    code = tests[test]["loinc"][0]
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"code": code}], "text": test},
        "effectiveDateTime": fact.date or today.isoformat(),
        "valueQuantity": {"value": float(number[1]), "unit": number[2]},
    }


def cautions(sentence: str, referred: Referred, language: str) -> list[Caution]:
    """What stands in the facts against the medicines that a sentence names, each once.

    Args:
        sentence: of a draft or a reply.
        referred: the facts.
        language: of the reader.
    """
    medicines = words.medicine_phrases().find(sentence)
    classes = words.class_phrases().find(sentence)
    if not medicines and not classes:
        return []
    found = list(_warned(medicines, referred))
    told = {caution.fact.text for caution in found if caution.fact}
    for subject in subjects(medicines, classes, language):
        for warned in warned_of(subject, referred.chart, language):
            ref, _, rule = warned.fact.id.partition("#")
            fact = referred.facts.get(ref)
            if fact is None or fact.text not in told:
                source = warned.source
                found.append(
                    Caution(
                        medicine=subject.called,
                        text=warned.fact.text,
                        fact=fact,
                        rule=Rule(
                            id=rule,
                            source=source.source if source else None,
                            url=source.url if source else None,
                        ),
                    )
                )
    return list({(c.medicine, c.text): c for c in found}.values())


def _warned(medicines: Mapping[str, str], referred: Referred) -> Iterator[Caution]:
    """Warnings that came with the question and name one of the medicines."""
    for fact in referred.warnings:
        named = words.medicine_phrases().find(fact.text)
        for name, phrase in medicines.items():
            if name in named:
                yield Caution(medicine=phrase, text=fact.text, fact=fact)
