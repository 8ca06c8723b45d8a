"""Opening a referral: its question is drafted upon, and both are laid on the clinicians' desk."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from compliance.audit import Agent
from compliance.consent import while_permitted
from compliance.errors import DisclosureRefusedError
from services.consult.messages import Answer, Level, Question
from services.consult.node import Node, Outcome
from services.exchange.errors import ReferralRefusedError
from services.exchange.intake import Intake
from services.exchange.keys import NodeKeys
from services.exchange.messages import Envelope, ReferredQuestion
from services.exchange.models import StoredParcel
from services.exchange.sealed import open_sealed
from services.exchange.signals import SignalIntake
from services.hospital.desk import URGENCY_RANK, Desk, answered
from services.hospital.jobs import Jobs, Taken
from services.hospital.models import Referral
from services.learning.signals import SentSignal
from services.store.database import Database


class Opening:
    """Opens referrals that came in.

    Args:
        database: of the hospital.
        jobs: whose job is finished in the transaction that lays a referral on the desk.
        intake: that took the referral, and knows whether it is still wanted.
        desk: that seals what lies on it.
        keys: of the hospital; they open the envelope.
        node: gives the consult path that drafts an answer.
        signals: keeps what is no question, but what a person said of an answer.
    """

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        *,
        intake: Intake,
        desk: Desk,
        keys: NodeKeys,
        node: Callable[[], Node],
        signals: SignalIntake,
    ) -> None:
        self._database, self._jobs = database, jobs
        self._intake, self._desk, self._keys, self._node = intake, desk, keys, node
        self._signals = signals

    async def open(self, taken: Taken) -> None:
        """Open a referral, draft an answer, and lay both on the desk (a `JobHandler`)."""
        with self._database.reading() as session:
            row = session.get_one(StoredParcel, taken.subject)
        if not self._intake.is_wanted(row.id):
            self._finish(taken)
            return
        kept = self._desk.open(row.id, "envelope", row.envelope)
        envelope = Envelope.model_validate_json(kept)
        try:
            opened = open_sealed(envelope, self._keys.sealing, Level.HOSPITAL)
            if isinstance(opened, SentSignal):
                self._signals.take(envelope, opened)
                self._finish(taken)
                return
        except ReferralRefusedError as error:
            self._intake.refused(row.id, error.message)
            self._finish(taken)
            return
        try:
            draft = await self._draft(opened.question)
        except DisclosureRefusedError:  # withdrawn meanwhile: nothing is laid on the desk
            self._finish(taken)
            return
        self._intake.record(
            "read",
            envelope,
            source=Level.CLINIC,
            destination=Level.HOSPITAL,
            model=Agent("model", draft.model.name),
        )
        if not self._intake.is_wanted(row.id):
            self._finish(taken)
            return
        self._lay(taken, self._referral(row, opened.question, draft))

    def _lay(self, taken: Taken, referral: Referral) -> None:
        with self._database.transaction() as session:
            if not self._jobs.finish(session, taken):
                return  # another worker was given the job meanwhile; its result counts
            if session.get(Referral, referral.id) is None:
                session.add(referral)

    def _finish(self, taken: Taken) -> None:
        with self._database.transaction() as session:
            self._jobs.finish(session, taken)

    def _referral(self, row: StoredParcel, question: ReferredQuestion, draft: Answer) -> Referral:
        urgency = min(question.urgency, draft.triage.level, key=lambda u: URGENCY_RANK.get(u, 9))
        return Referral(
            id=row.id,
            urgency=urgency,
            urgency_rank=URGENCY_RANK.get(urgency, 9),
            reason=question.reason,
            question=self._desk.seal(row.id, "question", question.model_dump_json()),
            draft=self._desk.seal(row.id, "draft", draft.model_dump_json()),
            state="open",
            language=question.person.language,
            drafted=answered(draft),
            received=row.received,
        )

    async def _draft(self, asked: ReferredQuestion) -> Answer:
        question = Question(
            id=asked.referral,
            text=asked.text,
            person=asked.person,
            history=asked.history,
            facts=asked.facts,
            asked=datetime.now(UTC).date(),
        )
        wanted = partial(self._intake.is_wanted, asked.referral)
        outcome: Outcome | None = None
        node = self._node()
        await to_thread(node.refresh)  # a worker has no loop that follows what is in use
        async for event in while_permitted(node.consult(question), wanted):
            if isinstance(event, Outcome):
                outcome = event
        if outcome is None:
            raise ReferralRefusedError("The consult came to no end.")
        return outcome.answer
