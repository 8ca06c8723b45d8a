"""A signed reply as FHIR: the Communication, and the Provenance of its words.

A reply is a message from one person to another, so it is a Communication; a DocumentReference would
be right for something that stands by itself, a model card for instance. Its payload is the signed
text as a whole, character by character, since a reader must not have to put a reply together; the
label on that one element says that AI had a part in it, and the rest (who, when, about whom) has
none. The referral is no resource here, so ``inResponseTo`` names it by its identifier, and there is
no ``basedOn``: nothing in the record asked for the reply.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.consult.messages import OWN_LIST, OWN_RECORD, Answer, Citation
from services.hospital.audited import PORTAL
from services.hospital.desk import DeskItem
from services.hospital.models import User
from services.hospital.writing import labels
from services.hospital.writing.influence import Influence
from services.hospital.writing.machines import Resource
from services.hospital.writing.narrative import narrative, paragraphs

REFERRAL = "urn:caretier:referral"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_PRIORITY = {"emergency": "stat", "urgent": "urgent"}
_NOTES = {
    "en": "Drafted with software, read and signed by a clinician.",
    "es": "Redactado con ayuda de un programa; leído y firmado por un profesional clínico.",
}


@dataclass(frozen=True)
class Reply:
    """A reply that is to be filed.

    Attributes:
        item: the referral that it answers.
        text: what is signed.
        patient: logical id of the Patient.
        user: who signs.
        signed: when.
        influence: what of the text is the draft's.
    """

    item: DeskItem
    text: str
    patient: str
    user: User
    signed: datetime
    influence: Influence

    @property
    def id(self) -> str:
        """Logical id of the Communication: one referral is filed once."""
        return f"reply-{self.item.id}"

    @property
    def draft(self) -> Answer | None:
        """The draft, if the text owes anything to it."""
        return self.item.draft if self.influence.any else None


def person(user: User) -> dict[str, Any]:
    """The reference to who signs: their entry in the record, else the account by identifier."""
    entries = [one for one in (user.acts_as or "").split() if one.startswith("Practitioner/")]
    if entries:
        return {"reference": entries[0], "display": user.display_name}
    return {
        "type": "Practitioner",
        "identifier": {"system": "urn:caretier:person", "value": user.id},
        "display": user.display_name,
    }


def communication(reply: Reply) -> Resource:
    """The reply itself."""
    language = reply.item.question.person.language
    drafted = reply.draft is not None
    payload: Resource = {"contentString": reply.text}
    made: Resource = {
        "resourceType": "Communication",
        "id": reply.id,
        "language": language,
        "text": narrative(paragraphs(reply.text), _NOTES[language] if drafted else ""),
        "identifier": [{"system": REFERRAL, "value": reply.item.id}],
        "inResponseTo": [{"identifier": {"system": REFERRAL, "value": reply.item.id}}],
        "status": "completed",
        "priority": _PRIORITY.get(reply.item.urgency, "routine"),
        "subject": {"reference": f"Patient/{reply.patient}"},
        "sent": reply.signed.isoformat(),
        "recipient": [{"reference": f"Patient/{reply.patient}"}],
        "sender": person(reply.user),
        "payload": [payload],
    }
    if drafted:
        made["meta"] = {"security": labels.in_part()}
        payload["_contentString"] = labels.inline()
    return made


def provenance(reply: Reply, device: Resource | None, cards: Sequence[Resource]) -> Resource:
    """Where the words come from.

    Args:
        reply: what is filed.
        device: of the model; None for a text that owes nothing to it.
        cards: of the model.
    """
    target: Resource = {"reference": f"Communication/{reply.id}"}
    made: Resource = {
        "resourceType": "Provenance",
        "id": f"{reply.id}-signed",
        "target": [target],
        "occurredDateTime": reply.signed.isoformat(),
        "recorded": reply.signed.isoformat(),
        "reason": [labels.concept(_REASON, "TREAT", "treatment")],
        "activity": labels.concept(_OPERATION, "CREATE", "create"),
        "agent": list(_agents(reply, device)),
    }
    if device is not None:
        path = {"url": labels.TARGET_PATH, "valueString": "Communication.payload.content"}
        target["extension"] = [path]
        made["meta"] = {"profile": [labels.AI_PROVENANCE]}
        made["reason"].append(labels.concept(labels.AIAST["system"], labels.AIAST["code"]))
        entities = [*_sources(reply), *map(_card, cards)]
        made |= {"entity": entities} if entities else {}
    return made


def withdrawal(communication: Resource, user: User, why: str, now: datetime) -> list[Resource]:
    """The reply as entered in error, and the Provenance of that.

    Args:
        communication: as it stands in the record.
        user: who withdraws it.
        why: in their own words.
        now: the moment.
    """
    identity = communication["id"]
    note = {
        "resourceType": "Provenance",
        "id": f"{identity}-withdrawn",
        "target": [{"reference": f"Communication/{identity}"}],
        "occurredDateTime": now.isoformat(),
        "recorded": now.isoformat(),
        "reason": [{"text": why}],
        "activity": labels.concept(_OPERATION, "NULLIFY", "nullify"),
        "agent": [_agent("author", person(user)), _application()],
    }
    return [communication | {"status": "entered-in-error"}, note]


def _agents(reply: Reply, device: Resource | None) -> Iterator[Resource]:
    who = person(reply.user)
    if reply.influence.own:
        yield _agent("author", who)
    if device is not None:
        yield _agent("verifier", who)
        machine = {"reference": f"Device/{device['id']}"}
        role = labels.concept(labels.DEVICE_TYPES, "Artificial-Intelligence")
        yield _agent("author", machine) | {"role": [role]}
    yield _application()


def _application() -> Resource:
    return _agent("assembler", {"reference": f"Device/{PORTAL.id}"})


def _agent(code: str, who: Resource) -> Resource:
    return {"type": labels.concept(_PARTICIPANT, code), "who": who}


def _sources(reply: Reply) -> Iterator[Resource]:
    """What the draft's sentences in the text were quoted from."""
    draft = reply.draft
    if draft is None:
        return
    kept = reply.influence.kept or range(len(draft.sentences))
    used = {c for i in kept for c in draft.sentences[i].citations}
    for citation in draft.citations:
        if citation.id in used:
            yield {"role": _role(citation), "what": _what(citation)}


def _role(citation: Citation) -> str:
    return "source" if citation.source in {OWN_RECORD, OWN_LIST} else "quotation"


def _what(citation: Citation) -> Resource:
    """By identifier: passages are no resources, and facts came without saying whose they are."""
    parts = (citation.title, citation.source, citation.date)
    return {
        "identifier": {"system": "urn:caretier:source", "value": citation.id},
        "display": ", ".join(part for part in parts if part),
    }


def _card(card: Resource) -> Resource:
    return {"role": "derivation", "what": {"reference": f"DocumentReference/{card['id']}"}}
