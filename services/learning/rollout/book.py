"""The rows of releases on their way, and changes to them of which one at a time counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from compliance.errors import NotFoundError
from services.learning.models import Deployment, ReleaseChannel
from services.learning.rollout.ports import Audit, Move
from services.store.database import Database
from services.store.rows import changed

UNDER_WAY = ("watching", "held")
"""States of a release that has not come to its end."""
WITHDRAWN = ("stopped", "rolled-back")
REASON_CHARS = 200


@dataclass(frozen=True)
class Case:
    """A release: what is judged of it, and how far it is offered."""

    deployment: Deployment
    channel: ReleaseChannel

    @property
    def brick(self) -> str:
        """``id@version``."""
        return self.deployment.brick

    @property
    def under_way(self) -> bool:
        """Whether it has not come to its end."""
        return self.deployment.state in UNDER_WAY

    @property
    def looks(self) -> int:
        """How often its measures were looked at."""
        return int((self.deployment.now or {}).get("looks", 0))


@dataclass(frozen=True)
class Change:
    """What becomes of a case.

    Attributes:
        move: its name, for the trail and the list of steps; None for new figures alone.
        values: of the deployment's row.
        channel: of the channel's row.
        reason: in words.
        by: the person who wanted it; None for the rollout itself.
    """

    move: Move | None
    values: Mapping[str, Any] = field(default_factory=dict)
    channel: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    by: str | None = None


class RolloutBook:
    """Reads and changes cases.

    Args:
        database: with learning's tables.
        audit: writes a move down before it counts.
    """

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database, self._audit = database, audit

    def get(self, brick: str) -> Case:
        """A case.

        Raises:
            NotFoundError: there is no such release.
        """
        with self._database.reading() as session:
            found = session.get(Deployment, brick), session.get(ReleaseChannel, brick)
        if found[0] is None or found[1] is None:
            raise NotFoundError(f"{brick} was never rolled out.")
        return Case(found[0], found[1])

    def all(self) -> list[Case]:
        """Every case, the newest first."""
        with self._database.reading() as session:
            return cases(session)

    def change(self, case: Case, now: datetime, made: Change) -> bool:
        """Change a case, if nobody else has since it was read; whether that was so.

        Raises:
            AuditError: it could not be written down, so nothing was changed.
        """
        if made.move is None and not made.values and not made.channel:
            return True
        with self._database.transaction() as session:
            row, channel = case.deployment, case.channel
            values = {**made.channel, "fence": channel.fence + 1}
            if made.move is not None:
                values["steps"] = [*channel.steps, _step(case, now, made)]
            own = (ReleaseChannel.brick == case.brick, ReleaseChannel.fence == channel.fence)
            if not changed(session.execute(update(ReleaseChannel).where(*own).values(**values))):
                return False
            changes = dict(made.values)
            if made.move is not None:
                changes["reason"] = made.reason and made.reason[:REASON_CHARS]
            if changes:
                query = update(Deployment).where(Deployment.brick == row.brick)
                session.execute(query.values(**changes))
            if made.move is not None:
                self._audit(f"rollout:{case.brick}", made.move, made.by)
            return True


def cases(session: Session) -> list[Case]:
    """Every case, the newest first."""
    query = select(Deployment, ReleaseChannel).join(
        ReleaseChannel, ReleaseChannel.brick == Deployment.brick
    )
    query = query.order_by(Deployment.since.desc(), Deployment.brick.desc())
    return [Case(row, channel) for row, channel in session.execute(query)]


def first_step(cohort: str, now: datetime) -> dict[str, Any]:
    """How the list of a release's steps begins."""
    at = now.isoformat(timespec="seconds")
    return {"at": at, "move": "started", "cohort": cohort, "by": None, "reason": None}


def _step(case: Case, now: datetime, made: Change) -> dict[str, Any]:
    return {
        "at": now.isoformat(timespec="seconds"),
        "move": made.move,
        "cohort": made.values.get("cohort", case.deployment.cohort),
        "by": made.by,
        "reason": made.reason and made.reason[:REASON_CHARS],
    }
