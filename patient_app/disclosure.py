"""Disclosure: what would leave, shown before it leaves, and let go only on the person's word.

    de-identify → preview → consent → receipt → seal → audit → outbox (one transaction)

Each step that fails ends it: nothing has left then, and the question is still there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from compliance.audit import AuditTrail
from compliance.consent import Consent, one_time, standing
from compliance.deidentify import Deidentifier, PlaceholderMap
from compliance.errors import DisclosureRefusedError, NotFoundError
from compliance.sealing import SealingKey
from compliance.sealing.encoding import to_text
from patient_app.leaving import Leaving, Masker, release
from patient_app.medicines.own import all_known
from patient_app.member import Member
from patient_app.saying import as_said, in_words
from services.consult import wording
from services.consult.messages import (
    ENTERED,
    Answer,
    Disclosure,
    Fact,
    Level,
    Offer,
    Person,
    Question,
    Status,
    Turn,
)
from services.consult.node import Outcome
from services.consult.record import Record
from services.exchange.messages import ReferredQuestion

PREVIEW_VALIDITY = timedelta(hours=24)
OLDEST_AGE = 90
"""Ages over 89 cross as 90 (45 CFR 164.514(b)(2)(i)(C))."""
MAX_FACTS = 12
_READERS: dict[Level, tuple[Literal[Level.CLINIC, Level.HOSPITAL], ...]] = {
    Level.CLINIC: (Level.CLINIC, Level.HOSPITAL),
    Level.HOSPITAL: (Level.HOSPITAL,),
}


@dataclass(frozen=True)
class Prepared:
    """A preview with what is needed to send it; kept in the vault until sent or expired."""

    offer: Offer
    kept: dict[str, Any]


class Discloser:
    """Makes previews and sends them.

    Args:
        deidentifier: masks every text that would leave.
        audit: the device's trail; a crossing that cannot be written does not happen.
    """

    def __init__(self, deidentifier: Deidentifier, audit: AuditTrail) -> None:
        self._deidentifier, self.audit = deidentifier, audit

    @property
    def deidentifier(self) -> Deidentifier:
        """What masks; it also judges whether a mask may come off (`patient_app.redacting`)."""
        return self._deidentifier

    @property
    def detector(self) -> str:
        """Version of what masks."""
        return self._deidentifier.version

    def masker(self, member: Member, language: Any, mapping: PlaceholderMap) -> Masker:
        """What masks every text that leaves together."""
        return Masker(self._deidentifier, member, language, mapping)

    def preview(
        self, member: Member, question: Question, outcome: Outcome, conversation: str
    ) -> Offer:
        """Mask a question and keep it as a preview.

        Raises:
            DeidentificationError: it could not be masked for certain; nothing is kept.
            NotLinkedError: there is no clinic to send it to.
        """
        _url, bundles = member.link()
        wanted = outcome.refer_to or Level.CLINIC
        destination = wanted if wanted in bundles else Level.CLINIC
        readers = tuple(r for r in _READERS[destination] if r in bundles)
        mapping = member.placeholder_map(conversation)
        language = question.person.language
        masked = self.masker(member, language, mapping)
        reply_key = SealingKey.generate()
        referred = ReferredQuestion(
            referral=question.id,
            text=masked(question.text),
            person=_travelling(question.person),
            history=tuple(Turn(role=t.role, text=masked(t.text)) for t in question.history),
            facts=_travelling_facts(_facts(member, question), masked),
            urgency=outcome.answer.triage.level,
            reason=outcome.reason or "not-covered",
            reply_to=reply_key.public.to_text(),
            learning=_learning(member, readers),
        )
        text = in_words(referred)
        disclosure = Disclosure(
            text=text,
            destination=destination,
            readers=readers,
            placeholders={k: v for k, v in mapping.placeholders().items() if k in text},
            bytes=len(referred.model_dump_json().encode()),
        )
        id_ = str(uuid4())
        offer = Offer(
            preview_id=id_, disclosure=disclosure, reason=wording.offer(destination, language)
        )
        with member.vault.write() as tx:
            tx.put("map", conversation, mapping.to_json())
            tx.put(
                "preview",
                id_,
                {
                    "consult": question.id,
                    "conversation": conversation,
                    "payload": referred.model_dump_json(),
                    "reply_key": to_text(reply_key.to_bytes()),
                    "disclosure": disclosure.model_dump(mode="json"),
                    "detector": self.detector,
                    "made": datetime.now(UTC).isoformat(),
                },
            )
        return offer

    def send(
        self,
        member: Member,
        preview_id: str,
        *,
        remember: bool = False,
        under: Consent | None = None,
    ) -> Answer:
        """Let a preview leave: into the outbox, on its way with the next beat of the courier.

        Sending the same preview twice sends it once.

        Args:
            member: whose it is.
            preview_id: from the offer.
            remember: also give a standing consent for this destination.
            under: the standing consent that covers it; None when the person says "send" just now,
                which gives one.

        Raises:
            NotFoundError: no such preview, or it is older than a day.
            DisclosureRefusedError, AuditError, NotLinkedError: nothing was sent.
        """
        preview = member.vault.get("preview", preview_id)
        if preview is None:
            raise NotFoundError("There is no such preview, or it was sent already.")
        now = datetime.now(UTC)
        if datetime.fromisoformat(preview["made"]) + PREVIEW_VALIDITY < now:
            raise NotFoundError("The preview has expired.", remedy="Ask the question again.")
        shown = Disclosure.model_validate(preview["disclosure"])
        destination = Level(shown.destination)
        consent = under or _consent(member, shown.readers, now, remember=remember)
        sealed = self._seal(member, preview, shown, consent, now)
        disclosure = shown.model_copy(update={"receipt": sealed["receipt"]})
        asked = member.vault.get("consult", preview["consult"])
        answer = _queued(Answer.model_validate(asked["answer"]), disclosure)
        entry = {
            "consult": preview["consult"],
            "time": now.isoformat(),
            "destination": destination,
            "readers": list(shown.readers),
            "text": shown.text,
            "said": as_said(ReferredQuestion.model_validate_json(preview["payload"])),
            "consent": consent.id,
            "bytes": shown.bytes,
            "state": "queued",
        }
        with member.vault.write() as tx:
            if tx.get("preview", preview_id) is None:
                return Answer.model_validate(tx.get("consult", preview["consult"])["answer"])
            held = tx.get("consent", consent.id)
            given = consent if held is None else Consent.model_validate(held)
            lost = under is not None and held is None
            if lost or not all(given.permits("treatment", r, now) for r in shown.readers):
                raise DisclosureRefusedError("The consent was withdrawn.")
            tx.delete("preview", preview_id)
            tx.put("consent", given.id, given.model_dump(mode="json"))
            tx.put("ledger", sealed["receipt"], entry)
            tx.put("outbox", preview["consult"], sealed)
            tx.put(
                "consult", preview["consult"], {**asked, "answer": answer.model_dump(mode="json")}
            )
        return answer

    def _seal(
        self,
        member: Member,
        preview: dict[str, Any],
        shown: Disclosure,
        consent: Consent,
        now: datetime,
    ) -> dict[str, Any]:
        """Receipt, seal and audit; returns the outbox row."""
        leaving = Leaving(
            id=preview["consult"],
            payload=preview["payload"],
            detector=preview["detector"],
            consent=consent.id,
            destination=Level(shown.destination),
            readers=shown.readers,
        )
        row = release(member, self.audit, leaving, now)
        return row | {k: preview[k] for k in ("reply_key", "conversation")}


def _learning(member: Member, readers: tuple[str, ...]) -> str | None:
    """The consent under which the hospital may learn from what it reads."""
    given = member.learning_consent(Level.HOSPITAL) if Level.HOSPITAL in readers else None
    return given.id if given else None


def _travelling(person: Person) -> Person:
    age = person.age_years
    return person.model_copy(update={"age_years": min(age, OLDEST_AGE) if age else age})


def _facts(member: Member, question: Question) -> list[Fact]:
    """What bears on a question: of the record, and the person's own list of medicines, whole.

    A list that was cut would be taken for all that is taken.
    """
    known = all_known(member)
    if not known:
        return []
    record = Record(known, today=datetime.now(UTC).date())
    asked = question.text, question.person.language
    facts = record.facts_for(*asked)[:MAX_FACTS]
    told = {fact.id for fact in facts}
    return [*facts, *(one for one in record.entered_for(*asked) if one.id not in told)]


def _travelling_facts(facts: list[Fact], masked: Masker) -> tuple[Fact, ...]:
    """Facts without their references and with their years only: both could tell who it is.

    What the person entered stays marked as that, with its place among the facts.
    """
    return tuple(
        Fact(
            id=f"{kind}/{ENTERED}{number}" if fact.entered else kind,
            kind=fact.kind,
            text=masked(fact.text),
            date=fact.date[:4] if fact.date else None,
            warning=fact.warning,
        )
        for number, fact in enumerate(facts, 1)
        for kind in [fact.id.partition("/")[0]]
    )


def _consent(member: Member, readers: tuple[str, ...], now: datetime, *, remember: bool) -> Consent:
    """The standing consent that covers it, or the one that sending gives."""
    existing = member.standing_consent(*readers)
    if existing is not None:
        return existing
    if remember:
        return standing(destinations=readers, now=now)
    return one_time(destinations=readers, now=now)


def _queued(answer: Answer, disclosure: Disclosure) -> Answer:
    changes = {"status": Status.QUEUED, "disclosure": disclosure, "offer": None}
    return answer.model_copy(update=changes)
