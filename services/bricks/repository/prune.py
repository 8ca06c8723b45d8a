"""Freeing the disk of versions that nobody is to fetch any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from services.bricks.channels import CHANNELS
from services.bricks.manifest import BrickManifest
from services.bricks.repository.channels import settled_of
from services.bricks.repository.edition import ONLINE, ROOT, TARGETS, Edition
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.layout import role_of, target_of
from services.bricks.repository.publish import revoked
from services.bricks.repository.repository import Repository

GRACE = timedelta(days=7)
"""Metadata that was current this lately stays: a slow node may be reading it."""


@dataclass(frozen=True)
class Pruned:
    """What is no longer offered, and the bytes that this frees."""

    refs: tuple[str, ...]
    bytes: int


def prune(repository: Repository, keys: KeyRing, *, keep: int = 3, dry_run: bool = False) -> Pruned:
    """Offer the latest versions of each brick only, and delete what nothing names any more.

    A version stays as long as a brick that stays specialises it, or stands on a model of it, and
    while channels offer it to all.

    Args:
        repository: to be pruned.
        keys: of the roles whose bricks go, and the online ones.
        keep: versions of each brick that stay; those that were taken back do not count.
        dry_run: only say what would go.

    Raises:
        BrickDamagedError: a manifest cannot be read; nothing was deleted.
        RepositoryKeyError: the keys of a role are not at hand; nothing was deleted.
    """
    if dry_run:
        edition = repository.read()
        stays, goes = _divide(repository, edition, keep)
        return _pruned(goes, _loose(repository, edition, stays))
    with repository.edit(keys) as edition:
        _, goes = _divide(repository, edition, keep)
        for manifest in goes:
            role = role_of(manifest.level, manifest.domain)
            edition.demand(keys, role, *ONLINE)
            del edition.targets(role).targets[target_of(manifest)]
    with repository.layout.lock():
        edition = repository.read()
        loose = list(_loose(repository, edition, repository.manifests(edition)))
        pruned = _pruned(goes, loose)
        for path in loose:
            path.unlink()
    return pruned


def _divide(
    repository: Repository, edition: Edition, keep: int
) -> tuple[list[BrickManifest], list[BrickManifest]]:
    """What stays, and what goes."""
    taken = {entry.ref for entry in revoked(repository, edition)}
    manifests = repository.manifests(edition)
    stays: dict[str, BrickManifest] = {}
    for manifest in reversed(manifests):
        kept = sum(held.id == manifest.id and held.ref not in taken for held in stays.values())
        if manifest.ref not in taken and kept < keep:
            stays[manifest.ref] = manifest
    stays |= {m.ref: m for m in manifests if m.ref in settled_of(repository, edition)}
    while needed := [m for m in manifests if m.ref not in stays and _needed(m, stays)]:
        stays |= {manifest.ref: manifest for manifest in needed}
    return list(stays.values()), [m for m in manifests if m.ref not in stays]


def _needed(manifest: BrickManifest, stays: dict[str, BrickManifest]) -> bool:
    digests = {file.digest for file in manifest.files}
    return any(m.parent == manifest.ref or m.base in digests for m in stays.values())


def _loose(
    repository: Repository, edition: Edition, stays: Sequence[BrickManifest]
) -> Iterator[Path]:
    """Files that nothing of an edition names, drafts of runs that broke off among them."""
    layout = repository.layout
    named = {layout.of_blob(file.digest) for m in stays for file in m.files}
    offered = {target_of(m) for m in stays}
    for role in (TARGETS, *edition.delegations()):
        for name, target in edition.targets(role).targets.items():
            if role == TARGETS or name in offered or name == CHANNELS:
                named.add(layout.of_target(name, target.hashes["sha256"]))
    yield from (p for p in sorted(layout.targets.rglob("*")) if p.is_file() and p not in named)
    current = {layout.of_role(r, md.signed.version) for r, md in edition.metadata.items()}
    oldest = (repository.clock() - GRACE).timestamp()
    for path in sorted(layout.metadata.iterdir()):
        is_root = path.name.endswith(f".{ROOT}.json")
        if path not in current and not is_root and path.stat().st_mtime < oldest:
            yield path


def _pruned(goes: Sequence[BrickManifest], loose: Iterator[Path] | Sequence[Path]) -> Pruned:
    refs = tuple(manifest.ref for manifest in goes)
    return Pruned(refs, sum(path.stat().st_size for path in loose))
