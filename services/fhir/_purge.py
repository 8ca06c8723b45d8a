"""Destroying a person's record, with everything that it ever said."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.fhir._queries import Key, among, chunks
from services.fhir.models import (
    INDEXES,
    ReferenceRow,
    ResourceRow,
    VersionOwnerRow,
    VersionRow,
)
from services.store.rows import changed


def purge(session: Session, patient: str) -> int:
    """Destroy what is, or was, in the record of a Patient; return the number of versions.

    Nothing of it can be told afterwards, not even that it was deleted. What names the person from
    another's record stays.
    """
    mine = select(ReferenceRow.source_type, ReferenceRow.source_id).where(
        ReferenceRow.target_type == "Patient",
        ReferenceRow.target_id == patient,
        ReferenceRow.compartment == 1,
    )
    keys = {("Patient", patient), *((kind, identity) for kind, identity in session.execute(mine))}
    destroyed = sum(_destroy(session, chunk) for chunk in chunks(sorted(keys)))
    was = select(VersionOwnerRow.sequence).where(VersionOwnerRow.patient == patient)
    own = (VersionRow.type == "Patient") & (VersionRow.id == patient)
    old = set(session.scalars(was)) | set(session.scalars(select(VersionRow.sequence).where(own)))
    for sequence in sorted(old):
        session.execute(delete(VersionOwnerRow).where(VersionOwnerRow.sequence == sequence))
        destroyed += changed(
            session.execute(delete(VersionRow).where(VersionRow.sequence == sequence))
        )
    return destroyed


def _destroy(session: Session, keys: list[Key]) -> int:
    for table in INDEXES:
        session.execute(delete(table).where(among(table.source_type, table.source_id, keys)))
    current = delete(ResourceRow).where(among(ResourceRow.type, ResourceRow.id, keys))
    return changed(session.execute(current))
