"""When a connection is read: by its clock, by a notification, or because an operator says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.hospital.ehr.outcome import Mode
from services.hospital.jobs import add_job
from services.hospital.models import EhrConnection, Job
from services.store.database import Database
from services.store.rows import changed

KIND = "ehr-sync"


def subject_of(name: str, mode: Mode, now: datetime) -> str:
    """What a job is about: connection, what is read, and a stamp that makes it another job."""
    return f"{name}.{mode}.{now:%Y%m%d%H%M%S%f}"


def read_subject(subject: str) -> tuple[str, Mode]:
    """Connection and mode of a job."""
    name, _, rest = subject.partition(".")
    mode = rest.partition(".")[0]
    return name, "full" if mode == "full" else "named" if mode == "named" else "new"


def order(session: Session, name: str, mode: Mode) -> bool:
    """Write a job, unless one of that kind waits already."""
    begins = f"{name}.{mode}."
    waiting = session.scalar(
        select(Job.id).where(
            Job.kind == KIND,
            Job.state == "pending",
            Job.fence == 0,
            Job.subject.startswith(begins, autoescape=True),
        )
    )
    if waiting is None:
        add_job(session, KIND, subject_of(name, mode, datetime.now(UTC)))
    return waiting is None


def schedule(database: Database) -> int:
    """Write the jobs that are due; returns how many. It may be called from several processes."""
    now, ordered = datetime.now(UTC), 0
    with database.reading() as session:
        due = list(session.scalars(select(EhrConnection).where(EhrConnection.due <= now)))
    for row in due:
        old = row.full is None or row.full + timedelta(days=row.full_days) <= now
        with database.transaction() as session:
            mine = session.execute(
                update(EhrConnection)
                .where(EhrConnection.name == row.name, EhrConnection.due == row.due)
                .values(due=now + timedelta(minutes=row.every_minutes))
            )
            if changed(mine) == 1:
                ordered += order(session, row.name, "full" if old else "new")
    return ordered
