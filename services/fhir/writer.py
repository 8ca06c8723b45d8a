"""One transaction of writes: what it may do, what it did, and what is told of it.

    store.write(lambda writer: writer.delete("Observation", "o1"), access)

Every step is checked against the caller's `Access` where it is taken: a resource that is changed or
deleted must be the caller's to change before, and what is written must be theirs afterwards. The
changes are told to `Access.change` at the end, still inside the transaction: where that raises, as
everywhere else, nothing is left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from services.fhir._history import last_version
from services.fhir._prepare import Prepared
from services.fhir._purge import purge
from services.fhir._queries import Key
from services.fhir._reach import Owners, Reach
from services.fhir._turn import Turn
from services.fhir._versions import remove, write
from services.fhir.access import Access, Change, Letter, ScopeError
from services.fhir.drafts import NO_CHECKS, Check, Draft, Match, require_match
from services.fhir.errors import FhirGoneError, FhirNotFoundError
from services.fhir.policy import require_writable
from services.fhir.results import Entry, Issue, Written

__all__ = ["NO_CHECKS", "Check", "Draft", "Match", "Writer"]
NOT_HERE = "there is no such resource for this caller"


class Writer:
    """Writes within one transaction; made by `FhirStore.write`.

    Args:
        session: the transaction.
        access: what the caller may do; None where the program itself writes.
        checks: by type of resource, of what callers write.
    """

    def __init__(
        self,
        session: Session,
        access: Access | None,
        checks: Mapping[str, Check] = NO_CHECKS,
    ) -> None:
        self.session, self.access = session, access
        self._checks: Mapping[str, Check] = NO_CHECKS if access is None else checks
        self._turn, self._reach = Turn(session), Reach(session, access)
        self._changes: list[Change] = []

    def put_all(self, items: Sequence[Prepared]) -> None:
        """Write many, each key once, as the program itself: quickly, and without an answer."""
        write(self.session, self._turn, [(item, "PUT") for item in items])

    def create(self, item: Prepared) -> Written:
        """Write a new resource under the id that the server chose; errors as of `write_all`."""
        return self.write_all([Draft(item, "POST")])[item.key]

    def update(self, item: Prepared, *, match: Match | None = None) -> Written:
        """Write the next version of a resource, or the first; errors as of `write_all`."""
        return self.write_all([Draft(item, "PUT", match)])[item.key]

    def write_all(self, drafts: Sequence[Draft]) -> dict[Key, Written]:
        """Write resources, each key once; return what became of each.

        Raises:
            ScopeError: the caller may not write one of them, or not into this.
            FhirNotFoundError: one is not this caller's to change.
            FhirPreconditionError: one is at another version than its ``match`` takes.
        """
        before = self._reach.entries([draft.item.key for draft in drafts])
        was = self._reach.owners(list(before))
        self._judge_before(drafts, before, was)
        items = [(draft.item, draft.method) for draft in drafts]
        versions = write(self.session, self._turn, items)
        changed = {
            draft.item.key: draft
            for draft in drafts
            if draft.item.key not in before
            or before[draft.item.key].version != versions[draft.item.key]
        }
        entries = before | {
            key: Entry(*key, versions[key], self._now, draft.item.text)
            for key, draft in changed.items()
        }
        issues = self._judge_after(changed, entries, before, was)
        return self._answers(entries, before, issues)

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
            ScopeError, FhirPreconditionError: as `write_all`.
        """
        self.require(kind, "u")
        before = self.mine(kind, identity, "u")
        if before is None:
            self._gone(kind, identity)
            raise FhirGoneError("the resource was deleted")
        require_match(match, before)
        item = change(before.text)
        return self.write_all([Draft(item, "PATCH")])[item.key]

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
        require_match(match, before)
        key = (kind, identity)
        self._note("delete", key, self._reach.owners([key]).get(key, frozenset()))
        version = remove(self.session, self._turn, key)
        return Written(kind, identity, version, self._now, "deleted", None)

    def purge(self, patient: str) -> int:
        """Destroy a Patient's record, as the program itself (see `FhirStore.purge`)."""
        return purge(self.session, patient)

    def mine(self, kind: str, identity: str, letter: Letter) -> Entry | None:
        """Return what is current under an id; None where nothing is.

        Raises:
            FhirNotFoundError: it is not the caller's to do this to.
        """
        key = (kind, identity)
        entry = self._reach.entries([key]).get(key)
        if entry is not None and self._reach.outside({key: letter}, self._reach.owners([key])):
            raise FhirNotFoundError(NOT_HERE)
        return entry

    def require_readable(self, kind: str, identity: str) -> None:
        """Refuse what the caller could not read now.

        Raises:
            ScopeError, FhirNotFoundError: as a read.
        """
        if self.access is not None:
            self.access.require(kind, "r")
        if not self._reach.visible([(kind, identity)], "r"):
            raise FhirNotFoundError(NOT_HERE)

    def found(self, entry: Entry) -> Written:
        """The answer to a write that finds what it wants there already."""
        key = (entry.type, entry.id)
        return self._answers({key: entry}, {key: entry}, {})[key]

    def require(self, kind: str, letter: Letter) -> None:
        """Refuse what the caller may not do to a type at all; errors as of the writes."""
        self._require_scope(kind, letter)
        self._require_policy(kind, letter)

    def _require_scope(self, kind: str, letter: Letter) -> None:
        if self.access is not None:
            self.access.require(kind, letter)

    def _require_policy(self, kind: str, letter: Letter) -> None:
        if self.access is not None:
            require_writable(kind, letter)

    def finish(self) -> None:
        """Tell what was changed, and end the turn."""
        if self.access is not None and self._changes:
            self.access.change(*self._changes)
        self._turn.end()

    def _judge_before(
        self, drafts: Sequence[Draft], before: Mapping[Key, Entry], was: Owners
    ) -> None:
        for draft in drafts:
            fresh = draft.item.key not in before
            with draft.within():
                self._require_scope(draft.item.type, draft.letter)
                self._require_policy(draft.item.type, "c" if fresh else draft.letter)
        there = {d.item.key: d.letter for d in drafts if d.item.key in before}
        shut = self._reach.outside(there, was)
        bound = self.access is not None and self.access.patient is not None
        for draft in drafts:
            key = draft.item.key
            with draft.within():
                # to who may see one record only, ids are the server's to give
                if key in shut or (bound and key not in before and draft.method != "POST"):
                    raise FhirNotFoundError(NOT_HERE)
                require_match(draft.match, before.get(key))

    def _judge_after(
        self,
        changed: Mapping[Key, Draft],
        entries: Mapping[Key, Entry],
        before: Mapping[Key, Entry],
        was: Owners,
    ) -> dict[Key, tuple[Issue, ...]]:
        """Refuse what the caller may not make of a resource; return what they are told of each."""
        now = self._reach.owners(list(changed))
        shut = self._reach.outside({key: draft.letter for key, draft in changed.items()}, now)
        told = {}
        for key, draft in changed.items():
            with draft.within():
                if key in shut:
                    raise ScopeError("This would be outside of what this caller may write.")
                check = self._checks.get(key[0])
                told[key] = tuple(self._checked(check, entries[key]))
            whose = was.get(key, frozenset()) | now.get(key, frozenset())
            self._note("update" if key in before else "create", key, whose)
        return told

    def _checked(self, check: Check | None, entry: Entry) -> Sequence[Issue]:
        if check is None or self.access is None:
            return ()
        return check(self.session, entry, self.access)

    def _answers(
        self,
        entries: Mapping[Key, Entry],
        before: Mapping[Key, Entry],
        changed: Mapping[Key, tuple[Issue, ...]],
    ) -> dict[Key, Written]:
        readable = self._reach.visible(entries, "r")
        return {
            key: Written(
                *key,
                entry.version,
                entry.updated,
                "unchanged" if key not in changed else "updated" if key in before else "created",
                entry.text,
                key in readable,
                changed.get(key, ()),
            )
            for key, entry in entries.items()
        }

    def _gone(self, kind: str, identity: str) -> Written:
        """What a deletion says of what was deleted before.

        Raises:
            FhirNotFoundError: it never was, or was not this caller's.
        """
        stone = last_version(self.session, self.access, kind, identity)
        if stone is None or stone.text is not None:
            raise FhirNotFoundError(NOT_HERE)
        return Written(kind, identity, stone.version, stone.updated, "unchanged", None)

    @property
    def _now(self) -> datetime:
        return datetime.fromisoformat(self._turn.now)

    def _note(
        self, interaction: Literal["create", "update", "delete"], key: Key, whose: Iterable[str]
    ) -> None:
        self._changes.append(Change(interaction, "/".join(key), tuple(sorted(whose))))
