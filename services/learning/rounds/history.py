"""What releases are made of: from a brick back to its contributions, and forward again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.learning.models import LearningRound, StoredContribution


def contributions_of(row: LearningRound) -> tuple[str, ...]:
    """Ids of the contributions that a round's candidate was put together from."""
    return tuple(str(one["id"]) for one in (row.evidence or {}).get("contributions", ()))


def originals_of(row: LearningRound) -> tuple[str, ...]:
    """The rounds whose contributions are in a candidate: its own, or those that it makes anew."""
    made_anew = (row.evidence or {}).get("rounds", [row.rebuilds])
    return tuple(made_anew) if row.rebuilds else (row.id,)


def round_of(session: Session, brick: str) -> LearningRound | None:
    """The round that a brick was published by, None for one that no round made."""
    query = select(LearningRound).where(LearningRound.brick == brick)
    return session.scalar(query.order_by(LearningRound.epoch.desc()).limit(1))


def standing_on(session: Session, brick: str | None) -> list[LearningRound]:
    """The rounds that a brick stands on: its own, that of its parent, and so on to the base."""
    found: list[LearningRound] = []
    while brick is not None:
        row = round_of(session, brick)
        if row is None or row.id in {one.id for one in found}:
            break
        found.append(row)
        brick = row.parent
    return found


def holding(session: Session, contribution: StoredContribution) -> list[LearningRound]:
    """The published rounds whose bricks hold a contribution: by their own round or a parent's."""
    query = select(LearningRound).where(
        LearningRound.domain == contribution.domain, LearningRound.brick.is_not(None)
    )
    published = list(session.scalars(query.order_by(LearningRound.epoch, LearningRound.changed)))
    by_brick = {row.brick: row for row in published}
    found: set[str] = set()
    for row in published:  # a parent was published before what stands on it
        parent = by_brick.get(row.parent)
        inherited = parent is not None and parent.id in found
        if inherited or contribution.id in contributions_of(row):
            found.add(row.id)
    return [row for row in published if row.id in found]


def withdrawn(session: Session, ids: Iterable[str]) -> set[str]:
    """Those of some contributions that were taken back."""
    query = select(StoredContribution.id).where(
        StoredContribution.id.in_(list(ids)), StoredContribution.state == "withdrawn"
    )
    return set(session.scalars(query))


def sites_of(rows: Sequence[LearningRound]) -> tuple[str, ...]:
    """Pseudonyms of all who contributed to some rounds."""
    told = ((row.evidence or {}).get("contributions", ()) for row in rows)
    return tuple(sorted({str(one["site"]) for given in told for one in given}))
