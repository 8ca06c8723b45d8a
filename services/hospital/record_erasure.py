"""Erasing a person's health record: what would go is shown first; a signed receipt says it went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from compliance.errors import BadInputError, NotFoundError
from compliance.sealing.encoding import canonical_json
from compliance.sealing.identity import IdentityKey
from services.fhir.bulk.orders import Orders
from services.fhir.store import FhirStore
from services.fhir.validate import ID
from services.hospital.audited import Auditor, Caller
from services.hospital.erasure import REASONS, signed_receipt
from services.hospital.errors import HeldError
from services.hospital.keys import KEY_ID_CHARS, ApiKeys
from services.hospital.models import (
    EhrConnection,
    EhrResource,
    ErasureReceipt,
    IntakeAlert,
    LegalHold,
    SmartGrant,
    SmartLaunch,
)
from services.store.database import Database

_RECEIPTS = UUID("6d3f4f0e-5f0b-4f1c-9c4b-1a7e2f5c8d90")


def receipt_key(subject: str) -> str:
    """What the receipt of a record's erasure is found by; ``subject`` is ``patient:id``."""
    return str(uuid5(_RECEIPTS, subject))


@dataclass(frozen=True)
class Plan:
    """What erasing a record would do.

    Attributes:
        patient: id.
        resources: how many of each type are destroyed.
        versions: how many former versions and deletions are destroyed with them.
        shared: how many resources stay, since they are in another person's record, too.
        connections: EHRs that the record was read from, whence what changes there comes back.
        held: a legal hold keeps it; it cannot be erased.
    """

    patient: str
    resources: Mapping[str, int]
    versions: int
    shared: int
    connections: tuple[str, ...]
    held: bool

    @property
    def total(self) -> int:
        """How many resources are destroyed."""
        return sum(self.resources.values())


class RecordErasures:
    """Erases health records at one hospital.

    The audit trail, receipts, reviews of emergency access, and backups keep what they hold.
    Referrals are erased by themselves (`services.hospital.erasure`): nothing says whose one is.

    Args:
        database: of the hospital.
        records: the health record.
        orders: exports in bulk; all of them go, as each may be a copy of the record.
        keys: of programs; those for this person's record are revoked.
        auditor: writes an erasure down before it happens.
        identity: signs receipts.
        clock: the present; tests move it.
    """

    def __init__(
        self,
        database: Database,
        records: FhirStore,
        orders: Orders,
        keys: ApiKeys,
        *,
        auditor: Auditor,
        identity: IdentityKey,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._records, self._orders, self._keys = database, records, orders, keys
        self._auditor, self._identity, self._clock = auditor, identity, clock

    def plan(self, patient: str) -> Plan:
        """What erasing a record would do; it changes nothing.

        Args:
            patient: id of the Patient.

        Raises:
            NotFoundError: there is nothing of such a person, nor was there.
        """
        if not ID.fullmatch(patient):
            raise NotFoundError("There is no such record.")
        found = self._records.extent(patient)
        if not found.resources and not found.versions:
            raise NotFoundError("There is no such record.")
        with self._database.reading() as session:
            held = _held(session, patient)
            connections = tuple(session.scalars(_connections(patient)))
        return Plan(patient, found.resources, found.versions, found.shared, connections, held)

    def erase(self, patient: str, reason: str, by: Caller) -> dict[str, Any]:
        """Destroy a person's record with its history, and what opens it.

        Args:
            patient: id of the Patient.
            reason: one of `services.hospital.erasure.REASONS`.
            by: who erases.

        Returns:
            The signed receipt; of the person it holds the id only.

        Raises:
            BadInputError: there is no such reason.
            NotFoundError: there is nothing of such a person.
            HeldError: it is under legal hold.
            AuditError: it could not be written down; nothing was destroyed.
        """
        if reason not in REASONS:
            raise BadInputError(f"A reason is one of: {', '.join(REASONS)}.")
        plan = self.plan(patient)
        with self._database.destroying() as session, self._records.joining(session) as writer:
            if _held(session, patient):  # asked here, so that none is placed meanwhile
                raise HeldError("This record is under legal hold.")
            self._auditor.erase(by, f"Patient/{patient}", f"Patient/{patient}")
            destroyed = writer.purge(patient)
            _close(session, patient, self._clock())
            receipt = self._receipt(plan, reason, destroyed)
            session.add(
                ErasureReceipt(
                    id=receipt["id"],
                    referral=receipt_key(f"patient:{patient}"),
                    erased=self._clock(),
                    receipt=canonical_json(receipt).decode(),
                )
            )
        self._orders.drop_exports()
        for key in self._keys.listing():
            if key.patient == patient and key.revoked is None:
                self._keys.revoke(key.digest[:KEY_ID_CHARS], by=by)
        return receipt

    def _receipt(self, plan: Plan, reason: str, destroyed: int) -> dict[str, Any]:
        body = {
            "id": str(uuid4()),
            "patient": plan.patient,
            "reason": reason,
            "erased": self._clock().isoformat(),
            "versions_destroyed": destroyed,
            "shared_kept": plan.shared,
        }
        return signed_receipt(self._identity, body)


def _held(session: Session, patient: str) -> bool:
    query = select(LegalHold.id).where(
        LegalHold.subject == f"patient:{patient}", LegalHold.lifted.is_(None)
    )
    return session.scalars(query.limit(1)).first() is not None


def _connections(patient: str) -> Any:
    """The connections that the Patient came from; a removed one brings nothing back."""
    came = select(EhrResource.connection).where(
        EhrResource.type == "Patient", EhrResource.local == patient
    )
    return select(EhrConnection.name).where(EhrConnection.name.in_(came))


def _close(session: Session, patient: str, now: datetime) -> None:
    """Take away what points at the record: alerts, launches, what apps were granted."""
    for table in (IntakeAlert, SmartLaunch):
        session.execute(delete(table).where(table.patient == patient))
    granted = update(SmartGrant).where(SmartGrant.patient == patient, SmartGrant.revoked.is_(None))
    session.execute(granted.values(revoked=now))
