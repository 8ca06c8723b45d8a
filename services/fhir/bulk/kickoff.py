"""Beginning an export: who asks, what for, and whose records that is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.fhir import jsontext
from services.fhir.access import Access, Grant, ScopeError
from services.fhir.bulk.asked import Asked, Level, Pair, read
from services.fhir.bulk.kinds import allowed
from services.fhir.bulk.orders import Orders
from services.fhir.errors import FhirNotFoundError, FhirParameterError
from services.fhir.models import ResourceRow
from services.fhir.visible import visible
from services.store.database import Database

_MEMBER = re.compile(r"(?:https?://[^\s?#]+/)?Patient/([A-Za-z0-9\-.]{1,64})")
LENIENT = "handling=lenient"
IDS = 400
"""Ids that one statement names."""


def program(access: Access) -> Grant:
    """The grant of a caller who may have bulk data at all.

    Raises:
        ScopeError: a person asks, or a program that may see some people's records only.
    """
    if access.grant is None or access.patient is not None or access.relation is not None:
        raise ScopeError("Bulk data is for programs with system/ scopes.")
    return access.grant


def preferences(values: Iterable[str]) -> frozenset[str]:
    """What ``Prefer`` headers say, in lower case without spaces."""
    parts = (part for value in values for part in re.split(r"[,;]", value))
    return frozenset(part.replace(" ", "").lower() for part in parts)


def require_async(prefer: frozenset[str]) -> None:
    """Refuse a caller who does not ask for an answer later, unless it is lenient.

    Raises:
        FhirParameterError: it does not.
    """
    if not {"respond-async", LENIENT} & prefer:
        raise FhirParameterError(
            "bulk data needs the header Prefer: respond-async",
            remedy="Send it; the answer then says where the files will be.",
        )


class KickOff:
    """Begins exports.

    Args:
        database: of the store.
        orders: where they are taken.
    """

    def __init__(self, database: Database, orders: Orders) -> None:
        self._database, self._orders = database, orders

    def begin(
        self,
        access: Access,
        pairs: Sequence[Pair],
        *,
        level: Level,
        group: str = "",
        request: str,
        prefer: frozenset[str],
    ) -> str:
        """Take the order of an export; returns its id.

        Args:
            access: of the caller.
            pairs: parameters.
            level: whose data.
            group: id of the Group, at that level.
            request: URL that was asked.
            prefer: see `preferences`.

        Raises:
            ScopeError, FhirParameterError, FhirNotFoundError, BulkBusyError: nothing was begun.
        """
        grant = program(access)
        require_async(prefer)
        lenient = LENIENT in prefer
        asked, patients = read(pairs, level, group=group, lenient=lenient)
        for kind in asked.types:
            if not allowed(access, kind):
                raise ScopeError(f"The scopes of this client do not cover {kind}.")
        with self._database.reading() as session:
            people = self._people(session, access, asked, patients)
        return self._orders.open(
            "export", grant, request=request, asked=asked.dump(), patients=people
        )

    def _people(
        self, session: Session, access: Access, asked: Asked, patients: tuple[str, ...]
    ) -> list[str]:
        members = _members(session, access, asked.group) if asked.level == "Group" else None
        if not patients:
            return sorted(members or ())
        known = set(patients) if members is None else set(patients) & members
        for start in range(0, len(patients), IDS):
            chunk = patients[start : start + IDS]
            here = select(ResourceRow.id).where(
                ResourceRow.type == "Patient",
                ResourceRow.id.in_(chunk),
                visible(access, "Patient", "r"),
            )
            known -= set(chunk) - set(session.scalars(here))
        if missing := len(patients) - len(known):
            raise FhirParameterError(
                f"{missing} of the patients named are not there, or not in the group",
                remedy="Name only patients whose records you may have.",
            )
        return sorted(known)


def _members(session: Session, access: Access, group: str) -> set[str]:
    """Ids of the active members of a group who are patients."""
    access.require("Group", "r")
    row = session.scalar(
        select(ResourceRow).where(
            ResourceRow.type == "Group", ResourceRow.id == group, visible(access, "Group", "r")
        )
    )
    if row is None:
        raise FhirNotFoundError("there is no such group for this caller")
    found = set()
    for member in jsontext.loads(row.body).get("member", ()):
        entity = _MEMBER.fullmatch(str(member.get("entity", {}).get("reference", "")))
        if entity and member.get("inactive") is not True:
            found.add(entity[1])
    return found
