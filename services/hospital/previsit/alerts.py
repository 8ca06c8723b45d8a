"""Red flags of intakes that wait for somebody to take them up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select, update

from compliance.errors import NotFoundError
from services.fhir.access import Disclosure
from services.hospital.audited import Auditor, Caller
from services.hospital.models import IntakeAlert, User
from services.hospital.relations import Relations
from services.store.database import Database
from services.store.rows import changed, idle

MOST = 50
"""Most alerts that are shown at once."""
LOOKED_AT = 500
"""Most alerts of the whole hospital that are looked through for those of one clinician."""


@dataclass(frozen=True)
class Alert:
    """A red flag: id of the QuestionnaireResponse, whose it is, how urgent, by which rule, when."""

    id: str
    patient: str
    level: str
    rule: str | None
    received: datetime


class Alerts:
    """The alerts of one hospital, as those see them who treat the person.

    Those of somebody whom no clinician treats are everybody's: an emergency waits for somebody.
    Their chart still opens by breaking the glass only.

    Args:
        database: of the hospital.
        relations: who treats whom.
        auditor: writes down whose alerts are shown before they are.
    """

    def __init__(self, database: Database, relations: Relations, auditor: Auditor) -> None:
        self._database, self._relations, self._auditor = database, relations, auditor

    def waiting(self, user: User, client: str | None = None) -> list[Alert]:
        """What nobody has taken up that is this clinician's to see, emergencies first.

        Raises:
            AuditError: it could not be written down; nothing is shown.
        """
        query = (
            select(IntakeAlert)
            .where(IntakeAlert.seen.is_(None))
            .order_by(IntakeAlert.level, IntakeAlert.received)
        )  # "emergency" comes before "urgent" in the alphabet, too
        with self._database.reading() as session:
            rows = list(session.scalars(query.limit(LOOKED_AT)))
        if not rows:
            return []  # as nearly always; nobody need be asked who treats whom
        whom = {row.patient for row in rows}
        mine = {one for one in whom if self._relations.basis(user, one)}
        mine |= self._orphans(whom - mine)
        found = [
            Alert(row.id, row.patient, row.level, row.rule, row.received)
            for row in rows
            if row.patient in mine
        ][:MOST]
        if found:
            whose = tuple(sorted({alert.patient for alert in found}))
            request = f"QuestionnaireResponse?_id={','.join(alert.id for alert in found)}"
            told = Disclosure("search", "QuestionnaireResponse", whose, request, len(found))
            self._auditor.fhir(Caller.user(user.id, user.role, client), told)
        return found

    def take_up(self, id_: str, user: User, client: str | None = None) -> str:
        """Say that this clinician has seen an alert; returns the id of the Patient.

        Raises:
            NotFoundError: there is none, or somebody else took it up before.
            NoRelationError: the user does not treat this person, and somebody does.
        """
        with self._database.reading() as session:
            row = session.get(IntakeAlert, id_)
        if row is None:
            raise NotFoundError("There is no such alert.")
        if not self._orphans([row.patient]):
            self._relations.require(user, row.patient, client)
        with self._database.transaction() as session:
            done = session.execute(
                update(IntakeAlert)
                .where(IntakeAlert.id == id_, IntakeAlert.seen.is_(None))
                .values(seen=datetime.now(UTC), seen_by=user.id)
            )
            if changed(done) != 1:
                raise NotFoundError("Somebody took this alert up before.")
        return row.patient

    def whose(self, patient: str) -> list[str]:
        """Ids of the clinicians whom an alert of this person concerns."""
        clinicians = self._clinicians()
        treating = [one.id for one in clinicians if self._relations.treats(one, patient)]
        return treating or [one.id for one in clinicians]

    def _clinicians(self) -> Sequence[User]:
        with self._database.reading() as session:
            query = select(User).where(User.role == "clinician", User.disabled.is_(False))
            return session.scalars(query).all()

    def _orphans(self, patients: Iterable[str]) -> set[str]:
        """Those of some patients whom no clinician treats; one look for each, not for each pair."""
        staff = sorted({ref for one in self._clinicians() for ref in (one.acts_as or "").split()})
        return {one for one in patients if not self._relations.treated_by(staff, one)}

    def forget(self, before: datetime) -> int:
        """Delete alerts that were taken up before a moment; returns how many."""
        with self._database.transaction() as session:
            old = idle(IntakeAlert, IntakeAlert.seen < before)
            return changed(session.execute(delete(IntakeAlert).where(old)))
