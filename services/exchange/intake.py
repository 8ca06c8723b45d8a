"""Intake: take a referral once, keep it, and know what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from compliance.audit import Agent, AuditTrail, crossing
from compliance.errors import NotFoundError
from services.consult.messages import Level
from services.exchange.errors import ReferralConflictError, ReferralRefusedError
from services.exchange.messages import Envelope, Parcel, ParcelState
from services.exchange.models import StoredParcel
from services.exchange.sealed import check_receipt
from services.exchange.withdrawal import Withdrawal, Withdrawals, WithdrawalTaken
from services.store.database import Database
from services.store.rows import changed as rows_changed
from services.store.rows import idle

LONGEST_WAIT = timedelta(minutes=2)
"""Longest pause between two attempts at a tier above that does not answer."""

WITHDRAWN = "withdrawn"
ENDED = ("answered", "refused", WITHDRAWN)

APPLICATION = Agent("application", "caretier")


class Intake:
    """The referrals of one node.

    Every crossing is on the audit trail before it happens; when it cannot be written, the call
    fails and the sender keeps the referral.

    Attributes:
        on_consent: deletes, in the transaction that takes referrals away, what else stands under a
            withdrawn consent of a device.
    """

    def __init__(self, database: Database, level: Level, audit: AuditTrail) -> None:
        self.database, self.level, self.audit = database, level, audit
        self.on_consent: Callable[[Session, str, str], None] = lambda _session, _device, _id: None
        self.withdrawals = Withdrawals(
            database,
            level,
            audit,
            self.on_withdraw,
            self._consent_gone,
        )

    def accept(self, envelope: Envelope, sender: str) -> Parcel:
        """Take a referral from an enrolled node; the same one again changes nothing.

        Raises:
            ReferralRefusedError: its receipt is not good, or its consent was withdrawn.
            ReferralConflictError: its id is taken by another one.
            AuditError: the crossing could not be written down.
        """
        text = envelope.model_dump_json()
        digest = hashlib.sha256(text.encode()).hexdigest()
        known = self._known(envelope.id, digest, sender)
        if known is not None:
            return known
        check_receipt(envelope, envelope.destination)
        device, consent = envelope.receipt.device, envelope.receipt.consent
        if self.withdrawals.is_withdrawn(device, consent):
            raise ReferralRefusedError("The consent was withdrawn.")
        now = datetime.now(UTC)
        self.record("receive", envelope, source=sender, destination=self.level)
        mine = envelope.destination is self.level
        row = StoredParcel(
            id=envelope.id,
            sender=sender,
            destination=envelope.destination,
            digest=digest,
            device=device,
            consent=consent,
            envelope=text,
            state="received" if mine else "outgoing",
            due=now,
            received=now,
        )
        # an IntegrityError means that the same referral came twice at once: the first one counts
        with suppress(IntegrityError), self.database.transaction() as session:
            if session.get(StoredParcel, envelope.id) is None:
                session.add(row)
                session.flush()
                self.on_accept(session, envelope)
        if self.withdrawals.is_withdrawn(device, consent):  # meanwhile
            self.withdrawals.remove(device, consent)
        return self._known(envelope.id, digest, sender) or Parcel(
            id=envelope.id, state=ParcelState.RECEIVED
        )

    def on_accept(self, session: Session, envelope: Envelope) -> None:
        """Do more in the transaction that takes a referral (a job row, say); nothing by default."""

    def _consent_gone(self, session: Session, device: str, consent: str) -> None:
        self.on_consent(session, device, consent)  # which may be set after the construction

    def on_withdraw(self, session: Session, ids: list[str]) -> None:
        """Delete more in the transaction that takes referrals away; nothing by default."""

    def withdraw(self, withdrawal: Withdrawal, sender: str) -> WithdrawalTaken:
        """Take a withdrawn consent from an enrolled node; see `Withdrawals.take`."""
        return self.withdrawals.take(withdrawal, sender)

    def is_wanted(self, id_: str) -> bool:
        """Whether a referral is still to be worked on: false once its consent was withdrawn.

        Whoever works on one asks before each step, and before the answer leaves.
        """
        with self.database.reading() as session:
            row = session.get(StoredParcel, id_)
            return row is not None and row.state != WITHDRAWN

    def holds(self, id_: str) -> bool:
        """Whether a referral of this id is here, whoever sent it."""
        with self.database.reading() as session:
            return session.get(StoredParcel, id_) is not None

    def _known(self, id_: str, digest: str, sender: str) -> Parcel | None:
        with self.database.reading() as session:
            row = session.get(StoredParcel, id_)
        if row is None:
            return None
        if row.digest != digest or row.sender != sender:
            raise ReferralConflictError("Another referral with this id is here already.")
        return _parcel(row)

    def state(self, id_: str, sender: str) -> Parcel:
        """What became of a referral, for the node that sent it.

        Raises:
            NotFoundError: unknown, or another node's: the two look alike.
        """
        with self.database.reading() as session:
            row = session.get(StoredParcel, id_)
        if row is None or row.sender != sender:
            raise NotFoundError("There is no such referral.")
        return _parcel(row)

    def due(self, *states: str, limit: int = 20) -> list[StoredParcel]:
        """Referrals in one of the states whose time has come, oldest first."""
        with self.database.reading() as session:
            query = (
                select(StoredParcel)
                .where(StoredParcel.state.in_(states), StoredParcel.due <= datetime.now(UTC))
                .order_by(StoredParcel.received)
                .limit(limit)
            )
            return list(session.scalars(query))

    def answer(self, id_: str, reply: str) -> None:
        """Keep the sealed reply; the first one stays."""
        with self.database.transaction() as session:
            session.execute(
                update(StoredParcel)
                .where(*_wanted(id_), StoredParcel.reply.is_(None))
                .values(state="answered", reply=reply)
            )

    def settled(self, session: Session, id_: str) -> None:
        """What came was taken in whole and nothing goes back; its envelope is a copy too many."""
        session.execute(
            update(StoredParcel)
            .where(*_wanted(id_))
            .values(state="answered", envelope="", outgoing=None)
        )

    def done_above(self, id_: str) -> None:
        """The tier above took it in whole, and sends nothing back."""
        with self.database.transaction() as session:
            self.settled(session, id_)

    def pass_on(self, id_: str, outgoing: Envelope | None = None) -> None:
        """Send a referral to the tier above, in another envelope when one is given."""
        values = {"state": "outgoing", "due": datetime.now(UTC), "attempts": 0}
        text = outgoing.model_dump_json() if outgoing else None
        with self.database.transaction() as session:
            session.execute(
                update(StoredParcel)
                .where(*_wanted(id_), StoredParcel.reply.is_(None))
                .values(**values, outgoing=text)
            )

    def relayed(self, id_: str) -> None:
        """The tier above has taken it."""
        self._update(id_, state="relayed", attempts=0, due=datetime.now(UTC))

    def refused(self, id_: str, reason: str) -> None:
        """It cannot be answered here or above; the sender learns that."""
        self._update(id_, state="refused", reason=reason[:200])

    def later(self, id_: str, attempts: int) -> None:
        """Try again after a pause that doubles up to LONGEST_WAIT."""
        pause = min(timedelta(seconds=2 ** min(attempts, 10)), LONGEST_WAIT)
        self._update(id_, attempts=attempts + 1, due=datetime.now(UTC) + pause)

    def check_again(self, id_: str, pause: timedelta) -> None:
        """Look for the reply of a relayed referral after a pause."""
        self._update(id_, due=datetime.now(UTC) + pause)

    def forget(self, older_than: timedelta) -> int:
        """Delete referrals that ended and came so long ago; returns how many.

        ``older_than`` is longer than any receipt is good for, so that none can come twice.
        """
        before = datetime.now(UTC) - older_than
        self.withdrawals.forget(before)
        with self.database.transaction() as session:
            gone = session.execute(
                delete(StoredParcel).where(
                    idle(
                        StoredParcel,
                        StoredParcel.state.in_(ENDED),
                        StoredParcel.received < before,
                    )
                )
            )
            return rows_changed(gone)

    def _update(self, id_: str, **values: object) -> None:
        with self.database.transaction() as session:
            session.execute(update(StoredParcel).where(*_wanted(id_)).values(**values))

    def record(
        self,
        action: str,
        envelope: Envelope,
        *,
        source: str,
        destination: str,
        model: Agent | None = None,
    ) -> None:
        """Write a crossing to the audit trail.

        Raises:
            AuditError: it could not be written; the crossing must not happen.
        """
        event = crossing(
            action=action,  # type: ignore[arg-type]
            referral=envelope.id,
            person=Agent("person", envelope.receipt.device),
            application=APPLICATION,
            model=model,
            source=source,
            destination=destination,
            detail={"receipt": envelope.receipt.id, "consent": envelope.receipt.consent},
        )
        self.audit.record(event)


def _wanted(id_: str) -> tuple[ColumnElement[bool], ...]:
    """A referral by its id, unless its consent was withdrawn: nothing brings it back then."""
    return StoredParcel.id == id_, StoredParcel.state != WITHDRAWN


def _parcel(row: StoredParcel) -> Parcel:
    shown = {"outgoing": "received", WITHDRAWN: "refused"}.get(row.state, row.state)
    return Parcel(id=row.id, state=ParcelState(shown), reply=row.reply)
