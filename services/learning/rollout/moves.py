"""What follows from a look at a release: the next cohort, a hold, the way back, or nothing yet."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from compliance.errors import CaretierError
from services.learning.policy import Policy
from services.learning.policy import Rollout as Allowed
from services.learning.rollout.book import Case, Change, RolloutBook
from services.learning.rollout.cohorts import members, reach_of, size_of
from services.learning.rollout.ports import Canaries, CanaryResult, Fleet, Move
from services.learning.rollout.watch import Seen, look
from services.store.database import Database

LEASE = timedelta(minutes=30)
"""As long as one process may take over the canary questions before another asks them too."""
_LOG = logging.getLogger("caretier.learning.rollout")


class Moves:
    """Looks at releases, and moves them.

    Args:
        database: with learning's tables.
        book: of releases.
        policy: the update policy.
        fleet: the nodes that are served now.
        canaries: asks the canary questions of a release.
    """

    def __init__(
        self,
        database: Database,
        book: RolloutBook,
        policy: Policy,
        fleet: Fleet,
        canaries: Canaries,
    ) -> None:
        self._database, self._book, self._policy = database, book, policy
        self._fleet, self._canaries = fleet, canaries

    def look(self, case: Case, moment: datetime) -> None:
        """Look at a release under way, and do what follows."""
        if case.deployment.cohort == "simulator":
            if case.deployment.state == "watching":
                self._simulate(case, moment)
            return
        nodes, allowed = self._fleet(), self._allowed(case)
        with self._database.reading() as session:
            seen = look(session, case, nodes, allowed, moment)
        change = self._follows(case, seen, moment)
        if self._book.change(case, moment, change) and change.move is not None:
            _LOG.info("%s: %s %s", case.brick, change.move, change.reason or "")

    def onward(self, case: Case, now: datetime, reason: str | None, by: str | None) -> Change:
        """On to the next cohort that has nodes which lack the release; after the last, released."""
        nodes, cohorts = self._fleet(), self._allowed(case).cohorts
        channel = case.channel
        have = len(members(nodes, channel.salt, channel.reach))
        here = case.deployment.cohort
        after = cohorts.index(here) + 1 if here in cohorts else 0  # the policy may have changed
        for cohort in cohorts[after:]:
            if size_of(cohort, len(nodes)) > have or not nodes:
                reach = reach_of(cohort, nodes, channel.salt, channel.reach)
                values = {"cohort": cohort, "state": "watching", "since": now}
                return Change("moved-on", values, {"reach": reach, "lease": None}, reason, by)
        return Change("released", {"state": "released", "since": now}, {}, reason, by)

    def _follows(self, case: Case, seen: Seen, moment: datetime) -> Change:
        figures = {"before": seen.before, "now": seen.now}
        if seen.worse is not None:
            return _with(back(case, seen.worse, None), figures)
        if case.deployment.state == "held":
            return self._still(case, figures)
        if not seen.waits:
            return _with(self.onward(case, moment, None, None), figures)
        if seen.tired:
            reason = "It cannot be judged: " + "; ".join(seen.waits)
            return Change("held", {**figures, "state": "held"}, reason=reason)
        return self._still(case, {**figures, "reason": "; ".join(seen.waits)[:200]})

    def _still(self, case: Case, figures: dict[str, Any]) -> Change:
        """The same cohort with new figures; a node in the place of one that was revoked."""
        row, channel = case.deployment, case.channel
        reach = reach_of(row.cohort, self._fleet(), channel.salt, channel.reach)  # type: ignore[arg-type]
        values = {key: value for key, value in figures.items() if getattr(row, key) != value}
        return Change(None, values, {"reach": reach} if reach != channel.reach else {})

    def _simulate(self, case: Case, moment: datetime) -> None:
        """Ask the canary questions, in one process; no node has the release yet."""
        if case.channel.lease is not None and case.channel.lease > moment:
            return
        lease = Change(None, channel={"lease": moment + LEASE})
        if not self._book.change(case, moment, lease):
            return
        case = self._book.get(case.brick)
        try:
            found = self._canaries(case.brick, case.deployment.former)
        except CaretierError as error:
            tired = self._tired(case, moment)
            reason = f"The canary questions could not be asked: {error.message}"
            change = Change("held", {"state": "held"}, {"lease": None}, reason)
            self._book.change(
                case, moment, change if tired else Change(None, channel={"lease": None})
            )
            raise
        self._book.change(case, moment, self._simulated(case, found, moment))

    def _simulated(self, case: Case, found: CanaryResult, moment: datetime) -> Change:
        figures = {"now": {"canaries": found.asked, "canaries_failed": len(found.failed)}}
        if len(found.failed) > self._allowed(case).canaries:
            said = f"{len(found.failed)} of {found.asked} canary questions failed: "
            return _with(back(case, said + "; ".join(found.failed), None), figures)
        if not found.asked:
            reason = "There are no canary questions to ask of it."
            return Change("held", {**figures, "state": "held"}, {"lease": None}, reason)
        return _with(self.onward(case, moment, None, None), figures)

    def _tired(self, case: Case, moment: datetime) -> bool:
        patience = timedelta(hours=self._allowed(case).patience_hours)
        return moment - case.deployment.since >= patience

    def _allowed(self, case: Case) -> Allowed:
        return self._policy.of(case.channel.domain).rollout


def back(case: Case, reason: str, by: str | None) -> Change:
    """Back to the former release: *stopped* where no node was ever offered this one."""
    state: Move = "stopped" if case.channel.reach is None else "rolled-back"
    return Change(state, {"state": state}, {"lease": None}, reason, by)


def held_by_person(case: Case) -> bool:
    """Whether it was a person who held a release, rather than a lack of figures."""
    moves = [step for step in case.channel.steps if step["move"] == "held"]
    return bool(moves) and moves[-1]["by"] is not None


def _with(change: Change, figures: dict[str, Any]) -> Change:
    return replace(change, values={**change.values, **figures})
