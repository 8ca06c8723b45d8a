"""Taking referrals in: each with the job that opens it, its text under its own key."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from compliance.audit import AuditTrail
from services.consult.messages import Level
from services.exchange.intake import Intake
from services.exchange.messages import Envelope, Parcel, ParcelState
from services.exchange.models import StoredParcel
from services.hospital.jobs import add_job, forget_jobs
from services.hospital.models import Referral
from services.hospital.text_keys import TextKeys
from services.store.database import Database
from services.store.rows import taken


class HospitalIntake(Intake):
    """Takes a referral, writes the job that opens it in one transaction, and hints at it.

    The envelope is sealed once more under the referral's own key, so that a backup of the database
    with the hospital's sealing key does not open what was erased.
    """

    hint: Callable[[str], None] = staticmethod(lambda _job: None)

    def __init__(
        self, database: Database, level: Level, audit: AuditTrail, texts: TextKeys
    ) -> None:
        super().__init__(database, level, audit)
        self._texts = texts

    def on_accept(self, session: Session, envelope: Envelope) -> None:
        """Add the job, and keep the envelope under the referral's own key."""
        add_job(session, "open-referral", envelope.id)
        text = self._texts.seal(envelope.id, "envelope", envelope.model_dump_json())
        session.execute(
            update(StoredParcel).where(StoredParcel.id == envelope.id).values(envelope=text)
        )

    def on_withdraw(self, session: Session, ids: list[str]) -> None:
        """Take the referrals off the desk, and their keys away."""
        forget_jobs(session, ids)  # first: a worker that is done with one has laid it on the desk
        open_ = taken(session, Referral.id, Referral.id.in_(ids), Referral.state == "open")
        session.execute(delete(Referral).where(Referral.id.in_(open_)))
        self._texts.destroy(ids)

    def accept(self, envelope: Envelope, sender: str) -> Parcel:
        """Take a referral (see `Intake.accept`), then tell a worker."""
        parcel = super().accept(envelope, sender)
        if parcel.state is ParcelState.RECEIVED:
            self.hint(f"open-referral:{envelope.id}")
        return parcel
