"""What the hospital learns from at home: its clinicians' edits, and what came of its cards.

A signed reply becomes a job in the transaction that signs it, where the hospital switched that on.
The job compares draft and reply. Words are kept only under the patient's consent for learning, and
the clinician's are de-identified first; without a consent it is counted that a draft was changed,
and nothing of it is kept. Cards come from their ledger, which names nobody; they have a domain of
their own, since no training changes a rule.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from compliance.deidentify import DeidentificationError, PlaceholderMap
from compliance.errors import NotFoundError
from services.consult.messages import Status
from services.exchange.models import StoredParcel
from services.exchange.signals import SignalIntake
from services.hospital.cds.ledger import CardLedger
from services.hospital.desk import Desk, DeskItem
from services.hospital.errors import UnreadableError
from services.hospital.jobs import JobHandler, Jobs, Taken, add_job
from services.hospital.writing.influence import influence
from services.learning.models import Signal
from services.learning.signals import GENERAL, keep
from services.learning.signals.book import EDIT
from services.store.database import Database

if TYPE_CHECKING:
    from compliance.deidentify import Deidentifier

JOB = "learn-edit"
CARDS = "decision-support"
"""Domain of what came of cards."""
OURS = "purpose:HQUALIMP"
"""Stands for a consent where nothing of a person is kept."""
OVERLAP = timedelta(minutes=5)
"""Feedback that was written down at the same time as what was gathered last is looked at again."""
CLOCK_SECONDS = 60.0
_LOG = logging.getLogger("caretier.hospital")


def _load() -> Deidentifier:
    from compliance.deidentify import Deidentifier

    return Deidentifier.load()


class HospitalSignals:
    """Makes signals of what happens at this hospital.

    Args:
        database: of the hospital.
        jobs: whose job is finished in the transaction that keeps a signal.
        desk: with the signed replies.
        taken: keeps what devices send, and knows which consents were withdrawn.
        cards: the ledger of decision support.
        edits: whether clinicians' edits are learned from.
        detector: gives what de-identifies; loaded when it is needed first.
    """

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        *,
        desk: Desk,
        taken: SignalIntake,
        cards: CardLedger,
        edits: bool,
        detector: Callable[[], Deidentifier] = _load,
    ) -> None:
        self._database, self._jobs, self._desk, self._taken = database, jobs, desk, taken
        self._cards, self._detector = cards, cache(detector)
        if edits:
            desk.on_signed = lambda session, referral: add_job(session, JOB, referral)

    @property
    def handlers(self) -> dict[str, JobHandler]:
        """What does the jobs."""
        return {JOB: self._learn}

    async def _learn(self, taken: Taken) -> None:
        """Make a signal of a signed reply."""
        signal = await asyncio.to_thread(self._of_reply, taken.subject)
        await asyncio.to_thread(self._keep, taken, signal)

    def _keep(self, taken: Taken, signal: Signal | None) -> None:
        with self._database.transaction() as session:
            if self._jobs.finish(session, taken) and signal is not None:
                keep(session, signal)
        if signal is not None:
            self._taken.look_again(signal.subject, signal.consent)

    def _of_reply(self, referral: str) -> Signal | None:
        """The signal of a reply; None where there is nothing to say, or it is gone already."""
        try:
            item = self._desk.item(referral)
        except (NotFoundError, UnreadableError):
            return None
        with self._database.reading() as session:
            parcel = session.get(StoredParcel, referral)
        device = parcel.device if parcel else None
        consent = item.question.learning
        may = bool(device and consent and self._taken.may(device, consent))
        signal = _judged(item)
        if signal is None or not may or device is None or consent is None:
            return self._stamped(signal, OURS) if signal and signal.kind == "edit" else None
        told = self._with_words(signal, item)
        if told.kind == "referral" and told.better is None:
            return None
        return self._stamped(told, consent, device)

    def _with_words(self, signal: Signal, item: DeskItem) -> Signal:
        """The same with question, reply and draft, where the reply could be de-identified."""
        if signal.kind == "edit" and signal.worse is None:
            return signal
        mapping = PlaceholderMap()
        try:
            masked = self._detector().deidentify(
                item.text, language=item.question.person.language, mapping=mapping
            )
        except DeidentificationError:
            return signal
        better = masked.text
        for mark, text in mapping.placeholders().items():
            if mark.startswith("[LITERAL"):  # a placeholder of the patient's device
                better = better.replace(mark, text)
        signal.question, signal.better = item.question.text, better
        signal.worse = item.draft.text if signal.kind == "edit" and item.draft else None
        return signal

    def _stamped(self, signal: Signal, consent: str, subject: str = "hospital") -> Signal:
        now = datetime.now(UTC)
        signal.consent, signal.subject = consent, subject
        signal.made, signal.expires = now, now + self._taken.keep_for
        return signal

    def gather(self) -> int:
        """Take over what came of cards since the last time; returns how many are new."""
        last = select(func.max(Signal.made)).where(Signal.kind == "cds")
        with self._database.reading() as session:
            since = session.scalar(last)
        found = list(self._cards.signals(since - OVERLAP if since else None))
        new = 0
        with self._database.transaction() as session:
            for one in found:
                over = one.outcome == "overridden"
                new += keep(
                    session,
                    Signal(
                        id=one.id,
                        kind="cds",
                        domain=CARDS,
                        question=f"{one.service}: {one.rule}",
                        worse=one.indicator if over else None,
                        note=(one.reason or "") if over else "",
                        consent=OURS,
                        subject="hospital",
                        made=one.received,
                        expires=one.received + self._taken.keep_for,
                    ),
                )
        return new

    async def loop(self) -> None:
        """Gather, again and again, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.gather)
            except Exception as error:  # noqa: BLE001 - the next look tries again
                _LOG.error("signals: %s", type(error).__name__)
            await asyncio.sleep(CLOCK_SECONDS)


def _judged(item: DeskItem) -> Signal | None:
    """What a signed reply says of its draft, without a word of either.

    ``edit`` with ``worse`` None: signed as drafted; with ``""``: changed. ``referral``: there was
    no draft, and a clinician knew the answer.
    """
    if item.state != "signed":
        return None
    signal = Signal(id=f"{EDIT}{item.id}", kind="edit", domain=GENERAL, question="", note="")
    if item.draft is None or item.draft.status is not Status.ANSWERED:
        signal.kind = "referral"
        return signal
    made = influence(item.text, item.draft)
    whole = len(set(made.kept)) == len(item.draft.sentences) and not made.own
    signal.worse = None if whole or item.text.strip() == item.draft.text.strip() else ""
    return signal
