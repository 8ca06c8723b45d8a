"""Who treats whom, by the hospital's own record.

An account stands for entries of the record (``Practitioner/x``, and the desks that the person works
at: ``PractitionerRole/…``, ``Organization/…``, ``HealthcareService/…``). A patient is treated where
one of them is named in something that is open: a referral or order (ServiceRequest), a Task, an
Encounter that runs or ended lately, an Appointment ahead, a CareTeam, an EpisodeOfCare, or as the
Patient's general practitioner.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from services.fhir.models import ReferenceRow, ResourceRow

OPEN_STATES = {
    "Appointment": {"pending", "booked", "arrived", "checked-in"},
    "CareTeam": {"active"},
    "Encounter": {"planned", "arrived", "triaged", "in-progress", "onleave", "finished"},
    "EpisodeOfCare": {"active"},
    "ServiceRequest": {"active", "on-hold"},
    "Task": {"requested", "received", "accepted", "ready", "in-progress", "on-hold"},
}
"""Status of what makes a treatment relation."""
AFTERCARE = timedelta(days=30)
"""An encounter that ended, or an appointment that is over, counts for so long."""


def treats(session: Session, staff: Sequence[str], patient: str, now: datetime) -> str | None:
    """What makes the treatment relation, as ``Type/id``; None where there is none.

    Args:
        session: on a database with the tables of ``services.fhir``.
        staff: references that an account stands for.
        patient: logical id of the Patient.
        now: the present, with a zone.
    """
    named = [reference.partition("/")[::2] for reference in staff]
    if not named:
        return None
    mine, theirs = aliased(ReferenceRow), aliased(ReferenceRow)
    is_me = or_(*(and_(mine.target_type == kind, mine.target_id == id_) for kind, id_ in named))
    practitioner = select(mine.source_id).where(
        mine.source_type == "Patient",
        mine.source_id == patient,
        mine.path.contains("generalPractitioner"),
        is_me,
    )
    if session.scalars(practitioner.limit(1)).first() is not None:
        return f"Patient/{patient}"
    query = (
        select(ResourceRow)
        .join(
            theirs, and_(theirs.source_type == ResourceRow.type, theirs.source_id == ResourceRow.id)
        )
        .join(mine, and_(mine.source_type == ResourceRow.type, mine.source_id == ResourceRow.id))
        .where(
            theirs.target_type == "Patient",
            theirs.target_id == patient,
            theirs.compartment == 1,
            ResourceRow.type.in_(OPEN_STATES),
            is_me,
        )
    )
    for row in session.scalars(query):
        if _open(json.loads(row.body), now):
            return f"{row.type}/{row.id}"
    return None


def _open(resource: dict[str, Any], now: datetime) -> bool:
    """Whether a resource stands for treatment that goes on, or ended lately."""
    kind, status = resource["resourceType"], resource.get("status")
    if status not in OPEN_STATES[kind]:
        return False
    if kind == "Encounter" and status == "finished":
        return _lately(resource.get("period", {}).get("end"), now)
    if kind == "Appointment":
        return _lately(resource.get("end") or resource.get("start"), now)
    end = resource.get("period", {}).get("end")
    return end is None or _lately(end, now)


def _lately(moment: Any, now: datetime) -> bool:
    """Whether a moment is ahead, or not longer ago than `AFTERCARE`; an unreadable one is not."""
    try:
        read = datetime.fromisoformat(str(moment))
    except ValueError:
        return False
    aware = read if read.tzinfo else read.replace(tzinfo=UTC)
    return now - aware <= AFTERCARE
