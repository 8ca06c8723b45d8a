"""Looks now and then for what waits for people, and tells them; what no longer waits is settled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.hospital.jobs import LONGEST_WAIT
from services.hospital.models import GlassBreak, IntakeAlert, Job, Notice, Referral
from services.hospital.notices.doubts import KIND as DOUBTED
from services.hospital.notices.doubts import doubted
from services.hospital.notices.kinds import KINDS
from services.hospital.notices.telling import notify, people, settle
from services.hospital.operations.health import Check
from services.hospital.operations.nodes import SILENT, NodeRow
from services.learning.models import KnowledgeChange, LearningRound
from services.store.database import Database

CLOCK_SECONDS = 20.0
BACK = timedelta(days=1)
"""A snooze that ended longer ago is not told any more."""
_LOG = logging.getLogger("caretier.hospital")


@dataclass(frozen=True)
class Waiting:
    """Something that waits: its kind, id, since when, and for whom (nobody: all of the roles)."""

    kind: str
    subject: str
    since: datetime
    who: Sequence[str] | None = None


@dataclass(frozen=True)
class Eyes:
    """What is looked at beside the database.

    Attributes:
        whose: ids of the clinicians whom an alert of a Patient concerns.
        nodes: enrolled clinics.
        checks: how the node stands.
    """

    whose: Callable[[str], Sequence[str]]
    nodes: Callable[[], Sequence[NodeRow]]
    checks: Callable[[], Sequence[Check]]


class Watch:
    """Tells people of what waits at one hospital; several processes may do it at once."""

    def __init__(self, database: Database, eyes: Eyes) -> None:
        self._database, self._eyes = database, eyes

    def look(self) -> None:
        """Look once."""
        checks, nodes = self._eyes.checks(), self._eyes.nodes()
        flags = self._flags()
        with self._database.transaction() as session:
            found = [*flags, *_decisions(session), *_jobs(session), *_around(nodes, checks)]
            found += _doubts(session)
            for kind in {"red-flag", *DECIDED, "job-dead", "node-stale", "expiring", DOUBTED}:
                settle(session, kind, {one.subject for one in found if one.kind == kind})
            told = {
                (user_id, one.kind, one.subject): one.since
                for one in (*found, *_snoozes(session))
                for user_id in (one.who if one.who is not None else _all(session, one.kind))
            }
            for (user_id, kind, subject), since in sorted(told.items()):
                notify(session, user_id, kind, subject, since=since)

    def _flags(self) -> list[Waiting]:
        """Red flags that nobody has taken up, for those whom they concern.

        Who treats whom is looked up once for each; one that came in again is told again.
        """
        with self._database.reading() as session:
            rows = session.scalars(select(IntakeAlert).where(IntakeAlert.seen.is_(None))).all()
            query = select(Notice.subject, func.max(Notice.made)).where(Notice.kind == "red-flag")
            told = {row[0]: row[1] for row in session.execute(query.group_by(Notice.subject))}
        return [
            Waiting(
                "red-flag",
                row.id,
                row.received,
                ()
                if row.id in told and told[row.id] >= row.received
                else self._eyes.whose(row.patient),
            )
            for row in rows
        ]


DECIDED = ("round-waits", "change-waits", "glass-break")


def _decisions(session: Session) -> Iterator[Waiting]:
    """What waits for a person's word."""
    rounds = select(LearningRound.id, LearningRound.changed).where(LearningRound.state == "waiting")
    changes = select(KnowledgeChange.id, KnowledgeChange.changed).where(
        KnowledgeChange.state == "waiting"
    )
    breaks = select(GlassBreak.id, GlassBreak.opened).where(GlassBreak.verdict.is_(None))
    for kind, query in zip(DECIDED, (rounds, changes, breaks), strict=True):
        yield from (Waiting(kind, id_, since) for id_, since in session.execute(query))


def _jobs(session: Session) -> Iterator[Waiting]:
    """Kinds of jobs that were given up; ``due`` was set when that happened."""
    rows = session.execute(select(Job.kind, Job.due).where(Job.state == "dead"))
    last: dict[str, datetime] = {}
    for kind, due in rows:
        last[kind] = max(due - LONGEST_WAIT, last.get(kind, due - LONGEST_WAIT))
    yield from (Waiting("job-dead", kind, since) for kind, since in last.items())


def _snoozes(session: Session) -> Iterator[Waiting]:
    """Referrals that came back by themselves, for whoever put them off and whoever has them."""
    now = datetime.now(UTC)
    query = select(
        Referral.id, Referral.snoozed_until, Referral.snoozed_by, Referral.assignee
    ).where(
        Referral.state == "open", Referral.snoozed_until <= now, Referral.snoozed_until > now - BACK
    )
    for id_, until, by, assignee in session.execute(query):
        if until is None:
            continue
        yield Waiting("snooze-ended", id_, until, sorted({one for one in (by, assignee) if one}))


def _around(nodes: Iterable[NodeRow], checks: Iterable[Check]) -> Iterator[Waiting]:
    """Silent clinics, and signatures that run out."""
    for row in nodes:
        if row.state == "stale":
            yield Waiting("node-stale", row.key, (row.heard or row.enrolled) + SILENT)
    for check in checks:
        if check.name == "metadata" and check.state in {"warn", "bad"} and check.until:
            yield Waiting("expiring", str(check.found["roles"])[:80], check.until - BACK * 30)


def _doubts(session: Session) -> Iterator[Waiting]:
    """That many people called answers wrong within the last week."""
    found = doubted(session, datetime.now(UTC))
    if found is not None:
        yield Waiting(DOUBTED, *found)


def _all(session: Session, kind: str) -> list[str]:
    return [id_ for role in sorted(KINDS[kind].roles) for id_ in people(session, role)]


async def watch_loop(watch: Watch) -> None:
    """Look, again and again, until cancelled."""
    while True:
        try:
            await asyncio.to_thread(watch.look)
        except Exception as error:  # noqa: BLE001 - the next look tries again
            _LOG.error("notices: %s", type(error).__name__)
        await asyncio.sleep(CLOCK_SECONDS)
