"""The clinics of a hospital: when each was heard of last, what it uses, what it waits for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.exchange.models import EnrolledNode, StoredParcel, StoredWithdrawal
from services.learning.models import NodeMeasures, StoredContribution
from services.store.database import Database

SILENT = timedelta(hours=24)
"""A clinic that was not heard of for so long is asked after."""
ON_ITS_WAY = ("received", "outgoing")
ORDER = ("stale", "new", "fresh", "revoked")


@dataclass(frozen=True)
class NodeRow:
    """One enrolled node.

    Attributes:
        key: its fingerprint.
        heard: when anything came from it last, None for never.
        state: ``fresh``, ``stale``, ``revoked``, or ``new``: nothing came yet, within a day.
        bricks: ``id@version`` of what it said that it uses.
        waiting: referrals of it that are not answered yet.
        epsilon: privacy budget that it has spent, by its last contribution; None without one.
    """

    key: str
    name: str
    level: str
    enrolled: datetime
    heard: datetime | None
    state: str
    bricks: tuple[str, ...]
    waiting: int
    epsilon: float | None


def nodes(database: Database, now: datetime) -> list[NodeRow]:
    """Every node, the silent ones first."""
    with database.reading() as session:
        known = session.scalars(select(EnrolledNode).order_by(EnrolledNode.name)).all()
        heard, waiting = _heard(session), _waiting(session)
        bricks, spent = _bricks(session), _spent(session)
    rows = [
        NodeRow(
            key=one.fingerprint,
            name=one.name,
            level=one.level,
            enrolled=one.enrolled,
            heard=heard.get(one.fingerprint),
            state=_state(one, heard.get(one.fingerprint), now),
            bricks=tuple(bricks.get(one.fingerprint, ())),
            waiting=waiting.get(one.fingerprint, 0),
            epsilon=spent.get(one.fingerprint),
        )
        for one in known
    ]
    return sorted(rows, key=lambda row: (ORDER.index(row.state), row.heard or row.enrolled))


def devices(database: Database, since: datetime) -> int:
    """How many devices' referrals came since a moment; devices enrol at clinics, not here."""
    query = select(func.count(StoredParcel.device.distinct())).where(StoredParcel.received >= since)
    with database.reading() as session:
        return session.scalar(query) or 0


def _state(node: EnrolledNode, heard: datetime | None, now: datetime) -> str:
    if node.revoked is not None:
        return "revoked"
    if now - (heard or node.enrolled) > SILENT:
        return "stale"
    return "fresh" if heard else "new"


def _heard(session: Session) -> dict[str, datetime]:
    """When anything came last, by fingerprint."""
    last: dict[str, datetime] = {}
    for key, moment in (
        (StoredParcel.sender, StoredParcel.received),
        (NodeMeasures.key, NodeMeasures.received),
        (StoredContribution.key, StoredContribution.received),
        (StoredWithdrawal.device, StoredWithdrawal.received),
    ):
        for row in session.execute(select(key, func.max(moment)).group_by(key)):
            last[row[0]] = max(row[1], last.get(row[0], row[1]))
    return last


def _waiting(session: Session) -> dict[str, int]:
    query = select(StoredParcel.sender, func.count()).where(StoredParcel.state.in_(ON_ITS_WAY))
    rows = session.execute(query.group_by(StoredParcel.sender))
    return {str(row[0]): int(row[1]) for row in rows}


def _bricks(session: Session) -> dict[str, list[str]]:
    """The version of each brick that a node measured last."""
    latest = (
        select(NodeMeasures.key, NodeMeasures.brick, func.max(NodeMeasures.received).label("at"))
        .group_by(NodeMeasures.key, NodeMeasures.brick)
        .subquery()
    )
    query = select(NodeMeasures.key, NodeMeasures.brick, NodeMeasures.version).join(
        latest,
        (NodeMeasures.key == latest.c.key)
        & (NodeMeasures.brick == latest.c.brick)
        & (NodeMeasures.received == latest.c.at),
    )
    found: dict[str, list[str]] = {}
    for key, brick, version in session.execute(query.order_by(NodeMeasures.brick)):
        ref = f"{brick}@{version}"
        if version and ref not in found.setdefault(key, []):
            found[key].append(ref)
    return found


def _spent(session: Session) -> dict[str, float]:
    """The whole budget that each node's contributions say is spent: it only grows."""
    spent: dict[str, float] = {}
    for key, manifest in session.execute(
        select(StoredContribution.key, StoredContribution.manifest)
    ):
        epsilon = json.loads(manifest).get("epsilon")
        if epsilon is not None:
            spent[key] = max(float(epsilon), spent.get(key, 0.0))
    return spent
