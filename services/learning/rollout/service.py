"""A release on its way: to nobody, to one clinic, to a tenth, to all; or back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from compliance.errors import CaretierError
from services.bricks.manifest import split_ref
from services.learning.errors import RoundBlockedError
from services.learning.models import Deployment, LearningRound, NodeMeasures, ReleaseChannel
from services.learning.policy import Policy
from services.learning.policy import Rollout as Allowed
from services.learning.rollout.book import Case, Change, RolloutBook, cases, first_step
from services.learning.rollout.cohorts import draw, members, new_salt, reach_of
from services.learning.rollout.errors import RolloutOverError
from services.learning.rollout.lines import lines_of
from services.learning.rollout.measures import Measures, check_clock
from services.learning.rollout.moves import Moves, back, held_by_person
from services.learning.rollout.ports import (
    Audit,
    Canaries,
    ChannelWriter,
    Fleet,
    no_canaries,
    unaudited,
)
from services.learning.rollout.reports import counts, offered, row_of, too_many
from services.learning.rollout.tally import HORIZON, tally, version_of
from services.learning.rounds.states import State
from services.store.database import Database

KEEP = timedelta(days=180)
"""Reports are deleted after that; nothing looks back further than `tally.HORIZON`."""
_LOG = logging.getLogger("caretier.learning.rollout")


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


class Rollout:
    """Brings releases to nodes.

    Args:
        database: with learning's tables.
        policy: the update policy.
        fleet: the nodes that are served now.
        channels: signs what they are offered.
        canaries: asks the canary questions of a release, before any node gets it.
        audit: writes down each move before it counts.
        clock: what time it is.
        draw: gives the key by which nodes are put in an order.
    """

    def __init__(
        self,
        database: Database,
        policy: Policy,
        fleet: Fleet,
        channels: ChannelWriter,
        *,
        canaries: Canaries = no_canaries,
        audit: Audit = unaudited,
        clock: Callable[[], datetime] = utc_now,
        draw: Callable[[], str] = draw,
    ) -> None:
        self.policy, self.book = policy, RolloutBook(database, audit)
        self._database, self.fleet, self._channels = database, fleet, channels
        self._audit, self._clock, self._draw = audit, clock, draw
        self._moves = Moves(database, self.book, policy, fleet, canaries)

    def start(self, brick: str, former: str | None, domain: str | None = None) -> Deployment:
        """Begin; again for the same release changes nothing.

        Args:
            brick: ``id@version``, published.
            former: the release in whose place it comes, if there is one.
            domain: whose policy counts; that of the round which made it when None.

        Raises:
            NoChannelError: nobody may sign channels here.
            RoundBlockedError: an earlier release of the brick is still on its way.
            AuditError: it could not be written down; nothing began.
        """
        self._channels.check()
        try:
            with self._database.transaction() as session:
                row = session.get(Deployment, brick)
                if row is None:
                    row = self._begin(session, brick, former, domain, self._clock())
        except IntegrityError:  # another process began it at the same moment
            row = self.book.get(brick).deployment
        self.publish()
        return row

    def observe(
        self,
        node: str,
        measures: Measures,
        *,
        release: str | None = None,
        since: datetime | None = None,
    ) -> bool:
        """Take what a node counted in a window; the same window again replaces it.

        Args:
            node: its fingerprint, as its call was signed.
            measures: what it counted.
            release: what was in use there all through it; ``id@0`` for none. When None it is what
                the node is offered of the latest release.
            since: when the window began, by the node's clock.

        Returns:
            Whether it counts: a node that is not served, or says to use a release that it is not
            offered, does not.

        Raises:
            BadInputError: the node's clock is wrong by days.
        """
        now = self._clock()
        check_clock(since or now, now)
        if node not in set(self.fleet()):
            return False
        with self._database.transaction() as session:
            told = cases(session)
            if release is None:
                latest = max(told, key=lambda case: case.deployment.since, default=None)
                release = offered(latest, node) if latest else None
            if release is None or not counts(told, node, release):
                return False
            if too_many(session, node, release, now):
                return False
            session.merge(row_of(node, release, measures, since or now, now))
        return True

    def knows(self, brick: str) -> bool:
        """Whether a brick is, or will be, one of those that are rolled out."""
        from services.learning.publish import brick_of

        if brick in map(brick_of, self.policy.domains):
            return True
        return any(split_ref(case.brick)[0] == brick for case in self.book.all())

    def has_news(self, node: str, using: Mapping[str, int]) -> bool:
        """Whether a node should use another version of a brick than it says that it does."""
        lines = lines_of(self.book.all())
        return any(
            line.best(node, version) != version
            for brick, version in using.items()
            if (line := lines.get(brick)) is not None
        )

    def tick(self, now: datetime | None = None) -> None:
        """Look at every release under way, and sign what follows; may run in many processes.

        What goes wrong with one release is logged, and holds up no other.
        """
        moment = now or self._clock()
        for case in self.book.all():
            if case.under_way:
                try:
                    self._moves.look(case, moment)
                except CaretierError as error:
                    _LOG.error("the rollout of %s: %s", case.brick, error.message)
        try:
            self.publish()
        except CaretierError as error:
            _LOG.error("nodes are not told yet: %s", error.message)
        with self._database.transaction() as session:
            session.execute(delete(NodeMeasures).where(NodeMeasures.received < moment - KEEP))

    def publish(self) -> bool:
        """Sign the channels as the database has them; whether something was new.

        A process that dies between a move and its channel leaves that to the next tick of any.
        """
        return self._channels.bring(lambda: lines_of(self.book.all()))

    def hold(self, brick: str, by: str, reason: str) -> None:
        """Let a release go no further, by a person's word; what has it keeps it.

        Raises:
            NotFoundError: it was never rolled out.
            RolloutOverError: it is not on its way, held already, or no reason is given.
        """
        case = self._in_state(brick, "watching")
        self._decide(case, Change("held", {"state": "held"}, reason=_said(reason), by=by))

    def go_on(self, brick: str, by: str, reason: str) -> None:
        """Let a held release go on, by a person's word.

        One that a person held is watched again. One that was held because its cohort cannot be
        judged goes on to the next cohort: the person's word stands in for the figures.

        Raises:
            NotFoundError: it was never rolled out.
            RolloutOverError: it is not held, or no reason is given.
        """
        case, now = self._in_state(brick, "held"), self._clock()
        if held_by_person(case):
            values = {"state": "watching", "since": now}
            self._decide(case, Change("gone-on", values, reason=_said(reason), by=by))
        else:
            self._decide(case, self._moves.onward(case, now, _said(reason), by))

    def roll_back(self, brick: str, by: str, reason: str) -> None:
        """Take a release back from every node, by a person's word; it is never offered again.

        Raises:
            NotFoundError: it was never rolled out.
            RolloutOverError: it was taken back before, or no reason is given.
        """
        case = self._in_state(brick, "watching", "held", "released")
        self._decide(case, back(case, _said(reason), by))
        released = LearningRound.brick == brick, LearningRound.state == State.RELEASED
        with self._database.transaction() as session:  # it is no parent of later rounds any more
            session.execute(update(LearningRound).where(*released).values(state=State.ROLLED_BACK))

    def nodes_of(self, case: Case) -> list[str]:
        """The nodes that a release is offered to now."""
        return members(self.fleet(), case.channel.salt, case.channel.reach)

    def allowed(self, case: Case) -> Allowed:
        """The part of the policy that a release is judged by."""
        return self.policy.of(case.channel.domain).rollout

    def _begin(
        self, session: Session, brick: str, former: str | None, domain: str | None, now: datetime
    ) -> Deployment:
        name = split_ref(brick)[0]
        for case in cases(session):
            if case.under_way and split_ref(case.brick)[0] == name:
                raise RoundBlockedError(
                    f"{case.brick} is still on its way.",
                    remedy="Wait until it has come to its end, or roll it back; then retry.",
                )
        round_ = session.scalar(select(LearningRound).where(LearningRound.brick == brick))
        domain = domain or (round_.domain if round_ else "general")
        nodes, cohort = self.fleet(), self.policy.of(domain).rollout.cohorts[0]
        reporting = tally(session, name, version_of(former, name), set(nodes), now - HORIZON)
        salt = new_salt(nodes, reporting, self._draw)
        channel = ReleaseChannel(
            brick=brick,
            domain=domain,
            salt=salt,
            reach=reach_of(cohort, nodes, salt, None),
            fence=0,
            steps=[first_step(cohort, now)],
        )
        row = Deployment(
            brick=brick,
            round=round_.id if round_ else None,
            former=former,
            cohort=cohort,
            state="watching",
            since=now,
        )
        session.add_all([row, channel])
        self._audit(f"rollout:{brick}", "started", None)
        return row

    def _in_state(self, brick: str, *states: str) -> Case:
        case = self.book.get(brick)
        if case.deployment.state not in states:
            raise RolloutOverError(f"{brick} is {case.deployment.state}.")
        return case

    def _decide(self, case: Case, change: Change) -> None:
        """Do what a person said, and show it to the nodes at once."""
        if not self.book.change(case, self._clock(), change):
            raise RolloutOverError(
                f"{case.brick} has changed since it was looked at.",
                remedy="Look at it again, then decide.",
            )
        self.publish()


def _said(reason: str) -> str:
    """A person's reason.

    Raises:
        RolloutOverError: there is none.
    """
    if not reason.strip():
        raise RolloutOverError("What a person decides needs a reason.", remedy="Say why.")
    return reason.strip()
