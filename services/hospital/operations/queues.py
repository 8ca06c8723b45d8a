"""Jobs as an operator sees them: by kind and state, the last day, and what was given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from services.hospital.jobs import KEPT
from services.hospital.models import Job
from services.store.database import Database

HOURS = 24
MOST = 100
"""Jobs that were given up, on the page at once."""


@dataclass(frozen=True)
class KindRow:
    """Jobs of one kind; ``oldest``: when the oldest that waits was written."""

    kind: str
    pending: int
    done: int
    dead: int
    oldest: datetime | None


@dataclass(frozen=True)
class DeadRow:
    """A job that was given up after many tries; ``kept``: it may only be tried again."""

    id: str
    kind: str
    subject: str
    attempts: int
    error: str
    created: datetime
    kept: bool


@dataclass(frozen=True)
class Hour:
    """Jobs that were written in one hour, by what became of them."""

    start: datetime
    done: int = 0
    pending: int = 0
    dead: int = 0

    @property
    def all(self) -> int:
        """How many."""
        return self.done + self.pending + self.dead


def kinds(database: Database) -> list[KindRow]:
    """Every kind of job that there is now."""
    counts: dict[str, dict[str, int]] = {}
    oldest: dict[str, datetime] = {}
    with database.reading() as session:
        query = select(Job.kind, Job.state, func.count(), func.min(Job.created))
        for kind, state, count, first in session.execute(query.group_by(Job.kind, Job.state)):
            counts.setdefault(kind, {})[state] = count
            if state == "pending":
                oldest[kind] = first
    return [
        KindRow(kind, n.get("pending", 0), n.get("done", 0), n.get("dead", 0), oldest.get(kind))
        for kind, n in sorted(counts.items())
    ]


def dead(database: Database) -> list[DeadRow]:
    """What was given up, the newest first."""
    query = select(Job).where(Job.state == "dead").order_by(Job.created.desc()).limit(MOST)
    with database.reading() as session:
        return [
            DeadRow(
                one.id, one.kind, one.subject, one.attempts, one.error or "", one.created,
                one.kind in KEPT,
            )
            for one in session.scalars(query)
        ]  # fmt: skip


def hours(database: Database, now: datetime) -> list[Hour]:
    """The last 24 hours, the oldest first."""
    last = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    starts = [last - timedelta(hours=back) for back in reversed(range(HOURS))]
    found: dict[datetime, dict[str, int]] = {start: {} for start in starts}
    hour = (
        func.strftime("%Y-%m-%d %H", Job.created)
        if database.is_sqlite
        else func.to_char(func.timezone("UTC", Job.created), "YYYY-MM-DD HH24")
    )
    query = select(hour, Job.state, func.count()).where(Job.created >= starts[0])
    with database.reading() as session:
        for text, state, count in session.execute(query.group_by(hour, Job.state)):
            start = datetime.strptime(text, "%Y-%m-%d %H").replace(tzinfo=UTC)
            if start in found:
                found[start][state] = count
    return [
        Hour(start, n.get("done", 0), n.get("pending", 0), n.get("dead", 0))
        for start, n in found.items()
    ]
