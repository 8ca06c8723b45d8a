"""One state of all metadata of a repository: read whole, changed in memory, signed together."""

from __future__ import annotations

from collections.abc import Collection
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

from services.bricks.channels import ROLE
from services.bricks.errors import BrickDamagedError, BrickError, BrickUnknownError
from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.key_ring import KeyRing

ROOT, TARGETS, SNAPSHOT, TIMESTAMP = "root", "targets", "snapshot", "timestamp"
"""The roles that every repository has, as TUF names them."""
TOP_LEVEL = (ROOT, TARGETS, SNAPSHOT, TIMESTAMP)
"""Those roles; all others are delegated, one for each level and domain."""
ONLINE = (SNAPSHOT, TIMESTAMP)
"""The top-level roles whose keys the hospital's machine uses by itself."""
UNATTENDED = (*ONLINE, ROLE)
"""Those, and the role of channels: keys without a passphrase, signed anew without a person."""


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
    channels: timedelta = timedelta(days=14)

    def of(self, role: str) -> timedelta:
        """The lifetime of a role, by its name."""
        return getattr(self, role, self.delegated)


class Edition:
    """All roles as they stand, or as they are to be.

    Attributes:
        metadata: by role: the four of TUF, and every delegation in force.
        renew: roles that get a new version though nothing of them changed.
        proposed: whether it is enough that people can sign it later.
    """

    def __init__(self, metadata: dict[str, Metadata[Any]]) -> None:
        self.metadata: dict[str, Metadata[Any]] = {}
        self.renew: set[str] = set()
        self.proposed = False
        self._taken: set[str] = set()
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

    def take(self, role: str, metadata: Metadata[Any]) -> None:
        """Take in the next version of a role, as people have signed it.

        Raises:
            BrickError: it does not follow what is published now.
        """
        now = self.metadata.get(role)
        if now is None:
            self.add(role)
            expected = self.metadata[role].signed.version
        else:
            expected = now.signed.version + 1
        if metadata.signed.version != expected:
            raise BrickError(
                f"{role} was published anew since this was proposed.",
                remedy="Propose the change again.",
            )
        self.metadata[role] = metadata
        self._taken.add(role)

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
        return holds(self._delegator(role), role, self.metadata[role])

    def demand(self, keys: KeyRing, *roles: str) -> None:
        """Make sure, before any work is done, that these roles can be signed for.

        Raises:
            RepositoryKeyError: too few keys of one are at hand.
        """
        for role in roles:
            enough = keys.has(self.rule(role).keyids, self.rule(role).threshold)
            if not enough and not (self.proposed and role not in ONLINE):
                raise self._too_few(role)

    def sign(self, keys: KeyRing, lifetimes: Lifetimes, now: datetime) -> dict[str, bytes]:
        """Give what people sign and what changed its next version; return the files by role.

        It is signed by the keys at hand, be they enough or not; what others signed is kept.
        """
        signed: dict[str, bytes] = {}
        for role in (ROOT, *self.delegations(), TARGETS):
            if role not in self._taken and self._is_due(role):
                self._sign(role, keys, now + lifetimes.of(role))
                signed[role] = self.metadata[role].to_bytes()
        return signed | {role: self.metadata[role].to_bytes() for role in self._taken}

    def seal(self, keys: KeyRing, lifetimes: Lifetimes, now: datetime) -> dict[str, bytes]:
        """Sign everything that changed; return the files by role, in the order of writing.

        Who follows it in that order sees the old state until the timestamp (and after it the root)
        is there.

        Raises:
            RepositoryKeyError: too few keys of a role are at hand.
        """
        sealed = self.sign(keys, lifetimes, now)
        self._complete(*sealed)
        if self._list(sealed) or self._is_due(SNAPSHOT):
            sealed[SNAPSHOT] = self._bind(SNAPSHOT, keys, now + lifetimes.snapshot)
            timestamp: Timestamp = self.metadata[TIMESTAMP].signed
            timestamp.snapshot_meta = MetaFile.from_data(
                self.snapshot.version, sealed[SNAPSHOT], ["sha256"]
            )
        if self._is_due(TIMESTAMP):
            sealed[TIMESTAMP] = self._bind(TIMESTAMP, keys, now + lifetimes.timestamp)
        return self._ordered(sealed)

    def missing(self, role: str) -> int:
        """How many signatures a role still lacks."""
        metadata = self.metadata[role]
        payload, signatures = metadata.signed_bytes, metadata.signatures
        found = [self._delegator(role).get_verification_result(role, payload, signatures)]
        if role == ROOT and role in self._before:
            found.append(self._old_root.get_verification_result(role, payload, signatures))
        return max(result.missing for result in found)

    def _complete(self, *roles: str) -> None:
        for role in roles:
            if self.missing(role):
                raise self._too_few(role)

    def _bind(self, role: str, keys: KeyRing, expires: datetime) -> bytes:
        self._sign(role, keys, expires)
        self._complete(role)
        return self.metadata[role].to_bytes()

    def _ordered(self, sealed: dict[str, bytes]) -> dict[str, bytes]:
        """Put a new root last, or first if the rest would not hold under the old one."""
        root = sealed.pop(ROOT, None)
        if root is None:
            return sealed
        if all(holds(self._old_root, role, self.metadata[role]) for role in TOP_LEVEL[1:]):
            return {**sealed, ROOT: root}
        return {ROOT: root, **sealed}

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


def holds(delegator: Root | Targets, role: str, metadata: Metadata[Any]) -> bool:
    """Whether enough of the keys that a delegator names have signed a role."""
    try:
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except (RepositoryError, ValueError):
        return False
    return True
