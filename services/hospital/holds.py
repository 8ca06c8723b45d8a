"""Legal holds: what must be kept beyond its time, and may not be erased, until a hold is lifted."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import select, update

from compliance.errors import BadInputError, NotFoundError
from services.hospital.audited import Auditor, Caller
from services.hospital.models import LegalHold
from services.store.database import Database
from services.store.rows import changed

_SUBJECT = re.compile(r"referral:[0-9a-f-]{36}|patient:[A-Za-z0-9.-]{1,64}")


class Holds:
    """The legal holds of one hospital.

    Args:
        database: where they are.
        auditor: writes down that one is placed or lifted.
        clock: the present; tests move it.
    """

    def __init__(
        self,
        database: Database,
        auditor: Auditor,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._auditor, self._clock = database, auditor, clock

    def active(self) -> frozenset[str]:
        """Subjects under hold now."""
        query = select(LegalHold.subject).where(LegalHold.lifted.is_(None))
        with self._database.reading() as session:
            return frozenset(session.scalars(query))

    def listing(self) -> list[LegalHold]:
        """What is under hold now, the newest first."""
        query = select(LegalHold).where(LegalHold.lifted.is_(None))
        with self._database.reading() as session:
            return list(session.scalars(query.order_by(LegalHold.placed.desc())))

    def place(self, subject: str, reason: str, by: Caller) -> None:
        """Keep something, from now on.

        Args:
            subject: ``referral:id`` or ``patient:id``.
            reason: file number or such; no person's data.
            by: who places it.

        Raises:
            BadInputError: the subject is none, or there is no reason.
            AuditError: it could not be written down.
        """
        if not _SUBJECT.fullmatch(subject) or not reason.strip():
            raise BadInputError("A hold has a subject (referral:ID or patient:ID) and a reason.")
        self._auditor.hold(by, subject, "placed")
        with self._database.transaction() as session:
            session.add(
                LegalHold(
                    id=str(uuid4()), subject=subject, reason=reason[:400], placed=self._clock()
                )
            )

    def lift(self, subject: str, by: Caller) -> None:
        """Keep it no longer than its time.

        Raises:
            NotFoundError: it is under no hold.
            AuditError: it could not be written down; the hold stays.
        """
        if subject not in self.active():
            raise NotFoundError("There is no such hold.")
        self._auditor.hold(by, subject, "lifted")
        with self._database.transaction() as session:
            lifted = session.execute(
                update(LegalHold)
                .where(LegalHold.subject == subject, LegalHold.lifted.is_(None))
                .values(lifted=self._clock())
            )
            if not changed(lifted):
                raise NotFoundError("There is no such hold.")
