"""What of the stored resources a caller's access reaches, asked for many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.fhir._queries import BATCH, Key, among, chunks, owners
from services.fhir.access import Access, Letter
from services.fhir.models import ResourceRow
from services.fhir.results import Entry
from services.fhir.visible import visible

Owners = Mapping[Key, frozenset[str]]
"""Ids of the Patients in whose record a resource is."""


class Reach:
    """Asks within a transaction.

    Args:
        session: the transaction.
        access: of the caller; None where the program itself asks, which reaches everything.
    """

    def __init__(self, session: Session, access: Access | None) -> None:
        self._session, self.access = session, access

    def entries(self, keys: Iterable[Key]) -> dict[Key, Entry]:
        """Return what is current under ``keys``."""
        found = {}
        row = ResourceRow
        for chunk in chunks(keys):
            query = select(row.type, row.id, row.version, row.updated, row.body)
            query = query.where(among(row.type, row.id, chunk))
            for kind, identity, version, updated, body in self._session.execute(query):
                when = datetime.fromisoformat(updated)
                found[kind, identity] = Entry(kind, identity, version, when, body)
        return found

    def owners(self, keys: Sequence[Key]) -> Owners:
        """Return whose record each of ``keys`` is in; those in none are left out."""
        return owners(self._session, keys)

    def outside(self, letters: Mapping[Key, Letter], whose: Owners) -> frozenset[Key]:
        """Return those of some stored resources that the caller may not write so.

        Args:
            letters: what is to be done to each.
            whose: whose record each of them is in.

        Raises:
            CaretierError: that of the relation, where the caller does not treat a patient.
        """
        if self.access is None:
            return frozenset()
        bound = None if self.access.patient is None else frozenset({self.access.patient})
        shut = {key for key in letters if bound is not None and whose.get(key) != bound}
        for letter in sorted(frozenset(letters.values())):
            mine = [key for key, asked in letters.items() if asked == letter]
            shut.update(set(mine) - self.visible(mine, letter))
        for kind, identity in letters:
            if (kind, identity) not in shut:
                self.access.require_theirs(kind, whose.get((kind, identity), frozenset()))
        return frozenset(shut)

    def visible(self, keys: Iterable[Key], letter: Letter) -> frozenset[Key]:
        """Return those of some stored resources that the caller's scopes reach."""
        by_kind: dict[str, list[str]] = {}
        for kind, identity in keys:
            by_kind.setdefault(kind, []).append(identity)
        found: set[Key] = set()
        for kind, ids in by_kind.items():
            reached = select(ResourceRow.id).where(ResourceRow.type == kind)
            if self.access is not None:
                reached = reached.where(visible(self.access, kind, letter))
            for start in range(0, len(ids), BATCH):
                some = reached.where(ResourceRow.id.in_(ids[start : start + BATCH]))
                found.update((kind, identity) for identity in self._session.scalars(some))
        return frozenset(found)
