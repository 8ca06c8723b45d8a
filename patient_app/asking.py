"""A question on the device: answered here, or offered to the tier above and sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

from pydantic import ValidationError

from compliance.consent import while_permitted
from compliance.deidentify import DeidentificationError
from compliance.errors import BadInputError
from patient_app import withdrawing
from patient_app.disclosure import Discloser
from patient_app.errors import NotLinkedError
from patient_app.medicines.own import all_known
from patient_app.member import Member
from patient_app.trouble import problem_in
from services.consult import children, wording
from services.consult.messages import (
    MAX_QUESTION_CHARS,
    Answer,
    Level,
    Offer,
    Question,
    Sentence,
    Status,
    Step,
    Triage,
    is_entered,
)
from services.consult.node import Node, Outcome
from services.consult.record import words
from services.consult.record.reading import ref_of

Event = Triage | Step | Sentence | Answer


class Means(Protocol):
    """What asking needs of a device; each is loaded when it is first used."""

    @property
    def node(self) -> Node:
        """The consult path with the device's knowledge."""

    @property
    def discloser(self) -> Discloser:
        """Makes previews and sends them."""


class Asking:
    """The consults of a device.

    Args:
        means: of the device.
    """

    def __init__(self, means: Means) -> None:
        self._means = means

    async def ask(
        self,
        member: Member,
        text: str,
        *,
        conversation: str | None = None,
        local_only: bool = False,
    ) -> AsyncGenerator[Event]:
        """Answer a question here, or offer to refer it; the last event is the Answer.

        Under a standing consent that covers the destination the referral is sent at once. A stream
        that runs under one ends when it is withdrawn; what triage says is told all the same.

        Raises:
            BadInputError: the question is empty or too long.
            DisclosureRefusedError: a consent was withdrawn meanwhile; nothing was sent.
        """
        talk = conversation or str(uuid4())
        question = await asyncio.to_thread(question_of, member, text, conversation)
        stay = local_only or member.profile["local_only"]
        stands = (lambda: True) if stay else await asyncio.to_thread(withdrawing.handle, member)
        events = while_permitted(self._means.node.consult(question), stands, spare=_of_triage)
        outcome: Outcome | None = None
        async for event in events:
            if isinstance(event, Outcome):
                outcome = event
            else:
                yield event
        if outcome is None:
            raise BadInputError("The question came to no end.")
        outcome = _told_of_person(outcome, question)
        answer = outcome.answer
        await asyncio.to_thread(_keep, member, question, talk, answer, stay=stay)
        if answer.status is Status.ABSTAINED and outcome.refer_to and not stay:
            answer = await asyncio.to_thread(self._offer, member, question, outcome, talk)
        yield member.shown(answer)

    def _offer(
        self, member: Member, question: Question, outcome: Outcome, conversation: str
    ) -> Answer:
        """Make the preview; where it cannot be made, say so and send nothing."""
        try:
            offer = self._means.discloser.preview(member, question, outcome, conversation)
        except NotLinkedError:
            return outcome.answer
        except DeidentificationError as error:
            remedy = problem_in(error, question.person.language)["remedy"]
            note = f"{outcome.answer.text} {remedy}"
            answer = outcome.answer.model_copy(update={"text": note})
            _keep(member, question, conversation, answer)
            return answer
        destination = Level(offer.disclosure.destination)
        under = member.standing_consent(*offer.disclosure.readers)
        if under is not None:
            # Named, so that one that is withdrawn at this moment is not taken for a "send" now.
            return self._means.discloser.send(member, offer.preview_id, under=under)
        told = f"{outcome.answer.text} {wording.offer(destination, question.person.language)}"
        answer = outcome.answer.model_copy(update={"offer": offer, "text": told})
        _keep(member, question, conversation, answer)
        return answer

    async def preview(
        self,
        member: Member,
        text: str,
        conversation: str | None = None,
        consult: str | None = None,
    ) -> Offer:
        """What would leave for a question, whether or not the device could answer it.

        ``consult``: the one in which it was asked. It is that question then, not another one that
        follows it, so that it does not leave twice and stands once in the history.
        """
        again = await asyncio.to_thread(_asked_before, member, consult, text)
        talk = again["conversation"] if again else conversation or str(uuid4())
        question = await asyncio.to_thread(
            question_of, member, text, talk if again else conversation, consult if again else None
        )
        outcome: Outcome | None = None
        async for event in self._means.node.consult(question):
            outcome = event if isinstance(event, Outcome) else outcome
        if outcome is None:
            raise BadInputError("The question came to no end.")
        if again is None:
            await asyncio.to_thread(_keep, member, question, talk, outcome.answer)
        return await asyncio.to_thread(
            self._means.discloser.preview, member, question, outcome, talk
        )


def _told_of_person(outcome: Outcome, question: Question) -> Outcome:
    """Let an answer tell that no record was there to hold it against, or medicines alone.

    And that it is for a child, where it speaks of a medicine: a warning on everything is read by
    nobody.
    """
    child = children.meant(question.text, question.person)
    medicines = child and words.medicine_phrases().find(f"{question.text} {outcome.answer.text}")
    own = all(is_entered(ref_of(one)) for one in question.record)
    known = {
        "empty": not question.record,
        "listed": own and bool(question.record),
        "child": bool(medicines),
    }
    if not any(known.values()):
        return outcome
    step = Step(step="person", ms=0.0, detail=known)
    answer = outcome.answer.model_copy(update={"trace": (*outcome.answer.trace, step)})
    return replace(outcome, answer=answer)


def _asked_before(member: Member, consult: str | None, text: str) -> dict[str, Any] | None:
    """The consult in which this was asked and from which nothing left yet; None: there is none."""
    kept: dict[str, Any] | None = member.vault.get("consult", consult) if consult else None
    if kept is None or kept["question"] != text or kept["answer"].get("disclosure"):
        return None
    return kept


def question_of(
    member: Member, text: str, conversation: str | None, consult: str | None = None
) -> Question:
    """A question with what is known of the person: their record, and the medicines they entered.

    ``consult``: the one that it belongs to.

    Raises:
        BadInputError: it is empty, too long, or cannot be read.
    """
    if not text.strip():
        raise BadInputError("The question is empty.")
    if len(text) > MAX_QUESTION_CHARS:
        raise BadInputError(f"A question has at most {MAX_QUESTION_CHARS} characters.")
    try:
        return Question(
            **({"id": consult} if consult else {}),
            text=text,
            person=member.person(),
            history=member.history(conversation, before=consult),
            record=tuple(all_known(member)),
            asked=datetime.now(UTC).date(),
        )
    except ValidationError:
        raise BadInputError("The question cannot be read.") from None


def _of_triage(event: Event | Outcome) -> bool:
    """Whether an event is what triage says, which no withdrawal holds back."""
    emergency = isinstance(event, Outcome) and event.answer.status is Status.EMERGENCY
    return emergency or isinstance(event, Triage)


def _keep(
    member: Member, question: Question, conversation: str, answer: Answer, *, stay: bool = False
) -> None:
    """Write a consult down; ``stay``: nothing of it may leave, not what is said of it either."""
    with member.vault.write() as tx:
        kept = tx.get("consult", question.id)
        tx.put(
            "consult",
            question.id,
            {
                "question": question.text,
                "asked": kept["asked"] if kept else datetime.now(UTC).isoformat(),
                "conversation": conversation,
                "answer": answer.model_dump(mode="json"),
                "local_only": stay,
            },
        )
