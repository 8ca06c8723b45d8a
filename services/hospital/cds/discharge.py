"""``encounter-discharge``: plain instructions, drafted from knowledge passages and from nothing else.

For the diagnoses of the encounter and the active medicines, sentences of the knowledge packs are put
into a Communication that waits to be read (status ``preparation``), each part with its source. Only
short sentences are quoted, and of those on an illness none that names a medicine: whether one suits
this patient is not in it. Where the packs know nothing, nothing is suggested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from services.bricks.knowledge import Knowledge, Topic
from services.bricks.words import NameFinder
from services.consult.record import words
from services.consult.record.reading import Condition, codes, label
from services.fhir.cds import Action, Call, Card, Decision, Service, Source, Suggestion
from services.fhir.cds.cards import SUMMARY_CHARS
from services.fhir.cds.markdown import fill, plain, text
from services.fhir.cds.messages import DischargeContext
from services.hospital.cds.record import PatientRecord, read_record
from services.hospital.cds.tables import table
from services.hospital.writing import labels

LONGEST = 24
"""Words of the longest sentence that is quoted, so that it can be read without schooling."""
MOST_TOPICS = 6
ADULT = 18
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
_KINDS = {"condition": {"disease", "symptom"}, "medicine": {"medicine"}}
KnowledgeOf = Callable[[], Knowledge]


def encounter_discharge(knowledge: KnowledgeOf) -> Service[DischargeContext]:
    """The service.

    Args:
        knowledge: what may be quoted; asked for when it is needed first.
    """
    return Service(
        id="caretier-encounter-discharge",
        hook="encounter-discharge",
        title="Caretier: instructions to take home",
        description=(
            "Drafts plain instructions for the diagnoses of the encounter and the active medicines, "
            "from cited knowledge passages, in English or with a Spanish frame."
        ),
        usage="The suggestion creates a Communication in preparation, labelled as made by software.",
        context=DischargeContext,
        prefetch=PREFETCH,
        called=CALLED,
        decide=lambda call: _decide(call, library(knowledge())),
        silence="info",
    )


@dataclass(frozen=True)
class Quote:
    """What is quoted of one topic."""

    kind: str
    name: str
    topic: Topic
    sentences: tuple[str, ...]
    sources: tuple[str, ...]


class Library:
    """The topics of the packs by the names of illnesses and medicines."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._topics = knowledge.by_id
        self._names = NameFinder({t.head.id: t.names for t in knowledge.topics})
        self._qualifiers = frozenset(table("discharge")["qualifiers"])

    def topic(self, name: str, kind: str) -> Topic | None:
        """The one topic that a name means as a whole; None for one that only holds its name."""
        said = words.fold(name).split()
        found = self._names.find(name)
        for mention in found:
            topic = self._topics[mention.topic]
            beside = said[: mention.start] + said[mention.end :]
            whole = mention.exact and set(beside) <= self._qualifiers
            if whole and topic.head.kind in _KINDS[kind]:
                return topic
        return None


@lru_cache(maxsize=2)
def library(knowledge: Knowledge) -> Library:
    """The library of some packs, made once."""
    return Library(knowledge)


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
    adult = (record.chart.person.age_years or ADULT) >= ADULT
    wanted = [("condition", name) for name in _diagnoses(call, record)]
    wanted += [("medicine", g) for m in record.chart.active_medicines for g in m.generics]
    seen: set[str] = set()
    for kind, name in wanted:
        topic = books.topic(name, kind)
        if topic is None or topic.head.id in seen or not _suits(topic, adult=adult):
            continue
        seen.add(topic.head.id)
        quote = _quote(kind, topic)
        if quote is not None:
            yield quote


def _suits(topic: Topic, *, adult: bool) -> bool:
    audience = topic.head.audience
    return audience == "all" or (audience == "adult" and adult) or (
        audience == "child" and not adult
    )  # fmt: skip


def _diagnoses(call: Call[DischargeContext], record: PatientRecord) -> list[str]:
    """What the encounter was for, and what it found; problems of other days are not in it."""
    encounters = [
        r for r in call.gathered.resources.get("encounter", ())
        if r.get("id") == call.context.encounter_id
    ]  # fmt: skip
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


def _quote(kind: str, topic: Topic) -> Quote | None:
    sentences: list[str] = []
    sources: list[str] = []
    for section, most in table("discharge")["sections"][kind].items():
        passage = topic.passage(section)
        if passage is None:
            continue
        fitting = [s for s in passage.sentences if _is_plain(s, kind)][:most]
        sentences += fitting
        if fitting:
            sources.append(_source(passage.source.name, passage.source.url, passage.date))
    unique = tuple(dict.fromkeys(sources))
    return Quote(kind, topic.head.title, topic, tuple(sentences), unique) if sentences else None


def _source(name: str, url: str, date: str) -> str:
    return "\0".join((name, url, date))


def _is_plain(sentence: str, kind: str) -> bool:
    """Whether a sentence is short, and, of an illness, names no medicine."""
    if len(sentence.split()) > LONGEST:
        return False
    named = words.medicine_phrases().find(sentence) or words.class_phrases().find(sentence)
    return kind == "medicine" or not named


def _lines(quotes: list[Quote], said: Mapping[str, str]) -> Iterator[str]:
    """The instruction as lines of plain text."""
    yield from (said["title"], "", said["marked"])
    if said["english"]:
        yield said["english"]
    for quote in quotes:
        yield from ("", said[quote.kind].format(name=quote.name))
        yield from (f"- {sentence}" for sentence in quote.sentences)
        for source in quote.sources:
            name, url, date = source.split("\0")
            yield said["source"].format(name=name, url=url, date=date)
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
        "category": [
            labels.concept(
                "http://terminology.hl7.org/CodeSystem/communication-category",
                "instruction",
                "Instruction",
            )
        ],
        "subject": patient,
        "encounter": {"reference": f"Encounter/{call.context.encounter_id}"},
        "recipient": [patient],
        "payload": [{"contentString": content, "_contentString": labels.inline()}],
    }


def _detail(quotes: list[Quote], language: str) -> str:
    lines = [
        "Made by software from cited passages; read and change it before it is given. "
        "Nothing in it was held against this patient's record.",
    ]
    if language == "es":
        lines.append(
            "The patient's language is Spanish: the frame is Spanish, the quoted sentences are "
            "English and have to be interpreted."
        )
    for quote in quotes:
        shown = " ".join(text(sentence, 400) for sentence in quote.sentences)
        lines.append(fill("**{name}**: ", name=quote.name) + shown)
        for source in quote.sources:
            name, url, date = source.split("\0")
            lines.append(f"Source: [{text(name)}]({url}), {date}.")
    return "\n\n".join(lines)
