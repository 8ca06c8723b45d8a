"""The store's SQL: the criteria of a search, and the steps from a record to who is named in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select, tuple_
from sqlalchemy.orm import Session

from services.fhir.errors import FhirParameterError
from services.fhir.models import ReferenceRow, ResourceRow, TokenRow
from services.fhir.references import THROUGH
from services.fhir.validate import ID

BATCH = 400
"""Keys that one statement names at most."""
SUPPORTING = (
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "Medication",
    "HealthcareService",
)
"""Types that belong to nobody's record and come along with a record that refers to them."""
Key = tuple[str, str]
"""Type and id of a resource."""


def chunks(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """Cut ``keys`` into lists of at most `BATCH`, below every database's limit of parameters."""
    items = iter(keys)
    while chunk := list(islice(items, BATCH)):
        yield chunk


def among(kind: Any, identity: Any, keys: Iterable[Key]) -> ColumnElement[bool]:
    """The criterion "type and id are one of ``keys``", in a form that SQLite finds by key."""
    by_kind: dict[str, list[str]] = {}
    for name, value in keys:
        by_kind.setdefault(name, []).append(value)
    return or_(false(), *(and_(kind == name, identity.in_(ids)) for name, ids in by_kind.items()))


def _alike(keys: Iterable[Key]) -> Iterator[tuple[str, list[str]]]:
    """Cut ``keys`` into ids of one type, at most `BATCH` of them.

    SQLite looks a list of pairs up by reading the whole index as soon as another column is asked
    about as well; a type and a list of its ids it looks up by key.
    """
    by_kind: dict[str, list[str]] = {}
    for kind, identity in keys:
        by_kind.setdefault(kind, []).append(identity)
    for kind, ids in by_kind.items():
        for start in range(0, len(ids), BATCH):
            yield kind, ids[start : start + BATCH]


def digests(
    session: Session, keys: Sequence[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the digest of each of ``keys`` that is stored."""
    known = among(ResourceRow.type, ResourceRow.id, keys)
    query = select(ResourceRow.type, ResourceRow.id, ResourceRow.digest).where(known)
    for kind, identity, digest in session.execute(query):
        yield (kind, identity), digest


def rows(session: Session, keys: Iterable[tuple[str, str]]) -> Iterator[ResourceRow]:
    """Yield the stored rows of ``keys``, in no particular order."""
    for chunk in chunks(keys):
        known = among(ResourceRow.type, ResourceRow.id, chunk)
        yield from session.scalars(select(ResourceRow).where(known))


def owners(session: Session, keys: Sequence[Key]) -> dict[Key, frozenset[str]]:
    """Return the ids of the Patients in whose compartment each of ``keys`` is, if it is in any."""
    found = _own(session, keys)
    through = [key for key in keys if key[0] in THROUGH]
    pointed = list(_pointed_at(session, through))
    theirs = _own(session, sorted({target for _, target in pointed}))
    for key, target in pointed:
        found.setdefault(key, set()).update(theirs.get(target, ()))
    return {key: frozenset(mine) for key, mine in found.items() if mine}


def _pointed_at(session: Session, keys: Sequence[Key]) -> Iterator[tuple[Key, Key]]:
    """Yield each of ``keys`` (of the types of `THROUGH`) with what it belongs to."""
    for kind, ids in _alike(keys):
        query = select(
            ReferenceRow.source_id,
            ReferenceRow.path,
            ReferenceRow.target_type,
            ReferenceRow.target_id,
        ).where(ReferenceRow.source_type == kind, ReferenceRow.source_id.in_(ids))
        for identity, path, target, target_id in session.execute(query):
            if path == THROUGH[kind] and target_id:
                yield (kind, identity), (target, target_id)


def _own(session: Session, keys: Sequence[Key]) -> dict[Key, set[str]]:
    """The Patients whom each of ``keys`` names in an element of the compartment."""
    found: dict[Key, set[str]] = {key: {key[1]} for key in keys if key[0] == "Patient"}
    for kind, ids in _alike(keys):
        query = select(ReferenceRow.source_id, ReferenceRow.target_id).where(
            ReferenceRow.source_type == kind,
            ReferenceRow.source_id.in_(ids),
            ReferenceRow.target_type == "Patient",
            ReferenceRow.compartment == 1,
            ReferenceRow.target_id != "",
        )
        for identity, patient in session.execute(query):
            found.setdefault((kind, identity), set()).add(patient)
    return found


def supports(session: Session, sources: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return who and what (`SUPPORTING`) the resources of ``sources`` name."""
    found: set[tuple[str, str]] = set()
    for source, ids in _alike(sources):
        named = and_(
            ReferenceRow.source_type == source,
            ReferenceRow.source_id.in_(ids),
            ReferenceRow.target_type.in_([*SUPPORTING, ""]),
        )
        query = select(ReferenceRow.target_type, ReferenceRow.target_id, ReferenceRow.identifier)
        asked = set()
        for kind, identity, identifier in session.execute(query.where(named).distinct()):
            if identity:
                found.add((kind, identity))
            else:
                asked.add(tuple(identifier.partition("|")[::2]))
        found |= by_identifier(session, sorted(asked))
    return found


def by_identifier(session: Session, asked: list[Any]) -> set[tuple[str, str]]:
    """Return which of `SUPPORTING` have one of these identifiers, pairs of system and value."""
    if not asked:
        return set()
    query = select(TokenRow.source_type, TokenRow.source_id).where(
        TokenRow.parameter == "identifier",
        TokenRow.source_type.in_(SUPPORTING),
        tuple_(TokenRow.system, TokenRow.code).in_(asked),
    )
    return {(kind, identity) for kind, identity in session.execute(query)}


def in_record(kind: str, patient: str) -> Any:
    """Return the criterion "in the compartment of ``patient``" for resources of ``kind``."""
    identity = patient.removeprefix("Patient/")
    if not ID.fullmatch(identity):
        raise FhirParameterError("patient must be an id or Patient/id")
    if kind == "Patient":
        return ResourceRow.id == identity
    inside = select(ReferenceRow.source_id).where(
        ReferenceRow.source_type == kind,
        ReferenceRow.target_type == "Patient",
        ReferenceRow.target_id == identity,
        ReferenceRow.compartment == 1,
    )
    return ResourceRow.id.in_(inside)


def has_token(parameter: str, asked: str) -> Any:
    """Return the criterion "has one of the comma-separated tokens" for ``parameter``."""
    choices = []
    for item in asked.split(","):
        system, bar, code = item.rpartition("|")
        if not code:
            raise FhirParameterError(f"{parameter} must be code or system|code")
        choices.append(
            and_(TokenRow.code == code, TokenRow.system == system) if bar else TokenRow.code == code
        )
    matching = select(TokenRow.source_id).where(
        TokenRow.source_type == ResourceRow.type, TokenRow.parameter == parameter, or_(*choices)
    )
    return ResourceRow.id.in_(matching)
