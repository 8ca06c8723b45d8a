"""Publishing a brick, and taking one back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.bricks.errors import (
    BrickError,
    BrickRevokedError,
    BrickUnknownError,
)
from services.bricks.manifest import BrickManifest
from services.bricks.repository.edition import ONLINE, TARGETS, Edition
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.layout import REVOKED, role_of, target_of
from services.bricks.repository.repository import Repository
from services.bricks.revocation import Revocation, parse_revocations, write_revocations
from services.bricks.sizes import model_size
from services.bricks.store import BrickStore

LONGEST_REASON = 300
"""Characters of the reason why a brick is taken back, which nodes show."""


@dataclass(frozen=True)
class Moved:
    """What a node has to fetch, in bytes.

    Attributes:
        update: with the version before it; everything when there is none.
        whole: without any.
        before: that version.
        model: length of the model that the brick belongs to, where that is here.
    """

    update: int
    whole: int
    before: str | None
    model: int | None


@dataclass(frozen=True)
class Published:
    """What was published: under which target path, by which role, and what it costs to fetch."""

    ref: str
    path: str
    role: str
    moved: Moved


def publish(repository: Repository, store: BrickStore, keys: KeyRing, ref: str) -> Published:
    """Publish one brick; see `publish_all`."""
    return publish_all(repository, store, keys, [ref])[0]


def publish_all(
    repository: Repository, store: BrickStore, keys: KeyRing, refs: Sequence[str]
) -> list[Published]:
    """Publish bricks of a store, all or none; what is published already stays as it is.

    Files come first and the signed metadata last, so nobody ever sees a brick without its files.

    Raises:
        BrickUnknownError: the store has no such brick, or nobody may sign its level and domain.
        BrickDamagedError: a file of one is damaged.
        BrickRevokedError: a version was taken back.
        BrickError: a version is published with other content, or a higher one is, or the name
            belongs to another level or domain.
        RepositoryKeyError: the keys of a level and domain are not at hand.
    """
    for ref in refs:
        store.verify(ref)
    done: list[Published] = []
    with repository.edit(keys) as edition:
        published, taken = repository.manifests(edition), revoked(repository, edition)
        for manifest in map(store.get, dict.fromkeys(refs)):
            role, path = role_of(manifest.level, manifest.domain), target_of(manifest)
            targets = edition.targets(role)
            moved = movement(manifest, published, store)
            done.append(Published(manifest.ref, path, role, moved))
            if manifest in published:
                continue
            _refuse(manifest, published, taken)
            edition.demand(keys, role, *ONLINE)
            for file in manifest.files:
                repository.layout.take_blob(store.blob(file.digest), file.digest)
            targets.targets[path] = repository.put_target(path, manifest.canonical())
            published.append(manifest)
    return done


def preview(repository: Repository, store: BrickStore, refs: Sequence[str]) -> list[Published]:
    """What publishing bricks would come to; whether it may be done is not looked at.

    Raises:
        BrickUnknownError: the store has no such brick, or there is no repository.
    """
    published = repository.manifests()
    return [
        Published(m.ref, target_of(m), role_of(m.level, m.domain), movement(m, published, store))
        for m in map(store.get, refs)
    ]


def movement(manifest: BrickManifest, others: Sequence[BrickManifest], store: BrickStore) -> Moved:
    """Bytes that a node has to fetch for a brick, with and without the version before it."""
    before = max(
        (m for m in others if m.id == manifest.id and m.version < manifest.version),
        key=lambda m: m.version,
        default=None,
    )
    text = len(manifest.canonical())
    held = {file.digest for file in before.files} if before else set()
    fresh = {file.digest: file.size for file in manifest.files if file.digest not in held}
    return Moved(
        update=sum(fresh.values()) + text,
        whole=manifest.size + text,
        before=before.ref if before else None,
        model=model_size(manifest, [*others, *store.manifests()]),
    )


def _refuse(
    manifest: BrickManifest, published: Sequence[BrickManifest], taken: Sequence[Revocation]
) -> None:
    if any(entry.ref == manifest.ref for entry in taken):
        raise BrickRevokedError(f"{manifest.ref} was taken back.", remedy="Make a new version.")
    places = {(m.level, m.domain) for m in published if m.id == manifest.id}
    if places - {(manifest.level, manifest.domain)}:
        level, domain = min(places)
        raise BrickError(
            f"The name {manifest.id} belongs to {level}/{domain}.",
            remedy="Give the brick another name: nodes take a name's versions for one brick's.",
        )
    highest = max((m.version for m in published if m.id == manifest.id), default=0)
    if highest >= manifest.version:
        raise BrickError(
            f"{manifest.id}@{highest} is published; {manifest.ref} is not later.",
            remedy="Give what changed a higher version.",
        )


def revoked(repository: Repository, edition: Edition | None = None) -> list[Revocation]:
    """The bricks that were taken back, in the order in which they were.

    Raises:
        BrickDamagedError: the list is missing, or not the one that was signed.
    """
    return parse_revocations(repository.get_target(edition or repository.read(), TARGETS, REVOKED))


def revoke(repository: Repository, keys: KeyRing, ref: str, reason: str) -> Revocation:
    """Take a published brick back; nodes stop using it with their next look at the repository.

    Raises:
        BrickUnknownError: it is not published.
        BrickRevokedError: it was taken back before.
        BrickError: there is no reason, or it is longer than LONGEST_REASON characters.
        RepositoryKeyError: the keys of targets are not at hand.
    """
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise BrickError(f"A reason has up to {LONGEST_REASON} characters, and at least one.")
    with repository.edit(keys) as edition:
        if ref not in {manifest.ref for manifest in repository.manifests(edition)}:
            raise BrickUnknownError(f"{ref} is not published here.")
        taken = revoked(repository, edition)
        if any(entry.ref == ref for entry in taken):
            raise BrickRevokedError(f"{ref} was taken back already.", remedy="Nothing was changed.")
        entry = Revocation(ref=ref, reason=reason.strip(), date=repository.clock().date())
        target = repository.put_target(REVOKED, write_revocations((*taken, entry)))
        edition.targets().targets[REVOKED] = target
    return entry
