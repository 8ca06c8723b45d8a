"""Keeping a repository fresh: what runs out is signed anew, and people are told in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from services.bricks.errors import BrickError
from services.bricks.repository import ONLINE_KEYS, REPOSITORY
from services.bricks.repository.edition import TOP_LEVEL, UNATTENDED, Edition, Lifetimes
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.repository import Repository

NOTICE = timedelta(days=30)
"""Before metadata that people have to sign runs out, they are told so long."""
LOOK_SECONDS = 3600.0
"""Between two looks of `refresh_loop`."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RoleState:
    """A role as it is published: its version, until when it counts, and whose keys sign it.

    Attributes:
        signed: whether enough of the keys that count have signed it.
        due: whether it should be signed anew by now.
    """

    role: str
    version: int
    expires: datetime
    threshold: int
    keyids: tuple[str, ...]
    signed: bool
    due: bool


def states(repository: Repository) -> list[RoleState]:
    """How every role stands, the four of TUF first."""
    edition, now = repository.read(), repository.clock()
    return [
        _state(edition, role, now, repository.lifetimes)
        for role in (*TOP_LEVEL, *edition.delegations())
    ]


def _state(edition: Edition, role: str, now: datetime, lifetimes: Lifetimes) -> RoleState:
    signed, rule, holds = edition.metadata[role].signed, edition.rule(role), edition.holds(role)
    notice = lifetimes.of(role) / 2 if role in UNATTENDED else NOTICE
    return RoleState(
        role=role,
        version=signed.version,
        expires=signed.expires,
        threshold=rule.threshold,
        keyids=tuple(rule.keyids),
        signed=holds,
        due=not holds or signed.expires - now <= notice,
    )


def refresh(repository: Repository, keys: KeyRing, roles: Collection[str] = ()) -> tuple[str, ...]:
    """Sign roles anew; return which.

    Args:
        repository: where they are.
        keys: of the roles, and the online ones.
        roles: by name; when none is named, those that need no person if half their time has passed.

    Raises:
        BrickUnknownError: there is no such role.
        RepositoryKeyError: too few keys are at hand.
    """
    due = {state.role for state in states(repository) if state.due and state.role in UNATTENDED}
    wanted = set(roles) or due
    if not wanted:
        return ()
    with repository.edit(keys) as edition:
        for role in wanted:
            edition.known_rule(role)
            edition.renew.add(role)
    return tuple(sorted(wanted))


async def keep_fresh(data: Path) -> None:
    """The hospital's job, with repository and online keys where its data folder has them."""
    await refresh_loop(Repository(data / REPOSITORY), KeyRing([data / ONLINE_KEYS]))


async def refresh_loop(repository: Repository, keys: KeyRing) -> None:
    """Keep snapshot and timestamp fresh, and warn of what people have to do.

    It never ends by itself; what goes wrong is logged and tried again.
    """
    while True:
        try:
            if repository.exists:
                await asyncio.to_thread(_look, repository, keys)
        except (BrickError, OSError) as error:
            _log.warning("The brick repository was not refreshed: %s", error)
        await asyncio.sleep(LOOK_SECONDS)


def _look(repository: Repository, keys: KeyRing) -> None:
    for role in refresh(repository, keys):
        _log.info("Signed %s of the brick repository anew.", role)
    for state in states(repository):
        if state.due:
            _log.warning(
                "%s of the brick repository runs out on %s: `caretier bricks repository refresh %s`"
                " with its keys.",
                state.role,
                f"{state.expires:%Y-%m-%d}",
                state.role,
            )
