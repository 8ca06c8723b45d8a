"""Which rows a caller may see: the one criterion of every read, search and export.

A caller who is bound to one patient sees that record: what is in the patient's compartment, and the
practitioners, organisations, places and medications that it names, or that those name in turn.
Scopes take types away, or leave of a type what matches one of their searches. A Subscription is
seen by the program that made it alone: its channel may hold a secret of the subscriber's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, literal, not_, or_, select, true
from sqlalchemy.orm import aliased

from services.fhir._queries import SUPPORTING
from services.fhir.access import Access, Letter
from services.fhir.models import ReferenceRow, ResourceRow, SubscriptionRow, TokenRow
from services.fhir.references import THROUGH
from services.fhir.search.index import IDENTIFIED
from services.fhir.search.narrow import narrowed
from services.fhir.validate import ID

Condition = ColumnElement[bool]


def visible(
    access: Access, kind: str, letter: Letter, patient: str | None = None, row: Any = ResourceRow
) -> Condition:
    """Return the criterion on `ResourceRow` that holds for what a caller may see of a type.

    Args:
        access: of the caller.
        kind: resource type.
        letter: what is done to it.
        patient: id of the one Patient whose record is meant, where the request names one.
        row: `ResourceRow`, or the alias of it that is queried.
    """
    if letter == "r" and access.own is not None and access.own[0] == kind:
        others = visible(replace(access, own=None), kind, letter, patient, row)
        return or_(row.id == access.own[1], others)
    if not access.allows(kind, letter):
        return false()
    people = dict.fromkeys(one for one in (access.patient, patient) if one)
    found = [of_record(one, kind, row) for one in people]
    if queries := access.queries(kind, letter):
        found.append(narrowed(kind, queries, row))
    if kind == "Subscription":
        found.append(not_anothers(access, row))
    return and_(true(), *found)


def not_anothers(access: Access, row: Any) -> Condition:
    """Return the criterion that a Subscription was not made by another program than the caller."""
    if access.grant is None and access.relation is None:
        return true()  # this program itself
    client = access.grant.client if access.grant else ""
    others = select(SubscriptionRow.id).where(SubscriptionRow.client != client)
    return row.id.not_in(others)  # type: ignore[no-any-return]


def of_record(patient: str, kind: str, row: Any = ResourceRow) -> Condition:
    """Return the criterion that a resource is in the record of one person, or named by it."""
    if not ID.fullmatch(patient):
        return false()
    if kind == "Patient":
        return row.id == patient  # type: ignore[no-any-return]
    mine = aliased(ReferenceRow)
    inside = select(mine.source_id).where(mine.source_type == kind, *_compartment(mine, patient))
    ways = [row.id.in_(inside)]
    if kind in SUPPORTING:
        ways.append(row.id.in_(_supporting(kind, patient)))
    elif kind in THROUGH:
        ways.append(_through(kind, patient, row))
    return or_(*ways)


def _compartment(row: Any, patient: str) -> tuple[Condition, ...]:
    return row.target_type == "Patient", row.target_id == patient, row.compartment == 1


def _through(kind: str, patient: str, row: Any) -> Condition:
    """Points into the record, and into nobody else's."""
    link, mine = aliased(ReferenceRow), aliased(ReferenceRow)
    in_it = and_(mine.source_type == link.target_type, mine.source_id == link.target_id)
    pointing = (link.source_type == kind, link.path == THROUGH[kind])
    into = select(link.source_id).join(mine, in_it).where(*_compartment(mine, patient), *pointing)
    other, theirs = aliased(ReferenceRow), aliased(ReferenceRow)
    known = (
        select(theirs.source_id)
        .where(
            theirs.source_type == other.target_type,
            theirs.source_id == other.target_id,
            *_compartment(theirs, patient),
        )
        .exists()
    )
    elsewhere = (
        select(other.source_id)
        .where(
            other.source_type == kind,
            other.source_id == row.id,
            other.path == THROUGH[kind],
            other.target_type.not_in(SUPPORTING),
            not_(known),
            not_(and_(other.target_type == "Patient", other.target_id == patient)),
        )
        .exists()
    )
    return and_(row.id.in_(into), not_(elsewhere))


def _supporting(kind: str, patient: str) -> Any:
    """Ids of the resources of a type that the record names, or that those name in turn."""
    mine = aliased(ReferenceRow)
    record = (
        select(mine.source_type.label("type"), mine.source_id.label("id"))
        .where(*_compartment(mine, patient))
        .union(select(literal("Patient").label("type"), literal(patient).label("id")))
        .subquery()
    )
    named = _named_by(record).cte(recursive=True)
    named = named.union(_named_by(named))
    return select(named.c.id).where(named.c.type == kind)


def _named_by(sources: Any) -> Any:
    """Type and id of what ``sources`` name, of the types that come along with a record."""
    link, token = aliased(ReferenceRow), aliased(TokenRow)
    by_identifier = and_(
        link.target_id == "",
        token.source_type.in_(SUPPORTING),
        token.parameter == IDENTIFIED,
        token.code == link.identifier,
        or_(link.target_type == "", token.source_type == link.target_type),
    )
    return (
        select(
            func.coalesce(token.source_type, link.target_type).label("type"),
            func.coalesce(token.source_id, link.target_id).label("id"),
        )
        .select_from(sources)
        .join(link, and_(link.source_type == sources.c.type, link.source_id == sources.c.id))
        .outerjoin(token, by_identifier)
        .where(
            link.target_type.in_([*SUPPORTING, ""]),
            or_(link.target_id != "", token.source_id.is_not(None)),
        )
    )
