"""Withdrawn consents: the device's signed word, kept and passed on, and what it takes away.

A withdrawal is kept before anything is deleted, so that a referral under that consent that comes
later (it was on its way, or is sent again) is refused. Whoever carries it cannot make one up: it is
signed by the device whose receipts name the consent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pydantic import Field
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from compliance.audit import Agent, AuditTrail, crossing
from compliance.sealing import IdentityKey, IdentityPublic, SealingError
from compliance.sealing.encoding import Moment, canonical_json, from_text, to_text
from compliance.sealing.identity import signed_bytes
from services.consult.messages import Message
from services.exchange.errors import ReferralRefusedError
from services.exchange.models import StoredParcel, StoredWithdrawal
from services.store.database import Database
from services.store.rows import changed as rows_changed
from services.store.rows import idle, taken

PURPOSE = "caretier/withdrawal/v1"
OPEN_STATES = ("received", "outgoing", "relayed")


class Withdrawal(Message):
    """A device's word that a consent counts no more.

    ``device`` is its public identity, ``signature`` Ed25519 over the rest (both base64url).
    """

    consent: str = Field(min_length=1, max_length=200)
    withdrawn: Moment
    device: str = Field(max_length=64)
    signature: str = Field(default="", max_length=128)

    @classmethod
    def sign(cls, consent: str, key: IdentityKey, now: datetime) -> Withdrawal:
        """Make and sign one; ``consent`` is the id that the receipts name."""
        made = cls(consent=consent, withdrawn=now, device=key.public.to_text())
        return made.model_copy(update={"signature": to_text(key.sign(made._signed()))})

    def _signed(self) -> bytes:
        body = canonical_json(self.model_dump(mode="json", exclude={"signature"}))
        return signed_bytes(PURPOSE, body)

    def verify(self) -> str:
        """Return the device's fingerprint.

        Raises:
            ReferralRefusedError: the device did not sign this.
        """
        try:
            device = IdentityPublic.from_text(self.device)
            device.verify(from_text(self.signature), self._signed())
        except (SealingError, ValueError):
            raise ReferralRefusedError("The withdrawal is not signed by the device.") from None
        return device.fingerprint


class WithdrawalTaken(Message):
    """What the tier above did: how many referrals it took away."""

    consent: str
    removed: int


class Withdrawals:
    """The withdrawn consents of one node.

    Args:
        database: with the tables of this package.
        level: tier of this node.
        audit: its trail.
        on_removed: called in the transaction that takes referrals away, with their ids, to delete
            more of them (an opened question on a desk, say).
        on_consent: called in it with device and consent, to delete what else stands under them.
    """

    def __init__(
        self,
        database: Database,
        level: str,
        audit: AuditTrail,
        on_removed: Callable[[Session, list[str]], None] = lambda _session, _ids: None,
        on_consent: Callable[[Session, str, str], None] = lambda _session, _device, _consent: None,
    ) -> None:
        self._database, self._level, self._audit = database, level, audit
        self._on_removed, self._on_consent = on_removed, on_consent

    def take(self, withdrawal: Withdrawal, sender: str) -> WithdrawalTaken:
        """Keep a withdrawal and delete what is queued under the consent; again changes nothing.

        Raises:
            ReferralRefusedError: the device did not sign it.
            AuditError: it could not be written down; nothing was changed.
        """
        device = withdrawal.verify()
        self._record(withdrawal, device, sender)
        # Kept first, in a transaction of its own: a referral that is being taken at this moment
        # either finds it (`Intake.accept` looks again) or is there for the next transaction.
        try:
            with self._database.transaction() as session:
                if session.get(StoredWithdrawal, (device, withdrawal.consent)) is None:
                    now = datetime.now(UTC)
                    session.add(_stored(withdrawal, device, now))
        except IntegrityError:  # it came twice at once
            pass
        return WithdrawalTaken(
            consent=withdrawal.consent, removed=self.remove(device, withdrawal.consent)
        )

    def is_withdrawn(self, device: str, consent: str) -> bool:
        """Whether a device has withdrawn a consent."""
        with self._database.reading() as session:
            return session.get(StoredWithdrawal, (device, consent)) is not None

    def remove(self, device: str, consent: str) -> int:
        """Delete the content of referrals under a consent; returns how many were still open.

        Their rows stay, empty, so that the same ones cannot come again; a reply that is there
        already stays for its device, which may fetch it.
        """
        with self._database.transaction() as session:
            # one that comes in between is removed by whoever takes it (`Intake.accept` looks again)
            ids = taken(
                session,
                StoredParcel.id,
                StoredParcel.device == device,
                StoredParcel.consent == consent,
            )
            these = update(StoredParcel).where(StoredParcel.id.in_(ids))
            session.execute(these.values(envelope="", outgoing=None))
            removed = session.execute(
                these.where(StoredParcel.state.in_(OPEN_STATES)).values(
                    state="withdrawn", reason="withdrawn"
                )
            )
            self._on_removed(session, ids)
            self._on_consent(session, device, consent)
            return rows_changed(removed)

    def untold(self, limit: int = 20) -> list[StoredWithdrawal]:
        """Withdrawals that the tier above has not been told of and whose time has come."""
        with self._database.reading() as session:
            query = (
                select(StoredWithdrawal)
                .where(StoredWithdrawal.told.is_(False), StoredWithdrawal.due <= datetime.now(UTC))
                .order_by(StoredWithdrawal.received)
                .limit(limit)
            )
            return list(session.scalars(query))

    def told(self, row: StoredWithdrawal) -> None:
        """The tier above has taken it."""
        self._change(row, told=True)

    def later(self, row: StoredWithdrawal, longest: timedelta) -> None:
        """Tell it again after a pause that doubles up to ``longest``."""
        pause = min(timedelta(seconds=2 ** min(row.attempts, 10)), longest)
        self._change(row, attempts=row.attempts + 1, due=datetime.now(UTC) + pause)

    def forget(self, before: datetime) -> int:
        """Delete withdrawals so old that no receipt can name their consent any more."""
        with self._database.transaction() as session:
            old = idle(StoredWithdrawal, StoredWithdrawal.received < before)
            return rows_changed(session.execute(delete(StoredWithdrawal).where(old)))

    def _change(self, row: StoredWithdrawal, **values: object) -> None:
        with self._database.transaction() as session:
            session.execute(
                update(StoredWithdrawal)
                .where(
                    StoredWithdrawal.device == row.device, StoredWithdrawal.consent == row.consent
                )
                .values(**values)
            )

    def _record(self, withdrawal: Withdrawal, device: str, sender: str) -> None:
        event = crossing(
            action="withdraw",
            referral=f"consent:{withdrawal.consent}",
            person=Agent("person", device),
            application=Agent("application", "caretier"),
            model=None,
            source=sender,
            destination=self._level,
            detail={"consent": withdrawal.consent},
        )
        self._audit.record(event)


def _stored(withdrawal: Withdrawal, device: str, now: datetime) -> StoredWithdrawal:
    return StoredWithdrawal(
        device=device,
        consent=withdrawal.consent,
        message=withdrawal.model_dump_json(),
        told=False,
        attempts=0,
        due=now,
        received=now,
    )
