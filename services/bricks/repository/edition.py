"""One state of all metadata of a repository: read whole, changed in memory, signed together."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (
    DelegatedRole,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)

from services.bricks.errors import BrickDamagedError, BrickUnknownError
from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.layout import Layout

ROOT, TARGETS, SNAPSHOT, TIMESTAMP = "root", "targets", "snapshot", "timestamp"
TOP_LEVEL = (ROOT, TARGETS, SNAPSHOT, TIMESTAMP)
ONLINE = (SNAPSHOT, TIMESTAMP)
"""Roles whose keys the hospital's machine uses by itself."""


@dataclass(frozen=True)
class Lifetimes:
    """How long each role's metadata counts once signed.

    ``timestamp`` bounds how long somebody between a node and the repository can hold updates back
    unnoticed; ``delegated`` is for the roles that sign bricks.
    """

    root: timedelta = timedelta(days=365)
    targets: timedelta = timedelta(days=365)
    delegated: timedelta = timedelta(days=180)
    snapshot: timedelta = timedelta(days=14)
    timestamp: timedelta = timedelta(days=3)

    def of(self, role: str) -> timedelta:
        """The lifetime of a role, by its name."""
        return getattr(self, role, self.delegated)


class Edition:
    """All roles as they stand, or as they are to be.

    Attributes:
        metadata: by role: the four of TUF, and every delegation in force.
        renew: roles that get a new version though nothing of them changed.
    """

    def __init__(self, metadata: dict[str, Metadata[Any]]) -> None:
        self.metadata: dict[str, Metadata[Any]] = {}
        self.renew: set[str] = set()
        self._before: dict[str, dict[str, Any]] = {}
        for role, held in metadata.items():
            self.hold(role, held)
        self._old_root = Metadata[Root].from_bytes(metadata[ROOT].to_bytes()).signed
        self._old_targets = Metadata[Targets].from_bytes(metadata[TARGETS].to_bytes()).signed

    @classmethod
    def first(cls, metadata: dict[str, Metadata[Any]]) -> Edition:
        """The edition of a repository that is not there yet."""
        edition = cls(metadata)
        edition._before.clear()
        return edition

    def hold(self, role: str, metadata: Metadata[Any]) -> None:
        """Take in a role as it was published."""
        self.metadata[role] = metadata
        self._before[role] = metadata.signed.to_dict()

    @property
    def root(self) -> Root:
        """Which keys count for the four top-level roles."""
        root: Root = self.metadata[ROOT].signed
        return root

    @property
    def snapshot(self) -> Snapshot:
        """Which version of each targets role is current."""
        snapshot: Snapshot = self.metadata[SNAPSHOT].signed
        return snapshot

    def targets(self, role: str = TARGETS) -> Targets:
        """What a role signs.

        Raises:
            BrickUnknownError: there is no such role.
        """
        if role not in self.metadata:
            raise BrickUnknownError(f"Nothing is delegated to {role} in this repository.")
        targets: Targets = self.metadata[role].signed
        return targets

    def rules(self) -> dict[str, DelegatedRole]:
        """The delegations in force, by role; changed in place."""
        held = self.targets().delegations
        if held is None or held.roles is None:
            raise BrickDamagedError("The repository's targets carry no list of delegations.")
        return held.roles

    def delegations(self) -> tuple[str, ...]:
        """The delegated roles in force."""
        return tuple(sorted(self.rules()))

    def add(self, role: str) -> None:
        """Begin the metadata of a delegated role; its numbers go on if it was there before."""
        seen = self.snapshot.meta.get(f"{role}.json")
        self.metadata[role] = Metadata(Targets(version=seen.version + 1 if seen else 1))

    def rule(self, role: str) -> Role:
        """Keys and threshold that count for a role."""
        return self._delegator(role).get_delegated_role(role)

    def known_rule(self, role: str) -> Role:
        """The same for a role that people name.

        Raises:
            BrickUnknownError: there is no such role.
        """
        if role not in self.metadata:
            raise BrickUnknownError(f"There is no role {role} in this repository.")
        return self.rule(role)

    def holds(self, role: str) -> bool:
        """Whether enough of the keys that count for a role have signed it."""
        return _holds(self._delegator(role), role, self.metadata[role])

    def demand(self, keys: KeyRing, *roles: str) -> None:
        """Make sure, before any work is done, that these roles can be signed for.

        Raises:
            RepositoryKeyError: too few keys of one are at hand.
        """
        for role in roles:
            if not keys.has(self.rule(role).keyids, self.rule(role).threshold):
                raise self._too_few(role)

    def seal(self, keys: KeyRing, lifetimes: Lifetimes, now: datetime) -> dict[str, bytes]:
        """Sign everything that changed; return the files by role, in the order of writing.

        Who follows it in that order sees the old state until the timestamp (and after it the root)
        is there.

        Raises:
            RepositoryKeyError: too few keys of a role are at hand.
        """
        sealed: dict[str, bytes] = {}

        def seal(role: str) -> None:
            self._sign(role, keys, now + lifetimes.of(role))
            sealed[role] = self.metadata[role].to_bytes()

        for role in (ROOT, *self.delegations(), TARGETS):
            if self._is_due(role):
                seal(role)
        if self._list(sealed) or self._is_due(SNAPSHOT):
            seal(SNAPSHOT)
            data, version = sealed[SNAPSHOT], self.snapshot.version
            timestamp: Timestamp = self.metadata[TIMESTAMP].signed
            timestamp.snapshot_meta = MetaFile.from_data(version, data, ["sha256"])
        if self._is_due(TIMESTAMP):
            seal(TIMESTAMP)
        root = sealed.pop(ROOT, None)
        if root is not None:
            rest = dict(sealed)
            after = all(_holds(self._old_root, r, self.metadata[r]) for r in TOP_LEVEL[1:])
            sealed = {**rest, ROOT: root} if after else {ROOT: root, **rest}
        return sealed

    def _delegator(self, role: str) -> Root | Targets:
        return self.root if role in TOP_LEVEL else self.targets()

    def _is_due(self, role: str) -> bool:
        changed = self._before.get(role) != self.metadata[role].signed.to_dict()
        return changed or role in self.renew or not self.holds(role)

    def _list(self, sealed: dict[str, bytes]) -> bool:
        """Enter new versions of targets roles into the snapshot; a role once listed stays."""
        for role in sealed.keys() - {ROOT}:
            version = self.metadata[role].signed.version
            meta = MetaFile.from_data(version, sealed[role], ["sha256"])
            self.snapshot.meta[f"{role}.json"] = meta
        return bool(sealed.keys() - {ROOT})

    def _sign(self, role: str, keys: KeyRing, expires: datetime) -> None:
        """Give a role its next version, signed by its keys, and by those that counted before.

        The latter keep what is published acceptable while a new root is not yet known.
        """
        metadata = self.metadata[role]
        if role in self._before:
            metadata.signed.version += 1
        metadata.signed.expires = expires.replace(microsecond=0)
        metadata.signatures.clear()
        for signer in keys.signers({*self.rule(role).keyids, *self._keyids_before(role)}):
            metadata.sign(signer, append=True)
        old_root = self._old_root if role == ROOT and role in self._before else self.root
        if not self.holds(role) or (role == ROOT and not _holds(old_root, ROOT, metadata)):
            raise self._too_few(role)

    def _too_few(self, role: str) -> RepositoryKeyError:
        rule = self.rule(role)
        return RepositoryKeyError(
            f"{role} has to be signed by {rule.threshold} of its {len(rule.keyids)} keys: too few "
            "are at hand."
        )

    def _keyids_before(self, role: str) -> Collection[str]:
        if role not in self._before:
            return ()
        before = self._old_root if role in TOP_LEVEL else self._old_targets
        return before.get_delegated_role(role).keyids


def _holds(delegator: Root | Targets, role: str, metadata: Metadata[Any]) -> bool:
    try:
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except (RepositoryError, ValueError):
        return False
    return True


def read_edition(layout: Layout) -> Edition:
    """Read what is published now.

    Raises:
        BrickUnknownError: there is no repository.
        BrickDamagedError: a file of its metadata is missing or cannot be read.
    """
    if not layout.of_role(TIMESTAMP, 0).is_file():
        raise BrickUnknownError(
            f"There is no repository in {layout.folder}.",
            remedy="Make one: `caretier bricks repository init`.",
        )
    metadata: dict[str, Metadata[Any]] = {ROOT: _read(layout, ROOT, max(_roots(layout), default=1))}
    metadata[TIMESTAMP] = _read(layout, TIMESTAMP, 0)
    listed = metadata[TIMESTAMP].signed.snapshot_meta.version
    metadata[SNAPSHOT] = _read(layout, SNAPSHOT, listed)
    meta = metadata[SNAPSHOT].signed.meta
    metadata[TARGETS] = _read(layout, TARGETS, meta["targets.json"].version)
    edition = Edition(metadata)
    for role in edition.delegations():
        edition.hold(role, _read(layout, role, meta[f"{role}.json"].version))
    return edition


def _roots(layout: Layout) -> Iterator[int]:
    for path in layout.metadata.glob("*.root.json"):
        number = path.name.partition(".")[0]
        if number.isdecimal():
            yield int(number)


def _read(layout: Layout, role: str, version: int) -> Metadata[Any]:
    path = layout.of_role(role, version)
    try:
        return Metadata.from_bytes(path.read_bytes())
    except (OSError, RepositoryError):
        raise BrickDamagedError(
            f"{path.name} of the repository is missing or damaged.",
            remedy="Put it back from a copy of the repository's folder.",
        ) from None
