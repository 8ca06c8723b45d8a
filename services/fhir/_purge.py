"""Destroying a person's record, with everything that it ever said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from services.fhir._queries import BATCH, Key, among, chunks, owners
from services.fhir.models import (
    INDEXES,
    ReferenceRow,
    ResourceRow,
    VersionOwnerRow,
    VersionRow,
)
from services.fhir.references import THROUGH
from services.store.rows import changed


@dataclass(frozen=True)
class Extent:
    """What an erasure of a person's record would destroy, and what not.

    Attributes:
        resources: how many of each type go.
        versions: how many former versions and deletions go with them.
        shared: how many resources stay, since they are in somebody else's record, too.
    """

    resources: Mapping[str, int]
    versions: int
    shared: int


def extent(session: Session, patient: str) -> Extent:
    """Count what `purge` would destroy."""
    own, shared = _record(session, patient)
    types: Counter[str] = Counter()
    for chunk in chunks(sorted(own)):
        there = select(ResourceRow.type).where(among(ResourceRow.type, ResourceRow.id, chunk))
        types.update(session.scalars(there))
    gone, _ = _former(session, patient, own)
    return Extent(dict(sorted(types.items())), len(gone), len(shared))


def purge(session: Session, patient: str) -> int:
    """Destroy what is, or was, in the record of a Patient alone; return the number of versions.

    Nothing of it can be told afterwards, not even that it was deleted. What is in another's record
    as well, or only names the person there, stays: it is that other person's, too.
    """
    own, _ = _record(session, patient)
    gone, kept = _former(session, patient, own)  # before the index that tells whose it is goes
    destroyed = sum(_destroy(session, chunk) for chunk in chunks(sorted(own)))
    for batch in _batches(sorted(gone | kept)):
        mine = VersionOwnerRow.sequence.in_(batch)
        session.execute(delete(VersionOwnerRow).where(mine, VersionOwnerRow.patient == patient))
    for batch in _batches(sorted(gone)):
        dropped = session.execute(delete(VersionRow).where(VersionRow.sequence.in_(batch)))
        destroyed += changed(dropped)
    return destroyed


def _record(session: Session, patient: str) -> tuple[set[Key], set[Key]]:
    """What is in the record now: the resources that are in it alone, and those in others', too."""
    mine = select(ReferenceRow.source_type, ReferenceRow.source_id).where(
        ReferenceRow.target_type == "Patient",
        ReferenceRow.target_id == patient,
        ReferenceRow.compartment == 1,
    )
    keys = {("Patient", patient), *((kind, identity) for kind, identity in session.execute(mine))}
    for chunk in chunks(sorted(keys)):
        keys |= _pointing(session, chunk)
    whose: dict[Key, frozenset[str]] = {}
    for chunk in chunks(sorted(keys)):
        whose |= owners(session, chunk)
    own = {key for key in keys if whose.get(key, frozenset()) <= {patient}}
    return own, keys - own


def _pointing(session: Session, keys: list[Key]) -> set[Key]:
    """What belongs where any of ``keys`` does, since it points at it (see `THROUGH`)."""
    through = or_(
        *(
            and_(ReferenceRow.source_type == kind, ReferenceRow.path == path)
            for kind, path in THROUGH.items()
        )
    )
    at = among(ReferenceRow.target_type, ReferenceRow.target_id, keys)
    query = select(ReferenceRow.source_type, ReferenceRow.source_id).where(through, at)
    return {(kind, identity) for kind, identity in session.execute(query)}


def _former(session: Session, patient: str, own: set[Key]) -> tuple[set[int], set[int]]:
    """Places of former versions: those of this person alone, and those of others, too."""
    was = select(VersionOwnerRow.sequence).where(VersionOwnerRow.patient == patient)
    places = set(session.scalars(was))
    for chunk in chunks(sorted(own)):
        of = among(VersionRow.type, VersionRow.id, chunk)
        places |= set(session.scalars(select(VersionRow.sequence).where(of)))
    kept: set[int] = set()
    for batch in _batches(sorted(places)):
        others = select(VersionOwnerRow.sequence).where(
            VersionOwnerRow.sequence.in_(batch), VersionOwnerRow.patient != patient
        )
        kept |= set(session.scalars(others))
    return places - kept, kept


def _batches(places: list[int]) -> Iterator[list[int]]:
    items = iter(places)
    while batch := list(islice(items, BATCH)):
        yield batch


def _destroy(session: Session, keys: list[Key]) -> int:
    for table in INDEXES:
        session.execute(delete(table).where(among(table.source_type, table.source_id, keys)))
    current = delete(ResourceRow).where(among(ResourceRow.type, ResourceRow.id, keys))
    return changed(session.execute(current))
