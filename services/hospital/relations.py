"""Which clinician may open which chart: a treatment relation, or a broken glass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import cast
from uuid import uuid4

from sqlalchemy import select, update

from compliance.access.breakglass import LASTS, BrokenGlass, Category, Verdict, checked_reason
from compliance.errors import NotFoundError
from services.fhir.validate import ID
from services.hospital.audited import Auditor, Caller
from services.hospital.errors import NoRelationError, NotAllowedError
from services.hospital.models import GlassBreak, User
from services.hospital.treatment import treats
from services.store.database import Database
from services.store.rows import changed

MOST_SHOWN = 200
AT_ONCE = 200
"""Staff of one query; a database bounds how deep a condition may be."""


def _now() -> datetime:
    return datetime.now(UTC)


class Relations:
    """The treatment relations of one hospital.

    Args:
        database: with the tables of ``services.fhir`` and ``services.hospital``.
        auditor: writes down refusals, emergency access and reviews.
        required: False lets every clinician open every chart; each opening is audited anyway.
        clock: the present; tests move it.
    """

    def __init__(
        self,
        database: Database,
        auditor: Auditor,
        *,
        required: bool = True,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database, self._auditor = database, auditor
        self._required, self._clock = required, clock

    def basis(self, user: User, patient: str) -> str | None:
        """Why this user may open this chart (``Type/id``, ``glass:id``, ``any``); None: may not."""
        if not self._required:
            return "any"
        if not ID.fullmatch(patient):
            return None
        now = self._clock()
        with self._database.reading() as session:
            found = treats(session, (user.acts_as or "").split(), patient, now)
            query = select(GlassBreak).where(
                GlassBreak.user_id == user.id,
                GlassBreak.patient == patient,
                GlassBreak.expires > now,
            )
            glass = [_glass(row) for row in session.scalars(query)]
        return found or next((f"glass:{one.id}" for one in glass if one.open_at(now)), None)

    def treats(self, user: User, patient: str) -> bool:
        """Whether the record joins an account to a patient now, whatever else opens charts."""
        return self.treated_by((user.acts_as or "").split(), patient)

    def treated_by(self, staff: Sequence[str], patient: str) -> bool:
        """Whether the record joins any of the staff (references) to a patient now."""
        if not ID.fullmatch(patient):
            return False
        with self._database.reading() as session:
            return any(
                treats(session, staff[at : at + AT_ONCE], patient, self._clock()) is not None
                for at in range(0, len(staff), AT_ONCE)
            )

    def require(self, user: User, patient: str, client: str | None = None) -> None:
        """Let a clinician pass who treats this patient.

        Raises:
            NoRelationError: they do not; the refusal is on the audit trail.
            AuditError: the refusal could not be written down.
        """
        if self.basis(user, patient) is None:
            what = f"Patient/{patient}" if ID.fullmatch(patient) else "Patient/unknown"
            self._auditor.refused(Caller.user(user.id, user.role, client), what)
            raise NoRelationError("You have no treatment relation with this patient.")

    def break_glass(
        self,
        user: User,
        patient: str,
        reason: str,
        client: str | None = None,
        *,
        category: Category | None = None,
    ) -> BrokenGlass:
        """Open a chart for `LASTS`, whatever the relation.

        Args:
            user: who opens it.
            patient: id of the Patient.
            reason: in their own words.
            client: network address that they ask from.
            category: kind of emergency.

        Raises:
            NotAllowedError: the user is no clinician.
            BadInputError: the reason cannot be judged.
            AuditError: it could not be written down; the chart stays closed.
        """
        if user.role != "clinician" or not ID.fullmatch(patient):
            raise NotAllowedError("Only a clinician opens a chart.")
        why, now = checked_reason(reason), self._clock()
        by = Caller.user(user.id, user.role, client)
        self._auditor.break_glass(by, f"Patient/{patient}", why, category)
        row = GlassBreak(
            id=str(uuid4()),
            user_id=user.id,
            patient=patient,
            category=category,
            reason=why,
            opened=now,
            expires=now + LASTS,
        )
        with self._database.transaction() as session:
            session.add(row)
        return _glass(row)

    def glass(self, user: User, patient: str) -> BrokenGlass | None:
        """The emergency access under which a chart is open now, if it is open by that alone."""
        basis = self.basis(user, patient) or ""
        if not basis.startswith("glass:"):
            return None
        with self._database.reading() as session:
            return _glass(session.get_one(GlassBreak, basis.removeprefix("glass:")))

    def waiting(self) -> list[BrokenGlass]:
        """Emergency accesses that nobody has reviewed, the oldest first."""
        query = select(GlassBreak).where(GlassBreak.verdict.is_(None)).order_by(GlassBreak.opened)
        with self._database.reading() as session:
            return [_glass(row) for row in session.scalars(query.limit(MOST_SHOWN))]

    def reviewed(self, limit: int = 50) -> list[BrokenGlass]:
        """Emergency accesses with a verdict, the newest first."""
        query = select(GlassBreak).where(GlassBreak.verdict.is_not(None))
        with self._database.reading() as session:
            rows = session.scalars(query.order_by(GlassBreak.opened.desc()).limit(limit))
            return [_glass(row) for row in rows]

    def review(
        self, id_: str, by: User, verdict: str, note: str = "", *, client: str | None = None
    ) -> None:
        """Say whether an emergency access was justified; the first word stays.

        Raises:
            NotAllowedError: the reviewer is no privacy officer, or reviews themselves.
            NotFoundError: nothing of this id waits.
            AuditError: it could not be written down.
        """
        if by.role != "privacy" or verdict not in {"justified", "not-justified"}:
            raise NotAllowedError("Only a privacy officer reviews an emergency access.")
        found = next((one for one in self.waiting() if one.id == id_), None)
        if found is None or found.user == by.id:
            raise NotFoundError("There is no such access to review.")
        caller = Caller.user(by.id, by.role, client)
        self._auditor.review(caller, f"Patient/{found.patient}", id_, verdict)
        with self._database.transaction() as session:
            done = session.execute(
                update(GlassBreak)
                .where(GlassBreak.id == id_, GlassBreak.verdict.is_(None))
                .values(verdict=verdict, reviewed_by=by.id, reviewed=self._clock(), note=note[:500])
            )
            if changed(done) != 1:
                raise NotFoundError("There is no such access to review.")


def _glass(row: GlassBreak) -> BrokenGlass:
    return BrokenGlass(
        id=row.id,
        user=row.user_id,
        patient=row.patient,
        category=cast("Category | None", row.category),
        reason=row.reason,
        opened=row.opened,
        expires=row.expires,
        verdict=cast("Verdict | None", row.verdict),
        reviewer=row.reviewed_by,
        note=row.note,
    )
