"""Writes by what a resource is, not by its id: If-None-Exist, and PUT, PATCH, DELETE by search.

They run inside one turn of `services.fhir.writer.Writer`, so that two of them with the same
criteria find the same: the second sees what the first made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import uuid4

from sqlalchemy import select, true

from services.fhir._prepare import Prepared, prepare
from services.fhir.drafts import Match
from services.fhir.errors import (
    FhirConflictError,
    FhirNotFoundError,
    FhirPreconditionError,
    FhirRequestError,
)
from services.fhir.jsontext import loads
from services.fhir.models import ResourceRow
from services.fhir.results import Entry, Written
from services.fhir.search.compile import conditions, everything
from services.fhir.search.query import parse
from services.fhir.search.view import view_of
from services.fhir.writer import Writer

Pairs = Sequence[tuple[str, str]]
"""Names and values of a search."""


def the_id(writer: Writer, kind: str, pairs: Pairs) -> str | None:
    """Return the id of the one resource that a search finds, None where it finds none.

    Raises:
        ScopeError: the caller may not search the type.
        FhirRequestError: there are no criteria.
        FhirPreconditionError: there are several.
    """
    found = _matching(writer, kind, pairs)
    if len(found) > 1:
        raise FhirPreconditionError("several resources match", several=True)
    return found[0] if found else None


def the_one(writer: Writer, kind: str, pairs: Pairs) -> Entry | None:
    """Return the one resource that a search finds, if it may be written; errors as `the_id`."""
    found = the_id(writer, kind, pairs)
    return None if found is None else writer.mine(kind, found, "s")


def _matching(writer: Writer, kind: str, pairs: Pairs) -> Sequence[str]:
    """Ids of two matches that the caller may see, at most."""
    query = parse(kind, pairs)
    if not query.criteria:
        raise FhirRequestError("a condition needs at least one search parameter")
    view = view_of(query, writer.access) if writer.access is not None else None
    gate = everything if view is None else view.gate
    found = select(ResourceRow.id).where(
        ResourceRow.type == kind,
        *conditions(kind, query.criteria, ResourceRow, gate),
        true() if view is None else view.matches(kind, ResourceRow),
    )
    return writer.session.scalars(found.limit(2)).all()


def create_unless(writer: Writer, item: Prepared, pairs: Pairs) -> Written:
    """Create ``item`` unless there is one that matches already, which is left as it is."""
    writer.require(item.type, "c")
    known = the_one(writer, item.type, pairs)
    return writer.create(item) if known is None else writer.found(known)


def update_where(
    writer: Writer,
    kind: str,
    pairs: Pairs,
    content: bytes,
    *,
    match: Match | None = None,
    base: str = "",
) -> Written:
    """Write ``content`` over the one that matches; create it where none does.

    Args:
        writer: of the transaction.
        kind: resource type.
        pairs: the search.
        content: JSON text of the resource.
        match: versions over which it may be written.
        base: absolute URL of this server.

    Raises:
        FhirRequestError: the id of the content is not that of the match.
        FhirConflictError: none matches, but there is one with the id of the content.
    """
    writer.require(kind, "u")
    known, given = the_one(writer, kind, pairs), _given_id(content)
    if known is not None:
        if given not in {None, known.id}:
            raise FhirRequestError("the id of the resource is not that of the match")
        item = prepare(content, known.id, (kind, given), base)
        return writer.update(item, match=match)
    if given is None:
        if match is not None and not match(None):
            raise FhirPreconditionError("no resource matches")
        return writer.create(prepare(content, str(uuid4()), (kind, None), base))
    if writer.mine(kind, given, "u") is not None:
        raise FhirConflictError("none matches, and another resource has this id")
    return writer.update(prepare(content, at=(kind, given), base=base), match=match)


def patch_where(
    writer: Writer,
    kind: str,
    pairs: Pairs,
    change: Callable[[str], Prepared],
    match: Match | None = None,
) -> Written:
    """Patch the one that matches.

    Raises:
        FhirNotFoundError: none does.
    """
    writer.require(kind, "u")
    known = the_one(writer, kind, pairs)
    if known is None:
        raise FhirNotFoundError("no resource matches")
    return writer.patch(kind, known.id, change, match=match)


def delete_where(
    writer: Writer, kind: str, pairs: Pairs, match: Match | None = None
) -> Written | None:
    """Delete the one that matches; None where none does."""
    writer.require(kind, "d")
    known = the_one(writer, kind, pairs)
    return None if known is None else writer.delete(kind, known.id, match=match)


def _given_id(content: bytes) -> str | None:
    try:
        resource = loads(content)
    except (ValueError, RecursionError):
        return None
    given = resource.get("id") if isinstance(resource, dict) else None
    return given if isinstance(given, str) else None
