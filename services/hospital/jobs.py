"""Jobs: work that is done at least once and takes effect exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from compliance.errors import NotFoundError
from services.hospital.errors import NotAllowedError
from services.hospital.models import Job
from services.store.clock import now
from services.store.database import Database
from services.store.rows import changed as rows_changed
from services.store.rows import idle, put, taken

LEASE = timedelta(minutes=2)
"""How long whoever took a job keeps it; after that another may take it."""
LONGEST_WAIT = timedelta(minutes=5)
MAX_ATTEMPTS = 20
"""After so many failures a job is dead and waits for an operator."""
KEPT = frozenset({"open-referral"})
"""Kinds that may only be tried again: a patient waits for an answer behind each."""


@dataclass(frozen=True)
class Taken:
    """A job with the fencing number under which it was taken."""

    id: str
    kind: str
    subject: str
    fence: int


JobHandler = Callable[[Taken], Awaitable[None]]
"""Does a job of one kind; it calls `Jobs.finish` in the transaction of its result."""


def add_job(session: Session, kind: str, subject: str) -> None:
    """Write a job in the caller's transaction; the same kind and subject once only."""
    at, id_ = now(session), f"{kind}:{subject}"
    put(session, Job, id=id_, kind=kind, subject=subject, state="pending", due=at, created=at)


class Jobs:
    """The job table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, *, older_than: timedelta = timedelta(0), limit: int = 50) -> list[str]:
        """Ids of jobs whose time has come at least ``older_than`` ago, oldest first."""
        with self._database.reading() as session:
            query = (
                select(Job.id)
                .where(Job.state == "pending", Job.due <= now(session) - older_than)
                .order_by(Job.due)
                .limit(limit)
            )
            return list(session.scalars(query))

    def take(self, id_: str) -> Taken | None:
        """Take a job for LEASE; None when it is done, or somebody else has it."""
        with self._database.transaction() as session:
            at = now(session)
            taken = session.execute(
                update(Job)
                .where(Job.id == id_, Job.state == "pending", Job.due <= at)
                .values(fence=Job.fence + 1, due=at + LEASE)
            )
            if rows_changed(taken) != 1:
                return None
            job = session.get_one(Job, id_)
            session.refresh(job)
            return Taken(job.id, job.kind, job.subject, job.fence)

    def renew(self, taken: Taken) -> bool:
        """Keep a job for another LEASE; False when somebody else has it by now."""
        with self._database.transaction() as session:
            kept = session.execute(
                update(Job)
                .where(Job.id == taken.id, Job.state == "pending", Job.fence == taken.fence)
                .values(due=now(session) + LEASE)
            )
            return rows_changed(kept) == 1

    @asynccontextmanager
    async def kept(self, taken: Taken) -> AsyncIterator[None]:
        """Renew the lease in the background for as long as the job is worked on."""

        async def renewing() -> None:
            while True:
                await asyncio.sleep(LEASE.total_seconds() / 3)
                await asyncio.to_thread(self.renew, taken)

        keeper = asyncio.create_task(renewing())
        try:
            yield
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    def finish(self, session: Session, taken: Taken) -> bool:
        """Mark a job done in the transaction of its result; False when it was fenced off."""
        done = session.execute(
            update(Job)
            .where(Job.id == taken.id, Job.state == "pending", Job.fence == taken.fence)
            .values(state="done", error=None)
        )
        return rows_changed(done) == 1

    def fail(self, taken: Taken, error: str) -> None:
        """Try again later; dead after MAX_ATTEMPTS."""
        with self._database.transaction() as session:
            job = session.get(Job, taken.id, with_for_update=True)
            if job is None or job.fence != taken.fence or job.state != "pending":
                return
            job.attempts += 1
            job.error = error[:80]
            job.due = now(session) + min(timedelta(seconds=2**job.attempts), LONGEST_WAIT)
            if job.attempts >= MAX_ATTEMPTS:
                job.state = "dead"

    def counts(self) -> dict[str, int]:
        """Number of jobs by state."""
        with self._database.reading() as session:
            rows = session.execute(select(Job.state, func.count()).group_by(Job.state))
            return {str(row[0]): int(row[1]) for row in rows}

    def oldest_due(self) -> datetime | None:
        """Since when the job waits that is due the longest; None where none is due."""
        with self._database.reading() as session:
            due = (Job.state == "pending", Job.due <= now(session))
            return session.scalar(select(func.min(Job.due)).where(*due))

    def dead(self, id_: str) -> str:
        """The kind of a job that was given up.

        Raises:
            NotFoundError: none of this id was.
        """
        with self._database.reading() as session:
            job = session.get(Job, id_)
        if job is None or job.state != "dead":
            raise NotFoundError("No job of this id was given up.")
        return job.kind

    def droppable(self, id_: str) -> None:
        """Let a job pass that was given up and that nobody waits for.

        Raises:
            NotFoundError: none of this id was given up.
            NotAllowedError: a patient waits behind it.
        """
        if self.dead(id_) in KEPT:
            raise NotAllowedError("Somebody waits for this; it can only be tried again.")

    def retry(self, id_: str) -> None:
        """Have a job tried again from the beginning that was given up."""
        with self._database.transaction() as session:
            session.execute(
                update(Job)
                .where(Job.id == id_, Job.state == "dead")
                .values(state="pending", attempts=0, error=None, due=now(session))
            )

    def drop(self, id_: str) -> None:
        """Delete a job that was given up, so that what makes it anew may."""
        with self._database.transaction() as session:
            gone = (Job.id == id_, Job.state == "dead", Job.kind.not_in(KEPT))
            session.execute(delete(Job).where(*gone))

    def forget_done(self, before: datetime) -> int:
        """Delete jobs that are done and were written before a moment; returns how many."""
        with self._database.transaction() as session:
            old = idle(Job, Job.state == "done", Job.created < before)
            return rows_changed(session.execute(delete(Job).where(old)))


def forget_jobs(session: Session, subjects: Sequence[str]) -> int:
    """Delete the jobs of some subjects, whose results then do not count; returns how many."""
    ids = taken(session, Job.id, Job.subject.in_(subjects))
    return rows_changed(session.execute(delete(Job).where(Job.id.in_(ids))))
