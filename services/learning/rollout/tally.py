"""What nodes counted under a version, added up by node, out of the parent's tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.bricks.manifest import split_ref
from services.learning.models import NodeMeasures

HORIZON = timedelta(days=28)
"""How far back the former release is looked at."""
MOST_WINDOWS = 200
"""Of a node's latencies, the latest so many windows count."""
SHARE_OF_MEDIAN = 3.0
_THREE = 3


@dataclass(frozen=True)
class NodeTally:
    """One node's counts; see `Measures`. ``first`` is when its first report came."""

    answers: float = 0
    overrides: float = 0
    abstentions: float = 0
    referrals: float = 0
    canaries: int = 0
    canaries_failed: int = 0
    latencies: tuple[float, ...] = ()
    first: datetime | None = None

    def share(self, name: str) -> float:
        """A share of the answers."""
        return float(getattr(self, name)) / self.answers

    def at_most(self, answers: float) -> NodeTally:
        """The same shares, of no more than so many answers."""
        if self.answers <= answers:
            return self
        part = answers / self.answers
        return replace(
            self,
            answers=answers,
            overrides=self.overrides * part,
            abstentions=self.abstentions * part,
            referrals=self.referrals * part,
        )


@dataclass(frozen=True)
class Pair:
    """A node under the release and under the former one."""

    node: str
    now: NodeTally
    before: NodeTally


def version_of(ref: str | None, brick: str) -> int:
    """The version of a brick that a reference names; 0 where it names none of it."""
    name, version = split_ref(ref) if ref else ("", 0)
    return version if name == brick else 0


def tally(
    session: Session, brick: str, version: int, nodes: Collection[str], since: datetime
) -> dict[str, NodeTally]:
    """What these nodes counted under a version, of the reports that came since then."""
    query = select(NodeMeasures).where(
        NodeMeasures.brick == brick,
        NodeMeasures.version == version,
        NodeMeasures.received >= since,
    )
    wanted, found = set(nodes), dict[str, list[NodeMeasures]]()
    for row in session.scalars(query.order_by(NodeMeasures.received)):
        if row.key in wanted:
            found.setdefault(row.key, []).append(row)
    return {node: _sum(rows) for node, rows in found.items()}


def pairs(now: Mapping[str, NodeTally], before: Mapping[str, NodeTally]) -> list[Pair]:
    """Each node that reported under the release, beside its own former counts.

    A node without any (it enrolled lately) is set beside those of all nodes together.
    Of three nodes or more none counts for more than three times the one in the middle: a single
    clinic, mistaken or hostile, must not decide alone.
    """
    most = median([one.answers for one in now.values()] or [0]) * SHARE_OF_MEDIAN
    capped = {n: one.at_most(most) if len(now) >= _THREE else one for n, one in now.items()}
    together = _together(before.values())
    return [Pair(node, one, before.get(node, together)) for node, one in sorted(capped.items())]


def _together(tallies: Collection[NodeTally]) -> NodeTally:
    """Counts of many nodes as one; without latencies, since machines differ."""
    return NodeTally(
        answers=sum(one.answers for one in tallies),
        overrides=sum(one.overrides for one in tallies),
        abstentions=sum(one.abstentions for one in tallies),
        referrals=sum(one.referrals for one in tallies),
    )


def _sum(rows: Sequence[NodeMeasures]) -> NodeTally:
    times = [row.latency_p50_ms for row in rows if row.latency_p50_ms is not None and row.answers]
    return NodeTally(
        answers=sum(row.answers for row in rows),
        overrides=sum(row.overrides for row in rows),
        abstentions=sum(row.abstentions for row in rows),
        referrals=sum(row.referrals for row in rows),
        canaries=sum(row.canaries for row in rows),
        canaries_failed=sum(row.canaries_failed for row in rows),
        latencies=tuple(times[-MOST_WINDOWS:]),
        first=rows[0].received,
    )
