"""How a repository stands: its roles, what is published in it, and what was taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from services.bricks.blobs import digest_of
from services.bricks.manifest import BrickManifest
from services.bricks.repository.edition import ROOT
from services.bricks.repository.publish import revoked
from services.bricks.repository.refresh import RoleState, states
from services.bricks.repository.repository import Repository
from services.bricks.revocation import Revocation


class Status(BaseModel):
    """A repository at a moment.

    Attributes:
        root: digest of the current root's file; people compare it when a node trusts it first.
        bytes: of all published files, equal ones once.
    """

    folder: str
    at: datetime
    root: str
    roles: list[RoleState]
    bricks: list[str]
    bytes: int
    revoked: list[Revocation]
    format: Literal["caretier-repository-status/1"] = "caretier-repository-status/1"


def status(repository: Repository) -> Status:
    """Look at a repository.

    Raises:
        BrickUnknownError: there is none.
        BrickDamagedError: a file of it is damaged.
    """
    roles, manifests = states(repository), repository.manifests()
    version = next(state.version for state in roles if state.role == ROOT)
    return Status(
        folder=str(repository.layout.folder),
        at=repository.clock(),
        root=digest_of(repository.layout.of_role(ROOT, version))[0],
        roles=roles,
        bricks=[manifest.ref for manifest in manifests],
        bytes=_bytes(manifests),
        revoked=revoked(repository),
    )


def _bytes(manifests: list[BrickManifest]) -> int:
    return sum({f.digest: f.size for m in manifests for f in m.files}.values())
