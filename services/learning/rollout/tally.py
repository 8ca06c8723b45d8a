"""What nodes counted under a version, added up by node, out of the parent's tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from services.bricks.manifest import split_ref
from services.learning.models import NodeMeasures
from services.store.types import UtcDateTime

HORIZON = timedelta(days=14)
"""How far back the former release is looked at."""
MOST_WINDOWS = 5_000
"""Of the latencies under a version, those of the latest so many windows count."""
SHARE_OF_MEDIAN = 3.0
_SUMS = ("answers", "overrides", "abstentions", "referrals", "canaries", "canaries_failed")
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
    session: Session,
    brick: str,
    version: int,
    nodes: Collection[str],
    since: datetime | None = None,
) -> dict[str, NodeTally]:
    """What these nodes counted under a version, of the reports that came since then."""
    where = [NodeMeasures.brick == brick, NodeMeasures.version == version]
    where += [] if since is None else [NodeMeasures.received >= since]
    first = func.min(NodeMeasures.received, type_=UtcDateTime())
    query = select(NodeMeasures.key, *(func.sum(getattr(NodeMeasures, n)) for n in _SUMS), first)
    times = _latencies(session, where)
    return {
        key: NodeTally(
            **dict(zip(_SUMS, map(int, sums), strict=True)),
            latencies=times.get(key, ()),
            first=begun,
        )
        for key, *sums, begun in session.execute(query.where(*where).group_by(NodeMeasures.key))
        if key in nodes
    }


def _latencies(session: Session, where: list[ColumnElement[bool]]) -> dict[str, tuple[float, ...]]:
    """The medians of the latest windows of a version, by node."""
    query = select(NodeMeasures.key, NodeMeasures.latency_p50_ms).where(
        *where, NodeMeasures.latency_p50_ms.is_not(None), NodeMeasures.answers > 0
    )
    found: dict[str, list[float]] = {}
    latest = query.order_by(NodeMeasures.received.desc()).limit(MOST_WINDOWS)
    for key, value in session.execute(latest):
        found.setdefault(key, []).append(float(value or 0.0))
    return {key: tuple(values) for key, values in found.items()}


def pairs(
    now: Mapping[str, NodeTally], before: Mapping[str, NodeTally], least: int = 1
) -> list[Pair]:
    """Each node that reported under the release, beside its own former counts.

    One with fewer than ``least`` former answers (it enrolled lately) is set beside those of all
    nodes together.
    Of three nodes or more none counts for more than three times the one in the middle: a single
    clinic, mistaken or hostile, must not decide alone.
    """
    most = median([one.answers for one in now.values()] or [0]) * SHARE_OF_MEDIAN
    capped = {n: one.at_most(most) if len(now) >= _THREE else one for n, one in now.items()}
    together = _together(before.values())
    own = {node: one for node, one in before.items() if one.answers >= least}
    return [Pair(node, one, own.get(node, together)) for node, one in sorted(capped.items())]


def _together(tallies: Collection[NodeTally]) -> NodeTally:
    """Counts of many nodes as one; without latencies, since machines differ."""
    return NodeTally(
        answers=sum(one.answers for one in tallies),
        overrides=sum(one.overrides for one in tallies),
        abstentions=sum(one.abstentions for one in tallies),
        referrals=sum(one.referrals for one in tallies),
    )
