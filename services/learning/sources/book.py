"""The rows of sources, snapshots and changes, and how a change moves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import Any
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from compliance.errors import NotFoundError
from services.learning.models import KnowledgeChange, KnowledgeSnapshot, KnowledgeSource
from services.learning.sources.errors import ChangeBlockedError
from services.learning.sources.snapshot import Part, Snapshot
from services.learning.sources.states import LIVE, OPEN, WORKING, State
from services.store.database import Database
from services.store.rows import changed

FETCH, STEP = "learning-source", "learning-change"
"""Kinds of the jobs that ask a source, and that do the next step of a change."""
AddJob = Callable[[Session, str, str], None]
Done = Callable[[Session], bool]


class FencedOffError(Exception):
    """Somebody else did this step meanwhile; nothing was written."""


def no_job(_session: Session) -> bool:
    """The end of a step that was begun without a job."""
    return True


def no_jobs(_session: Session, _kind: str, _subject: str) -> None:
    """Where somebody calls the steps themselves."""


class SourceBook:
    """Sources, snapshots and changes in their tables.

    Args:
        database: with learning's tables.
        add_job: adds the job of a step.
    """

    def __init__(self, database: Database, add_job: AddJob = no_jobs) -> None:
        self.database, self._add_job = database, add_job

    def standing(self, source: str) -> KnowledgeSource:
        """How fetching stands with a source; an empty row where it was never asked."""
        with self.database.reading() as session:
            found = session.get(KnowledgeSource, source)
            return found or KnowledgeSource(id=source, failures=0)

    def former(self, source: str) -> Snapshot | None:
        """The snapshot that was last taken of a source."""
        with self.database.reading() as session:
            row = session.get(KnowledgeSource, source)
            if row is None or row.snapshot is None:
                return None
            held = session.get(KnowledgeSnapshot, (source, row.snapshot))
            return _snapshot(held) if held else None

    def snapshot(self, source: str, digest: str) -> Snapshot:
        """A snapshot by its digest.

        Raises:
            NotFoundError: there is none.
        """
        with self.database.reading() as session:
            held = session.get(KnowledgeSnapshot, (source, digest))
            if held is None:
                raise NotFoundError("There is no such snapshot.")
            return _snapshot(held)

    def knows(self, source: str, digest: str) -> bool:
        """Whether a snapshot was ever taken."""
        with self.database.reading() as session:
            return session.get(KnowledgeSnapshot, (source, digest)) is not None

    def snapshots(self, source: str) -> list[Snapshot]:
        """All snapshots of a source, newest first."""
        query = select(KnowledgeSnapshot).where(KnowledgeSnapshot.source == source)
        with self.database.reading() as session:
            found = session.scalars(query.order_by(KnowledgeSnapshot.taken.desc()))
            return [_snapshot(row) for row in found]

    def get(self, id_: str) -> KnowledgeChange:
        """A change.

        Raises:
            NotFoundError: there is none.
        """
        with self.database.reading() as session:
            return _row(session, id_)

    def listing(self, source: str | None = None, limit: int = 100) -> list[KnowledgeChange]:
        """Changes, newest first."""
        query = select(KnowledgeChange).order_by(KnowledgeChange.made.desc()).limit(limit)
        if source is not None:
            query = query.where(KnowledgeChange.source == source)
        with self.database.reading() as session:
            return list(session.scalars(query))

    def live(self, source: str | None = None) -> list[KnowledgeChange]:
        """Changes that have not come to an end."""
        return [row for row in self.listing(source, 10_000) if row.state in LIVE]

    def last(self, source: str, *states: State) -> KnowledgeChange | None:
        """The last change of a source in one of these states."""
        query = select(KnowledgeChange).where(
            KnowledgeChange.source == source, KnowledgeChange.state.in_(states)
        )
        with self.database.reading() as session:
            return session.scalars(query.order_by(KnowledgeChange.made.desc()).limit(1)).first()

    def ask(self, source: str, due: dt.datetime | None) -> None:
        """Add the job that asks a source; once for each time that it is due."""
        subject = f"{source}.{int(due.timestamp()) if due else 0}"
        with self.database.transaction() as session:
            self._add_job(session, FETCH, subject)

    def note(self, source: str, done: Done, **values: Any) -> None:
        """Write how fetching went, with the end of its job.

        Raises:
            FencedOffError: somebody else has the job by now.
        """
        with self.database.transaction() as session:
            self._note(session, source, done, values)

    def took(self, snapshot: Snapshot, done: Done, **values: Any) -> str:
        """Write a new snapshot, and the change that it may bring; returns the change's id.

        A change that waited for people is superseded: they look at what is new.

        Raises:
            FencedOffError: somebody else has the job by now.
        """
        now, digest = dt.datetime.now(dt.UTC), snapshot.digest
        change = KnowledgeChange(
            id=str(uuid4()),
            source=snapshot.source,
            snapshot=digest,
            state=State.CHECKING,
            step=1,
            made=now,
            changed=now,
        )
        with self.database.transaction() as session:
            self._note(session, snapshot.source, done, {**values, "snapshot": digest})
            session.merge(
                KnowledgeSnapshot(
                    source=snapshot.source,
                    digest=digest,
                    taken=snapshot.taken,
                    dated=snapshot.dated.isoformat() if snapshot.dated else None,
                    parts=[part.as_json() for part in snapshot.parts],
                )
            )
            session.execute(
                update(KnowledgeChange)
                .where(KnowledgeChange.source == snapshot.source, KnowledgeChange.state.in_(OPEN))
                .values(state=State.SUPERSEDED, changed=now)
            )
            session.add(change)
            self._work(session, change)
        return change.id

    def move(self, row: KnowledgeChange, to: State, done: Done = no_job, **values: Any) -> State:
        """Write what came of a step, with the end of its job.

        Raises:
            FencedOffError: the change moved meanwhile, or somebody else has the job by now.
        """
        step = row.step + (to in WORKING)
        with self.database.transaction() as session:
            written = session.execute(
                update(KnowledgeChange)
                .where(
                    KnowledgeChange.id == row.id,
                    KnowledgeChange.state == row.state,
                    KnowledgeChange.step == row.step,
                )
                .values(
                    **{"error": None, **values},
                    state=to,
                    step=step,
                    changed=dt.datetime.now(dt.UTC),
                )
            )
            if changed(written) != 1 or not done(session):
                raise FencedOffError
            self._work(session, session.get_one(KnowledgeChange, row.id))
        return to

    def drop(self, row: KnowledgeChange, done: Done = no_job) -> None:
        """Forget a change that changes nothing.

        Raises:
            FencedOffError: it moved meanwhile, or somebody else has the job by now.
        """
        with self.database.transaction() as session:
            held = session.get(KnowledgeChange, row.id, with_for_update=True)
            if held is None or (held.state, held.step) != (row.state, row.step):
                raise FencedOffError
            session.delete(held)
            if not done(session):
                raise FencedOffError

    def require(
        self, id_: str, states: Collection[State], candidate: str | None
    ) -> KnowledgeChange:
        """A change of which something may be said now.

        Raises:
            NotFoundError: there is none.
            ChangeBlockedError: it is in another state, or another candidate stands now.
        """
        row = self.get(id_)
        if row.state not in states:
            raise ChangeBlockedError(f"The change is {row.state}: this cannot be done now.")
        if candidate is not None and row.candidate != candidate:
            raise ChangeBlockedError(
                "Another candidate stands now than the one that was looked at.",
                remedy="Look at the change again, then decide.",
            )
        return row

    def mend(self) -> None:
        """Add the job of every step that has none: its change was moved from outside the node."""
        with self.database.transaction() as session:
            query = select(KnowledgeChange).where(KnowledgeChange.state.in_(WORKING))
            for row in session.scalars(query):
                self._work(session, row)

    def _note(self, session: Session, source: str, done: Done, values: dict[str, Any]) -> None:
        row = session.get(KnowledgeSource, source) or KnowledgeSource(id=source, failures=0)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)
        session.flush()
        if not done(session):
            raise FencedOffError

    def _work(self, session: Session, row: KnowledgeChange) -> None:
        if row.state in WORKING:
            self._add_job(session, STEP, f"{row.id}.{row.step}")


def _row(session: Session, id_: str) -> KnowledgeChange:
    found = session.get(KnowledgeChange, id_)
    if found is None:
        raise NotFoundError(
            "There is no such change.", remedy="`caretier rounds sources list` lists them."
        )
    return found


def _snapshot(row: KnowledgeSnapshot) -> Snapshot:
    return Snapshot(row.source, tuple(Part.of_row(one) for one in row.parts), row.taken)
