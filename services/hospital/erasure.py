"""Erasing a referral: key first, then rows; a signed receipt that names no person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, select, update

from compliance.errors import BadInputError, NotFoundError
from compliance.sealing.encoding import canonical_json, to_text
from compliance.sealing.identity import IdentityKey, signed_bytes
from services.exchange.models import StoredParcel
from services.hospital.audited import Auditor, Caller
from services.hospital.errors import HeldError
from services.hospital.holds import Holds
from services.hospital.jobs import forget_jobs
from services.hospital.models import ErasureReceipt, Referral
from services.hospital.text_keys import TextKeys
from services.learning.signals import forget_referral
from services.store.database import Database
from services.store.rows import changed

PURPOSE = "caretier/erasure/v1"
REASONS = ("person", "retention", "mistake", "court")
"""Why something is erased: the person asked, its time was over, a mistake, a court's order."""


def signed_receipt(identity: IdentityKey, body: dict[str, Any]) -> dict[str, Any]:
    """A receipt with the hospital that gives it, and its signature over both."""
    whole = body | {"hospital": identity.public.to_text()}
    signature = identity.sign(signed_bytes(PURPOSE, canonical_json(whole)))
    return whole | {"signature": to_text(signature)}


class Erasures:
    """Erases referrals at one hospital.

    Args:
        database: of the hospital.
        texts: keys of the referrals' texts.
        holds: what must not be erased.
        auditor: writes an erasure down before it happens.
        identity: signs receipts.
        clock: the present; tests move it.
    """

    def __init__(
        self,
        database: Database,
        texts: TextKeys,
        holds: Holds,
        auditor: Auditor,
        identity: IdentityKey,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._texts, self._holds = database, texts, holds
        self._auditor, self._identity, self._clock = auditor, identity, clock

    def erase(self, referral: str, reason: str, by: Caller) -> dict[str, Any]:
        """Destroy everything of a referral; what is left refuses to take it again.

        It may be said again after a crash: what is gone already stays gone.

        Args:
            referral: id.
            reason: one of `REASONS`.
            by: who erases.

        Returns:
            The signed receipt.

        Raises:
            NotFoundError: there is no such referral.
            HeldError: it is under legal hold.
            AuditError: it could not be written down; nothing was destroyed.
        """
        if reason not in REASONS:
            raise BadInputError(f"A reason is one of: {', '.join(REASONS)}.")
        with self._database.reading() as session:
            parcel = session.get(StoredParcel, referral)
            row = session.get(Referral, referral)
        if parcel is None and row is None:
            raise NotFoundError("There is no such referral.")
        if f"referral:{referral}" in self._holds.active():
            raise HeldError("This referral is under legal hold.")
        device = parcel.device if parcel and parcel.device else "unknown"
        self._auditor.erase(by, device, f"referral:{referral}")
        keys = self._texts.destroy([referral])
        with self._database.transaction() as session:
            emptied = update(StoredParcel).where(StoredParcel.id == referral)
            session.execute(
                emptied.values(
                    envelope="", outgoing=None, reply=None, state="refused", reason="erased"
                )
            )
            rows = forget_jobs(session, [referral])
            rows += changed(session.execute(delete(Referral).where(Referral.id == referral)))
            rows += forget_referral(session, referral)
            receipt = self._receipt(referral, reason, keys, rows)
            session.add(
                ErasureReceipt(
                    id=receipt["id"],
                    referral=referral,
                    erased=self._clock(),
                    receipt=canonical_json(receipt).decode(),
                )
            )
        return receipt

    def _receipt(self, referral: str, reason: str, keys: int, rows: int) -> dict[str, Any]:
        body = {
            "id": str(uuid4()),
            "referral": referral,
            "reason": reason,
            "erased": self._clock().isoformat(),
            "keys_destroyed": keys,
            "rows_deleted": rows,
        }
        return signed_receipt(self._identity, body)

    def receipts(self) -> list[str]:
        """Every receipt as JSON text, the newest first."""
        query = select(ErasureReceipt.receipt).order_by(ErasureReceipt.erased.desc())
        with self._database.reading() as session:
            return list(session.scalars(query))
