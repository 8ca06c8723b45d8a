"""Taking what nodes counted: from whom, of which release, of which window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.bricks.manifest import split_ref
from services.learning.models import NodeMeasures
from services.learning.rollout.book import Case
from services.learning.rollout.cohorts import members
from services.learning.rollout.measures import BEHIND, Measures
from services.learning.rollout.tally import version_of

MOST_WINDOWS = 20_000
"""Of a node under a release within a month: more is no counting, and fills the disk."""


def brick_and_version(ref: str) -> tuple[str, int]:
    """``id@version``, where version 0 stands for none of it."""
    brick, _, version = ref.partition("@")
    return (brick, 0) if version == "0" else split_ref(ref)


def offered(case: Case, node: str) -> str:
    """What a node uses of a brick, if it follows its channel: this release, or the former one."""
    brick = split_ref(case.brick)[0]
    former = case.deployment.former or f"{brick}@0"
    return case.brick if _has(case, node) else former


def counts(cases: Sequence[Case], node: str, release: str) -> bool:
    """Whether a node may say that it uses a release (``id@0`` for none)."""
    brick, version = brick_and_version(release)
    own = [case for case in cases if split_ref(case.brick)[0] == brick]
    if not own:
        return True  # nothing of it was rolled out yet: that is what the first release is held to
    for case in own:
        brick, number = split_ref(case.brick)
        if number == version:
            return _has(case, node)
        if version == version_of(case.deployment.former, brick):
            return True
    return False


def too_many(session: Session, node: str, release: str, now: datetime) -> bool:
    """Whether a node has sent more windows of a release than there can be."""
    brick, version = brick_and_version(release)
    own = (
        NodeMeasures.brick == brick,
        NodeMeasures.version == version,
        NodeMeasures.key == node,
        NodeMeasures.since >= now - BEHIND,
    )
    return (session.scalar(select(func.count()).where(*own)) or 0) >= MOST_WINDOWS


def row_of(
    node: str, ref: str, measures: Measures, since: datetime, received: datetime
) -> NodeMeasures:
    """The row of a report."""
    brick, version = brick_and_version(ref)
    return NodeMeasures(
        brick=brick,
        version=version,
        key=node,
        since=since,
        received=received,
        **measures.model_dump(),
    )


def _has(case: Case, node: str) -> bool:
    if case.deployment.state == "released":
        return True
    return case.under_way and bool(members([node], case.channel.salt, case.channel.reach))
