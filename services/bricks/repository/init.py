"""The first state of a repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuf.api.metadata import Delegations, Metadata, Root, Snapshot, Targets, Timestamp

from services.bricks.errors import BrickError
from services.bricks.repository.edition import ROOT, TARGETS, TOP_LEVEL, Edition
from services.bricks.repository.key_maker import KeyMaker, KeyPlan
from services.bricks.repository.key_ring import PIN, KeyRing
from services.bricks.repository.layout import REVOKED
from services.bricks.repository.repository import Repository


def init(
    repository: Repository, maker: KeyMaker, plans: Mapping[str, KeyPlan], keys: KeyRing
) -> None:
    """Make a repository: the keys of TUF's four roles, no delegation, an empty list of revoked.

    Args:
        repository: that is to be.
        maker: of the keys.
        plans: for each of root, targets, snapshot and timestamp.
        keys: take the new keys up.

    Raises:
        BrickError: there is one already.
        RepositoryKeyError: a key cannot be written.
    """
    with repository.layout.lock():
        if repository.exists:
            raise BrickError(
                f"There is a repository in {repository.layout.folder} already.",
                remedy="Choose another folder.",
            )
        root = Root(consistent_snapshot=True)
        for role in TOP_LEVEL:
            for key in maker.make(role, plans[role], keys):
                root.add_key(key, role)
            root.roles[role].threshold = plans[role].threshold
        targets = Targets(delegations=Delegations({}, {}))
        targets.targets[REVOKED] = repository.put_target(REVOKED, b"[]")
        metadata: dict[str, Metadata[Any]] = {
            signed.type: Metadata(signed) for signed in (root, targets, Snapshot(), Timestamp())
        }
        repository.publish(Edition.first(metadata), keys)
        pin = repository.layout.of_role(ROOT, 1).read_bytes()
        for folder in {*plans[ROOT].folders, *plans[TARGETS].folders}:
            repository.layout.write(folder / PIN, pin)
