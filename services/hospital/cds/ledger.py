"""Which cards are shown, what is written down of them, and what people did with them.

Nothing of a patient is kept: a card is remembered by its rule, its source and two keyed digests, so
that the same warning is known again, and no more. A comment of a clinician is not kept at all: it
is free text and may name anybody.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from compliance.errors import NotFoundError
from services.fhir.cds import Call, Card, Decision, Service, Source, TrustedEhr
from services.fhir.cds.cards import RANK, SUMMARY_CHARS
from services.fhir.cds.markdown import plain, text
from services.fhir.cds.messages import Feedback, FeedbackRequest
from services.hospital.cds.tables import override_reasons
from services.hospital.models import CdsCard, CdsFeedback
from services.store.database import Database
from services.store.rows import changed

MOST = 5
"""Most cards of one answer, unless more of them are critical."""
QUIET = timedelta(days=30)
"""How long a warning that was overridden with a reason is not shown again."""
MAX_SIGNALS = 500
"""Rows that are read at once."""
_LOG = logging.getLogger("caretier.cds")


@dataclass(frozen=True)
class Signal:
    """What came of one card: for learning which warnings help; it names nobody.

    ``id`` is that of the feedback, ``received`` when it came.
    """

    id: str
    service: str
    rule: str
    source: str
    indicator: str
    outcome: str
    reason: str | None
    accepted: int
    given: datetime
    done: datetime
    received: datetime


class CardLedger:
    """Keeps what was shown.

    Args:
        database: with the hospital's tables.
        key: of the digests.
        disclose: writes down that a call is answered; raises when it cannot.
        clock: the present; tests move it.
    """

    def __init__(
        self,
        database: Database,
        key: bytes,
        disclose: Callable[[Service[Any], Call[Any], Sequence[Decision]], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._key, self._disclose = database, key, disclose
        self._clock = clock

    def settle(
        self, service: Service[Any], call: Call[Any], found: list[Decision]
    ) -> list[Decision]:
        """Return what is shown: ranked, each once, without what was overridden lately.

        Raises:
            AuditError: it could not be written down; nothing may be given out.
        """
        shown = limited(ranked(self._without_overridden(call, found)))
        self._disclose(service, call, shown)
        try:
            with self._database.transaction() as session:
                session.add_all(self._row(service, call, decision) for decision in shown)
        except SQLAlchemyError as error:  # the warning counts for more than what comes of it
            _LOG.warning("cards not kept: %s", type(error).__name__)
        return shown

    def _without_overridden(self, call: Call[Any], found: list[Decision]) -> list[Decision]:
        quiet = [d for d in found if not d.kept and d.card.indicator != "critical"]
        if not quiet:
            return found
        marks = {self._repeats(call, decision) for decision in quiet}
        query = (
            select(CdsCard.repeats)
            .join(CdsFeedback, CdsFeedback.card == CdsCard.id)
            .where(
                CdsCard.clinician == self._clinician(call),
                CdsCard.repeats.in_(sorted(marks)),
                CdsFeedback.outcome == "overridden",
                CdsFeedback.reason.is_not(None),
                CdsFeedback.received > self._clock() - QUIET,
            )
        )
        with self._database.reading() as session:
            gone = set(session.scalars(query))
        return [d for d in found if d not in quiet or self._repeats(call, d) not in gone]

    def _row(self, service: Service[Any], call: Call[Any], decision: Decision) -> CdsCard:
        card = decision.card
        return CdsCard(
            id=card.uuid,
            ehr=call.ehr.id,
            service=service.id,
            rule=decision.rule,
            source=card.source.label,
            indicator=card.indicator,
            suggestions=" ".join(s.uuid for s in card.suggestions),
            repeats=self._repeats(call, decision),
            clinician=self._clinician(call),
            given=self._clock(),
        )

    def _repeats(self, call: Call[Any], decision: Decision) -> str:
        return self._digest(call.ehr.id, call.context.patient_id, *decision.repeats)

    def _clinician(self, call: Call[Any]) -> str:
        return self._digest(call.ehr.id, call.context.user_id)

    def _digest(self, *parts: str) -> str:
        joined = b"".join(len(p.encode()).to_bytes(4, "big") + p.encode() for p in parts)
        return hmac.new(self._key, joined, hashlib.sha256).hexdigest()

    def feedback(self, ehr: TrustedEhr, service: str, given: FeedbackRequest) -> None:
        """Keep what people did with cards, each entry once; all of them or none.

        Raises:
            NotFoundError: a card or suggestion was not given to this EHR by this service.
        """
        now = self._clock()
        with self._database.transaction() as session:
            for entry in given.feedback:
                self._check(session, ehr, service, entry)
                row = _feedback(entry, now)
                if session.get(CdsFeedback, row.id) is None:
                    session.add(row)

    @staticmethod
    def _check(session: Session, ehr: TrustedEhr, service: str, entry: Feedback) -> None:
        card = session.get(CdsCard, str(entry.card))
        if card is None or (card.ehr, card.service) != (ehr.id, service):
            raise NotFoundError("There is no such card.")
        if not {str(s.id) for s in entry.accepted_suggestions} <= set(card.suggestions.split()):
            raise NotFoundError("There is no such suggestion.")

    def signals(self, since: datetime | None = None) -> Iterator[Signal]:
        """What came of the cards, the oldest first.

        Args:
            since: only what was received after this.
        """
        columns = (CdsFeedback, CdsCard)
        query = select(*columns).join(CdsCard, CdsCard.id == CdsFeedback.card)
        if since is not None:
            query = query.where(CdsFeedback.received > since)
        ordered = query.order_by(CdsFeedback.received, CdsFeedback.id)
        with self._database.reading() as session:
            for feedback, card in session.execute(ordered.execution_options(yield_per=MAX_SIGNALS)):
                yield Signal(
                    feedback.id,
                    card.service,
                    card.rule,
                    card.source,
                    card.indicator,
                    feedback.outcome,
                    feedback.reason,
                    len(feedback.suggestions.split()),
                    card.given,
                    feedback.done,
                    feedback.received,
                )

    def forget(self, before: datetime) -> int:
        """Delete cards that were given earlier, and their feedback; returns how many cards."""
        old = select(CdsCard.id).where(CdsCard.given < before)
        with self._database.transaction() as session:
            session.execute(delete(CdsFeedback).where(CdsFeedback.card.in_(old)))
            return changed(session.execute(delete(CdsCard).where(CdsCard.given < before)))


def _feedback(entry: Feedback, now: datetime) -> CdsFeedback:
    why = entry.override_reason
    ours = {reason.code for reason in override_reasons()}
    code = why.reason.code if why and why.reason else None
    reason = code if code is None or code in ours else "other"
    accepted = " ".join(sorted(str(s.id) for s in entry.accepted_suggestions))
    parts = (str(entry.card), entry.outcome, reason or "", accepted, entry.at.isoformat())
    return CdsFeedback(
        id=hashlib.sha256("\0".join(parts).encode()).hexdigest(),
        card=str(entry.card),
        outcome=entry.outcome,
        reason=reason,
        commented=bool(why and why.user_comment),
        suggestions=accepted,
        done=entry.at,
        received=now,
    )


def ranked(found: list[Decision]) -> list[Decision]:
    """Each thing once, the gravest first."""
    once: dict[tuple[str, ...], Decision] = {}
    for decision in found:
        once.setdefault(decision.repeats, decision)
    return sorted(once.values(), key=lambda d: RANK[d.card.indicator])


def limited(found: list[Decision]) -> list[Decision]:
    """At most `MOST` cards; what is left over is listed on the last one.

    Args:
        found: the gravest first. All that is critical or must be said is shown in any case.
    """
    must = [d for d in found if d.kept or d.card.indicator == "critical"]
    rest = [d for d in found if d not in must]
    room = max(MOST - len(must), 0)
    if len(rest) <= room:
        return found
    left = rest[max(room - 1, 0) :]
    return [*(d for d in found if d not in left), _further(left)]


def _further(left: list[Decision]) -> Decision:
    lines = "\n".join(f"- {text(d.card.summary, SUMMARY_CHARS)}" for d in left)
    card = Card(
        summary=plain(f"{len(left)} further notices, among them: {left[0].card.summary}", 139),
        detail=lines,
        indicator=left[0].card.indicator,
        source=Source(label="Caretier"),
    )
    about = tuple(sorted({part for d in left for part in d.repeats}))
    return Decision(card=card, rule="further", about=about, kept=True)
