"""What was deleted since an instant, as an export tells it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.fhir import jsontext
from services.fhir.access import Access
from services.fhir.bulk.asked import Asked
from services.fhir.bulk.kinds import allowed, in_records
from services.fhir.models import OrderPatientRow, VersionOwnerRow, VersionRow

ENTRIES = 1_000
"""Deletions that one Bundle tells of at most."""


def deletions(
    session: Session, access: Access, asked: Asked, order: str
) -> Iterator[tuple[str, set[str]]]:
    """Yield transaction Bundles of the deletions since ``asked.since``, with whom they are about.

    Of a type that the scopes narrow to a search none is told: what a deleted resource said cannot
    be searched any more. Nor is any told of a type that ``_typeFilter`` narrows.
    """
    if not asked.since:
        return
    query = select(VersionRow.sequence, VersionRow.type, VersionRow.id).where(
        VersionRow.body.is_(None),
        VersionRow.replaced.is_(None),
        VersionRow.updated > asked.since,
    )
    if asked.until:
        query = query.where(VersionRow.updated <= asked.until)
    if asked.confined:
        cohort = select(OrderPatientRow.patient).where(OrderPatientRow.order == order)
        mine = select(VersionOwnerRow.sequence).where(VersionOwnerRow.patient.in_(cohort))
        query = query.where(VersionRow.sequence.in_(mine))
    told = {
        sequence: f"{kind}/{identity}"
        for sequence, kind, identity in session.execute(query.order_by(VersionRow.sequence))
        if _tells(access, asked, kind)
    }
    places = list(told)
    for start in range(0, len(places), ENTRIES):
        chunk = places[start : start + ENTRIES]
        owners = select(VersionOwnerRow.patient).where(VersionOwnerRow.sequence.in_(chunk))
        people = set(session.scalars(owners.distinct()))
        yield _bundle([told[place] for place in chunk]), people


def _tells(access: Access, asked: Asked, kind: str) -> bool:
    narrowed = access.queries(kind, "r") or access.queries(kind, "s")
    filtered = any(kind == filtered for filtered, _ in asked.filters)
    meant = not asked.types or kind in asked.types
    inside = asked.level == "system" or in_records(kind)
    return meant and inside and allowed(access, kind) and not narrowed and not filtered


def _bundle(gone: list[str]) -> str:
    entries = [{"request": {"method": "DELETE", "url": url}} for url in gone]
    return jsontext.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})
