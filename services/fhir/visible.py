"""Which rows a caller may see: the one criterion of every read, search and export."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, false, or_, select, true

from services.fhir._queries import SUPPORTING, in_record
from services.fhir.access import Access, Letter
from services.fhir.models import ReferenceRow, ResourceRow


def visible(
    access: Access, kind: str, letter: Letter, patient: str | None = None
) -> ColumnElement[bool]:
    """Return the criterion on `ResourceRow` that holds for what a caller may see of a type.

    Args:
        access: of the caller.
        kind: resource type.
        letter: what is done to it.
        patient: id of the one Patient whose record is meant, where the request names one.
    """
    if not access.allows(kind, letter):
        return false()
    whose = access.patient or patient
    if whose is None:
        return true()
    inside: Any = in_record(kind, whose)
    return or_(inside, _supporting(kind, whose)) if kind in SUPPORTING else inside


def _supporting(kind: str, patient: str) -> ColumnElement[bool]:
    """Named by a resource of the person's record."""
    record = select(ReferenceRow.source_type, ReferenceRow.source_id).where(
        ReferenceRow.target_type == "Patient",
        ReferenceRow.target_id == patient,
        ReferenceRow.compartment == 1,
    )
    mine = record.subquery()
    named = (
        select(ReferenceRow.target_id)
        .join(
            mine,
            (mine.c.source_type == ReferenceRow.source_type)
            & (mine.c.source_id == ReferenceRow.source_id),
        )
        .where(ReferenceRow.target_type == kind)
    )
    return ResourceRow.id.in_(named)
