"""The rollout of a hospital's data folder, opened beside the hospital that runs there."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import column, select, table

from services.bricks.repository import ONLINE_KEYS, REPOSITORY
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.repository import Repository
from services.learning.policy import Policy
from services.learning.rollout.ports import Audit
from services.learning.rollout.service import Rollout
from services.learning.rollout.signed import SignedChannels
from services.store.database import Database

_NODES = table("exchange_node", column("fingerprint"), column("level"), column("revoked"))
"""Of the exchange, which stands in a layer above this one and in the same database."""


def rollout_beside(folder: Path, database: Database, policy: Policy, audit: Audit) -> Rollout:
    """A rollout for who decides at the shell; canary questions are left to the hospital.

    Args:
        folder: of the hospital's data.
        database: of the hospital.
        policy: the update policy.
        audit: writes down what the operator does.
    """

    def fleet() -> list[str]:
        clinics = _NODES.c.level == "clinic", _NODES.c.revoked.is_(None)
        with database.reading() as session:
            return list(session.scalars(select(_NODES.c.fingerprint).where(*clinics)))

    channels = SignedChannels(
        Repository(folder / REPOSITORY), lambda: KeyRing([folder / ONLINE_KEYS])
    )
    return Rollout(database, policy, fleet, channels, audit=audit)
