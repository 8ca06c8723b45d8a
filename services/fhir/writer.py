"""One transaction of writes: what it may do, what it did, and what is told of it.

    store.write(lambda writer: writer.delete("Observation", "o1"), access)

Every step is checked against the caller's `Access` where it is taken: a resource that is changed or
deleted must be the caller's to change before, and what is written must be theirs afterwards. The
changes are told to `Access.change` at the end, still inside the transaction: where that raises, as
everywhere else, nothing is left of it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from services.fhir._history import last_version
from services.fhir._prepare import Prepared
from services.fhir._queries import Key, owners
from services.fhir._turn import Turn
from services.fhir._versions import Method, remove, write
from services.fhir.access import Access, Change, Letter, ScopeError
from services.fhir.errors import (
    FhirBusyError,
    FhirGoneError,
    FhirNotFoundError,
    FhirPreconditionError,
)
from services.fhir.models import ResourceRow
from services.fhir.policy import require_writable
from services.fhir.results import Entry, Written
from services.fhir.visible import visible
from services.store.database import Database

ATTEMPTS = 5
"""How often a transaction is begun that the database breaks off for another one."""
Result = TypeVar("Result")
Match = Callable[[int | None], bool]
"""Whether a version number, or None where nothing is, is what the request expects."""
NOT_HERE = "there is no such resource for this caller"


class Writer:
    """Writes within one transaction; made by `FhirStore.write`.

    Args:
        session: the transaction.
        access: what the caller may do; None where the program itself writes.
    """

    def __init__(self, session: Session, access: Access | None) -> None:
        self.session, self.access = session, access
        self._turn = Turn(session)
        self._changes: list[Change] = []

    def put_all(self, items: Sequence[Prepared]) -> None:
        """Write many, each key once, as the program itself."""
        write(self.session, self._turn, items, "PUT")

    def create(self, item: Prepared, *, method: Method = "POST") -> Written:
        """Write a new resource under the id that the server chose.

        Raises:
            ScopeError: the caller may not create it.
        """
        self.require(item.type, "c")
        return self._written(item, None, method, "c")

    def found(self, entry: Entry) -> Written:
        """The answer to a write that finds what it wants there already."""
        return self._answer(entry, "unchanged")

    def update(
        self, item: Prepared, *, match: Match | None = None, method: Method = "PUT"
    ) -> Written:
        """Write the next version of a resource, or the first where there is none.

        Raises:
            ScopeError: the caller may not change it, or not into this.
            FhirNotFoundError: it is not this caller's.
            FhirPreconditionError: ``match`` does not take the current version.
        """
        self.require(item.type, "u")
        before = self.mine(item.type, item.id, "u")
        if before is None and self.access is not None and self.access.patient:
            raise FhirNotFoundError(NOT_HERE)  # ids are the server's to give
        _require_match(match, before)
        return self._written(item, before, method, "u")

    def patch(
        self,
        kind: str,
        identity: str,
        change: Callable[[str], Prepared],
        *,
        match: Match | None = None,
    ) -> Written:
        """Write what ``change`` makes of a resource's text.

        Raises:
            FhirGoneError: it was deleted.
            FhirNotFoundError: it is not there, or not this caller's.
            ScopeError, FhirPreconditionError: as `update`.
        """
        self.require(kind, "u")
        before = self.mine(kind, identity, "u")
        if before is None:
            self._gone(kind, identity)
            raise FhirGoneError("the resource was deleted")
        _require_match(match, before)
        return self._written(change(before.text), before, "PATCH", "u")

    def delete(self, kind: str, identity: str, *, match: Match | None = None) -> Written:
        """Delete a resource; its versions stay in the history.

        Raises:
            ScopeError: the caller may not delete it.
            FhirNotFoundError: it is not there, or not this caller's.
            FhirPreconditionError: ``match`` does not take the current version.
        """
        self.require(kind, "d")
        before = self.mine(kind, identity, "d")
        if before is None:
            return self._gone(kind, identity)
        _require_match(match, before)
        self._note("delete", before, self._whose(before))
        version = remove(self.session, self._turn, (kind, identity))
        return Written(kind, identity, version, self._now, "deleted", None)

    def _gone(self, kind: str, identity: str) -> Written:
        """What a deletion says of what was deleted before.

        Raises:
            FhirNotFoundError: it never was, or was not this caller's.
        """
        stone = last_version(self.session, self.access, kind, identity)
        if stone is None or stone.text is not None:
            raise FhirNotFoundError(NOT_HERE)
        return Written(kind, identity, stone.version, stone.updated, "unchanged", None)

    def mine(self, kind: str, identity: str, letter: Letter) -> Entry | None:
        """Return what is current under an id; None where nothing is.

        Raises:
            FhirNotFoundError: it is not the caller's to do this to.
        """
        entry = self._entry((kind, identity))
        if entry is not None and not self._is_mine(entry, letter):
            raise FhirNotFoundError(NOT_HERE)
        return entry

    def finish(self) -> None:
        """Tell what was changed, and end the turn."""
        if self.access is not None and self._changes:
            self.access.change(*self._changes)
        self._turn.end()

    def require(self, kind: str, letter: Letter) -> None:
        """Refuse what the caller may not do to a type at all; errors as of the writes."""
        if self.access is not None:
            self.access.require(kind, letter)
            require_writable(kind, letter)

    def _entry(self, key: Key) -> Entry | None:
        columns = (ResourceRow.version, ResourceRow.updated, ResourceRow.body)
        query = select(*columns).where(ResourceRow.type == key[0], ResourceRow.id == key[1])
        row = self.session.execute(query).one_or_none()
        return row and Entry(*key, row.version, datetime.fromisoformat(row.updated), row.body)

    def _whose(self, entry: Entry) -> frozenset[str]:
        key = (entry.type, entry.id)
        return owners(self.session, [key]).get(key, frozenset())

    def _is_mine(self, entry: Entry, letter: Letter) -> bool:
        """Whether the caller's scopes reach a stored resource, and its people are theirs."""
        if self.access is None:
            return True
        whose = self._whose(entry)
        if self.access.patient is not None and whose != {self.access.patient}:
            return False
        if not self._is_visible(entry, letter):
            return False
        self.access.require_theirs(entry.type, whose)
        return True

    def _is_visible(self, entry: Entry, letter: Letter) -> bool:
        rows = select(ResourceRow.id).where(
            ResourceRow.type == entry.type,
            ResourceRow.id == entry.id,
            visible(self.access or Access(), entry.type, letter),
        )
        return self.session.scalar(rows) is not None

    def _written(
        self, item: Prepared, before: Entry | None, method: Method, letter: Letter
    ) -> Written:
        whose = self._whose(before) if before else frozenset[str]()
        version = write(self.session, self._turn, [item], method)[item.key]
        if before is not None and before.version == version:
            return self._answer(before, "unchanged")
        entry = Entry(*item.key, version, self._now, item.text)
        if not self._is_mine(entry, letter):
            raise ScopeError("This resource would be outside of what this caller may write.")
        self._note("update" if before else "create", entry, whose | self._whose(entry))
        return self._answer(entry, "updated" if before else "created")

    def _answer(self, entry: Entry, outcome: Literal["created", "updated", "unchanged"]) -> Written:
        key, when = (entry.type, entry.id), entry.updated
        return Written(*key, entry.version, when, outcome, entry.text, self._reads(entry))

    def _reads(self, entry: Entry) -> bool:
        """Whether the caller may read, too, what is theirs to write."""
        if self.access is None or not self.access.queries(entry.type, "r"):
            return self.access is None or self.access.allows(entry.type, "r")
        return self._is_visible(entry, "r")

    @property
    def _now(self) -> datetime:
        return datetime.fromisoformat(self._turn.now)

    def _note(
        self, interaction: Literal["create", "update", "delete"], entry: Entry, whose: Iterable[str]
    ) -> None:
        self._changes.append(Change(interaction, f"{entry.type}/{entry.id}", tuple(sorted(whose))))


def in_turn(database: Database, work: Callable[[Writer], Result], access: Access | None) -> Result:
    """Do ``work`` in one transaction; see `FhirStore.write`."""
    for attempt in range(ATTEMPTS):
        try:
            with database.transaction() as session:
                writer = Writer(session, access)
                done = work(writer)
                writer.finish()
        except DBAPIError as error:
            if not _broken_off(error):
                raise
        else:
            return done
        time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311  # no secret
    raise FhirBusyError("other writers were at work for too long")


def _broken_off(error: DBAPIError) -> bool:
    """Whether the database chose between two transactions, or one waited for too long."""
    cause: Any = error.orig
    if getattr(cause, "sqlite_errorname", "") == "SQLITE_BUSY":  # it has waited already
        raise FhirBusyError("other writers were at work for too long") from None
    return getattr(cause, "sqlstate", None) in {"40001", "40P01"}  # serialisation, deadlock


def _require_match(match: Match | None, before: Entry | None) -> None:
    if match is not None and not match(before.version if before else None):
        raise FhirPreconditionError("the resource is at another version")
