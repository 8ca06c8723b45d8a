"""The operators' view of one hospital, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.bricks.store import BrickStore
from services.consult.node import Node
from services.experts import Experts
from services.hospital.audited import Caller
from services.hospital.jobs import Jobs
from services.hospital.operations import health, nodes, queues, versions
from services.hospital.operations.health import Check, Sight
from services.learning.rounds import Rounds
from services.learning.rounds.view import summary as round_line
from services.learning.sources.service import Sources
from services.learning.sources.view import summary as change_line

WEEK = timedelta(days=7)
SHOWN = 5
"""Rounds and changes on the page; the rest stands in their own places."""


@dataclass(frozen=True)
class Queues:
    """Jobs by kind, those that were given up, and the last day."""

    kinds: list[queues.KindRow]
    dead: list[queues.DeadRow]
    hours: list[queues.Hour]


class Operations:
    """What operators look at, and the two things that they do with a job.

    Args:
        sight: what the checks look at.
        node: gives the consult path.
        experts: that are pushed.
        rounds: of learning.
        sources: of knowledge.
        ehrs: gives how connected records stand.
        audit: writes down what an operator does with a job, before it happens.
    """

    def __init__(  # noqa: PLR0917 - what stands behind the pages
        self,
        sight: Sight,
        node: Callable[[], Node],
        experts: Experts,
        rounds: Rounds,
        sources: Sources,
        ehrs: Callable[[], list[dict[str, Any]]],
        audit: Callable[[Caller, str, str], None],
    ) -> None:
        self._sight, self._node, self._experts = sight, node, experts
        self._rounds, self._sources, self._ehrs, self._audit = rounds, sources, ehrs, audit

    @property
    def _jobs(self) -> Jobs:
        return self._sight.jobs

    def checks(self) -> list[Check]:
        """What was looked at, the worst first."""
        return health.checks(self._sight)

    def nodes(self) -> list[nodes.NodeRow]:
        """Enrolled nodes, the silent ones first."""
        return nodes.nodes(self._sight.database, datetime.now(UTC))

    def devices(self) -> int:
        """Devices whose referrals came within a week."""
        return nodes.devices(self._sight.database, datetime.now(UTC) - WEEK)

    def queues(self) -> Queues:
        """Jobs by kind, those that were given up, and the last day."""
        database = self._sight.database
        return Queues(
            queues.kinds(database),
            queues.dead(database),
            queues.hours(database, datetime.now(UTC)),
        )

    def ehrs(self) -> list[dict[str, Any]]:
        """Connected records; nothing of a person."""
        return self._ehrs()

    def rounds(self) -> list[dict[str, Any]]:
        """The newest rounds of learning, one line each."""
        return [round_line(row) for row in self._rounds.book.listing(limit=SHOWN)]

    def changes(self) -> list[dict[str, Any]]:
        """The newest changes of knowledge, one line each."""
        return [change_line(row) for row in self._sources.book.listing(limit=SHOWN)]

    def versions(self) -> list[versions.VersionRow]:
        """What runs here."""
        store = BrickStore(self._sight.data / "bricks")
        return versions.versions(self._node(), self._experts, store, datetime.now(UTC))

    def retry(self, job: str, by: Caller) -> None:
        """Try a job again that was given up.

        Raises:
            NotFoundError: none of this id was given up.
            AuditError: it could not be written down; nothing was done.
        """
        self._jobs.dead(job)
        self._audit(by, f"job:{job}", "retried")
        self._jobs.retry(job)

    def give_up(self, job: str, by: Caller) -> None:
        """Drop a job for good.

        Raises:
            NotFoundError: none of this id was given up.
            NotAllowedError: somebody waits for it; it may only be tried again.
            AuditError: it could not be written down; nothing was done.
        """
        self._jobs.droppable(job)
        self._audit(by, f"job:{job}", "dropped")
        self._jobs.drop(job)
