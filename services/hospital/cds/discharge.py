"""``encounter-discharge``: plain instructions, drafted from cited passages and from nothing else.

For the diagnoses of the encounter and the active medicines, `quotes` are put into a Communication
that waits to be read (status ``preparation``), each part with its source. Where the knowledge packs
know nothing, nothing is suggested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.bricks.knowledge import Knowledge
from services.consult.record.reading import Condition, codes, label
from services.fhir.cds import Action, Call, Card, Decision, Service, Source, Suggestion
from services.fhir.cds.cards import SUMMARY_CHARS
from services.fhir.cds.markdown import fill, plain, text
from services.fhir.cds.messages import DischargeContext
from services.hospital.cds.quotes import Library, Quote
from services.hospital.cds.record import PatientRecord, read_record
from services.hospital.cds.tables import table
from services.hospital.writing import labels

MOST_TOPICS = 6
OURS = Source(label="Caretier")
PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "encounter": "Encounter/{{context.encounterId}}",
    "conditions": "Condition?patient={{context.patientId}}"
    "&encounter=Encounter/{{context.encounterId}}",
    "medications": "MedicationRequest?patient={{context.patientId}}&status=active",
}
CALLED = {
    "patient": "age and language",
    "encounter": "the encounter",
    "conditions": "diagnoses of the encounter",
    "medications": "active medicines",
}
_CATEGORIES = "http://terminology.hl7.org/CodeSystem/communication-category"
_MARKED = (
    "AI-generated: put together by software from cited passages. Read and change it before it is "
    "given. It was not held against this patient's record."
)
_SPANISH = (
    "The patient's language is Spanish: the frame is Spanish, the quoted sentences are English "
    "and have to be interpreted."
)
KnowledgeOf = Callable[[], Knowledge]


def encounter_discharge(knowledge: KnowledgeOf) -> Service[DischargeContext]:
    """The service.

    Args:
        knowledge: what may be quoted; asked for when it is needed first.
    """
    books = _library(knowledge)
    return Service(
        id="caretier-encounter-discharge",
        hook="encounter-discharge",
        title="Caretier: instructions to take home",
        description=(
            "Drafts plain instructions for the diagnoses of the encounter and the active "
            "medicines, from cited knowledge passages, in English or with a Spanish frame."
        ),
        usage="The suggestion creates a Communication in preparation, labelled as AI-generated.",
        context=DischargeContext,
        prefetch=PREFETCH,
        called=CALLED,
        decide=lambda call: _decide(call, books()),
        silence="info",
    )


def _library(knowledge: KnowledgeOf) -> Callable[[], Library]:
    """The library of the knowledge of now: a topic that was taken back is quoted no more."""
    held: list[tuple[Knowledge, Library]] = []

    def books() -> Library:
        now = knowledge()
        if not held or held[0][0] is not now:
            held[:] = [(now, Library(now))]
        return held[0][1]

    return books


def _decide(call: Call[DischargeContext], books: Library) -> Iterator[Decision]:
    record = read_record(call.gathered, call.today)
    quotes = list(_quotes(call, record, books))[:MOST_TOPICS]
    if not quotes:
        return
    language = record.chart.person.language
    names = ", ".join(quote.name for quote in quotes)
    action = Action(
        type="create",
        description="Keep the instructions as a draft to be read",
        resource=_communication(call, quotes, language),
    )
    card = Card(
        summary=plain(f"Instructions to take home can be drafted: {names}", SUMMARY_CHARS),
        detail=_detail(quotes, language),
        indicator="info",
        source=OURS,
        suggestions=(Suggestion(label="Draft the instructions", actions=(action,)),),
        selection_behavior="at-most-one",
    )
    about = tuple(quote.topic.head.id for quote in quotes)
    yield Decision(card=card, rule="discharge-instructions", about=about)


def _quotes(call: Call[DischargeContext], record: PatientRecord, books: Library) -> Iterator[Quote]:
    age = record.chart.person.age_years
    found = [books.quote("condition", name, age) for name in _diagnoses(call, record)]
    generics = (g for m in record.chart.active_medicines for g in m.generics)
    found += [books.quote("medicine", generic, age) for generic in generics]
    yield from {quote.topic.head.id: quote for quote in found if quote is not None}.values()


def _diagnoses(call: Call[DischargeContext], record: PatientRecord) -> list[str]:
    """What the encounter was for, and what it found; problems of other days are not in it."""
    encounters = [
        resource
        for resource in record.resources
        if resource["resourceType"] == "Encounter"
        and resource.get("id") == call.context.encounter_id
    ]
    reasons = [label(c) for e in encounters for c in e.get("reasonCode", ())]
    pointed = {
        str((d.get("condition") or {}).get("reference", "")).rpartition("Condition/")[2]
        for e in encounters
        for d in e.get("diagnosis", ())
    }
    mine = f"Encounter/{call.context.encounter_id}"
    found = [
        c.name
        for c in record.chart.conditions
        if not c.unconfirmed and _belongs(c, record, pointed, mine)
    ]
    return [name for name in dict.fromkeys([*found, *reasons]) if name]


def _belongs(condition: Condition, record: PatientRecord, pointed: set[str], mine: str) -> bool:
    resource = record.by_ref[condition.ref]
    at = str((resource.get("encounter") or {}).get("reference", ""))
    over = codes(resource.get("clinicalStatus")) & {"inactive", "resolved"}
    return not over and (f"/{at}".endswith(f"/{mine}") or str(resource.get("id")) in pointed)


def _lines(quotes: list[Quote], said: Mapping[str, str]) -> Iterator[str]:
    """The instruction as lines of plain text."""
    yield from (said["title"], "", said["marked"])
    if said["english"]:
        yield said["english"]
    for quote in quotes:
        yield from ("", said[quote.kind].format(name=quote.name))
        yield from (f"- {sentence}" for sentence in quote.sentences)
        for name, url, day in quote.sources:
            yield said["source"].format(name=name, url=url, date=day)
    yield from ("", said["end"])


def _communication(
    call: Call[DischargeContext], quotes: list[Quote], language: str
) -> dict[str, Any]:
    content = "\n".join(_lines(quotes, table("discharge")[language]))
    patient = {"reference": f"Patient/{call.context.patient_id}"}
    return {
        "resourceType": "Communication",
        "meta": {"security": labels.whole()},
        "language": language,
        "status": "preparation",
        "category": [labels.concept(_CATEGORIES, "instruction", "Instruction")],
        "subject": patient,
        "encounter": {"reference": f"Encounter/{call.context.encounter_id}"},
        "recipient": [patient],
        "payload": [{"contentString": content, "_contentString": labels.inline()}],
    }


def _detail(quotes: list[Quote], language: str) -> str:
    lines = [_MARKED, *([_SPANISH] if language == "es" else [])]
    for quote in quotes:
        shown = " ".join(text(sentence, 400) for sentence in quote.sentences)
        lines.append(fill("**{name}**: ", name=quote.name) + shown)
        lines += [f"Source: [{text(name)}]({url}), {day}." for name, url, day in quote.sources]
    return "\n\n".join(lines)
