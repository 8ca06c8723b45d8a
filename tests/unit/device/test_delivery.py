"""Delivery: the outbox outlives dead links, damaged replies and killed processes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.exchange import an_answer

from compliance.audit import AuditError
from compliance.errors import NotFoundError
from patient_app.delivery import Delivery
from services.consult.messages import Answer, Citation, Level, Sentence, Status
from services.exchange.errors import LinkDownError, ReferralRefusedError
from services.exchange.messages import Envelope, Parcel, ParcelState
from services.exchange.sealed import open_question, seal_reply

TEXT = "My name is Ana Ruiz. What is lupus?"


class FakeLink:
    """A clinic that keeps what it is sent and says what it is told."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.fails: Exception | None = None
        self.parcel: Parcel | None = None

    async def send(self, envelope: Envelope) -> Parcel:
        if self.fails:
            raise self.fails
        self.sent.append(envelope.id)
        return Parcel(id=envelope.id, state=ParcelState.RECEIVED)

    async def fetch(self, id_: str) -> Parcel:
        if self.fails:
            raise self.fails
        return self.parcel or Parcel(id=id_, state=ParcelState.RECEIVED)

    async def close(self) -> None:
        return None


class Way:
    """One referral on its way."""

    def __init__(self, member, discloser, abstained, audit, to=Level.CLINIC) -> None:
        self.member, self.link = member, FakeLink()
        asked, end = abstained(member, TEXT, to=to)
        offer = discloser.preview(member, asked, end, "talk")
        self.id = discloser.send(member, offer.preview_id).id
        self.envelope = Envelope.model_validate_json(self.row["envelope"])
        self.delivery = Delivery(member, audit, self.link)

    @property
    def row(self):
        return self.member.vault.get("outbox", self.id)

    @property
    def answer(self) -> Answer:
        return Answer.model_validate(self.member.vault.get("consult", self.id)["answer"])

    @property
    def ledger(self) -> str:
        return self.member.vault.items("ledger")[0][1]["state"]

    async def beat(self, **changes) -> bool:
        """Let everything be due, and carry once."""
        if self.row is not None:
            with self.member.vault.write() as tx:
                due = datetime.now(UTC).isoformat()
                tx.put("outbox", self.id, {**self.row, "due": due, **changes})
        return await self.delivery.once()

    def replied(self, keys, text: str, by=Level.CLINIC, **changes) -> None:
        """Let the clinic hold a reply."""
        question = open_question(self.envelope, keys.sealing, by).question
        sealed = seal_reply(
            an_answer(self.id, text=text, tier=by, **changes),
            referral=self.id,
            by=by,
            identity=keys.identity,
            reply_to=question.reply_to,
        )
        self.link.parcel = Parcel(id=self.id, state=ParcelState.ANSWERED, reply=sealed)


@pytest.fixture
def way(member, discloser, abstained, audit):
    return Way(member, discloser, abstained, audit)


async def test_a_referral_is_sent_and_then_waited_for(way):
    await way.beat()
    assert way.link.sent == [way.id]
    assert way.row["state"] == "sent"
    assert (way.answer.status, way.answer.degraded_from) == (Status.REFERRED, None)
    assert way.ledger == "referred"
    await way.beat()
    assert way.link.sent == [way.id]


async def test_the_answer_is_opened_reidentified_and_kept(way, clinic, audit):
    placeholder = next(iter(way.answer.disclosure.placeholders))
    await way.beat()
    said = f"Dear {placeholder}, lupus is a disease."
    way.replied(
        clinic,
        said,
        sentences=(Sentence(text=said, citations=("lupus#what",)),),
        citations=(Citation(id="lupus#what", title="Lupus", source="M", quote=said),),
    )
    await way.beat()
    assert way.row is None
    assert way.answer.text == "Dear Ana Ruiz, lupus is a disease."
    assert way.answer.sentences[0].text == way.answer.citations[0].quote == way.answer.text
    assert way.answer.status is Status.ANSWERED
    assert way.answer.disclosure.receipt
    assert way.ledger == "answered"
    assert "Ana" not in str(list(audit.records()))


async def test_a_dead_link_keeps_it_and_says_what_is_missing(way):
    way.link.fails = LinkDownError("down")
    await way.beat()
    assert way.row["state"] == "outgoing"
    assert way.row["attempts"] == 1
    assert way.row["due"] > datetime.now(UTC).isoformat()
    assert way.answer.status is Status.QUEUED
    assert way.answer.degraded_from is Level.CLINIC
    assert await way.delivery.once() is False
    way.link.fails = None
    await way.beat()
    assert (way.answer.status, way.answer.degraded_from) == (Status.REFERRED, None)


async def test_what_waits_at_the_clinic_for_a_dead_hospital_says_so(
    member, discloser, abstained, audit
):
    way = Way(member, discloser, abstained, audit, to=Level.HOSPITAL)
    await way.beat()
    await way.beat()
    assert (way.answer.status, way.answer.degraded_from) == (Status.QUEUED, Level.HOSPITAL)
    way.link.parcel = Parcel(id=way.id, state=ParcelState.RELAYED)
    await way.beat()
    assert (way.answer.status, way.answer.degraded_from) == (Status.REFERRED, None)


@pytest.mark.parametrize(
    "text", ["Dear [PERSON-99], rest.", "Dear [PERSONA-1], rest.", "On [DATE-42] rest."]
)
async def test_a_placeholder_that_was_never_given_out_is_rejected(way, clinic, text):
    await way.beat()
    way.replied(clinic, text)
    await way.beat()
    assert way.answer.status is Status.ABSTAINED
    assert "not shown" in way.answer.text
    assert "rest" not in way.answer.text
    assert way.row is None


async def test_a_reply_by_a_tier_that_was_not_asked_is_not_shown(  # noqa: PLR0917 - fixtures
    member, discloser, abstained, audit, clinic, hospital
):
    way = Way(member, discloser, abstained, audit, to=Level.HOSPITAL)
    question = open_question(way.envelope, hospital.sealing, Level.HOSPITAL).question
    sealed = seal_reply(
        an_answer(way.id, text="Take more."),
        referral=way.id,
        by=Level.CLINIC,
        identity=clinic.identity,
        reply_to=question.reply_to,
    )
    await way.beat()
    way.link.parcel = Parcel(id=way.id, state=ParcelState.ANSWERED, reply=sealed)
    await way.beat()
    assert way.answer.status is Status.ABSTAINED
    assert "Take more" not in way.answer.text


@pytest.mark.parametrize("reply", ["", "AAAA", "garbage"])
async def test_a_reply_that_cannot_be_opened_is_not_shown(way, reply):
    await way.beat()
    way.link.parcel = Parcel(id=way.id, state=ParcelState.ANSWERED, reply=reply)
    await way.beat()
    assert way.answer.status is Status.ABSTAINED


async def test_a_refusal_by_the_clinic_is_told(way):
    way.link.fails = ReferralRefusedError("no")
    await way.beat()
    assert way.answer.status is Status.ABSTAINED
    assert "could not take" in way.answer.text
    assert way.row is None


async def test_a_refusal_while_waiting_is_told(way):
    await way.beat()
    way.link.parcel = Parcel(id=way.id, state=ParcelState.REFUSED)
    await way.beat()
    assert way.answer.status is Status.ABSTAINED


async def test_what_the_clinic_lost_is_sent_again(way):
    await way.beat()
    way.link.fails = NotFoundError("lost")
    await way.beat()
    way.link.fails = None
    await way.beat()
    assert way.link.sent == [way.id, way.id]


async def test_an_answer_that_cannot_be_written_down_waits_and_is_not_lost(
    way, clinic, audit, monkeypatch
):
    await way.beat()
    way.replied(clinic, "Lupus is a disease.")

    def full(_event):
        raise AuditError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(audit, "record", full)
        await way.beat()
    assert way.row is not None
    assert way.answer.status is Status.REFERRED
    await way.beat()
    assert way.answer.text == "Lupus is a disease."


async def test_killed_after_sending_it_is_sent_again_under_the_same_id(way):
    row = way.row
    await way.link.send(way.envelope)  # the clinic has it; the process died before writing that
    assert way.row == row
    await way.beat()
    assert way.link.sent == [way.id, way.id]
    assert way.row["state"] == "sent"


async def test_killed_before_the_answer_is_written_it_is_written_later_once(
    way, clinic, member, audit
):
    await way.beat()
    way.replied(clinic, "Lupus is a disease.")
    row = way.row
    await way.beat()
    again = Delivery(member, audit, way.link)
    await again._fetch(way.id, row)  # the process that was killed held this row
    assert way.answer.text == "Lupus is a disease."
    assert way.row is None


async def test_what_was_withdrawn_meanwhile_is_not_put_back(way):
    row = way.row
    with way.member.vault.write() as tx:
        tx.delete("outbox", way.id)
    way.delivery._taken(way.id, row, Parcel(id=way.id, state=ParcelState.RECEIVED))
    way.delivery._later(way.id, row)
    assert way.row is None
