"""The channels of a repository: a role of its own, whose key the hospital's machine holds.

    open_channels(repository, maker, keys, online_keys)     # once; people's targets keys sign that
    bring(repository, keys, lambda: {"heart-style": Line(settled=2)})

The key that signs channels can offer or hold back what other keys signed, and nothing else. So a
rollout moves and comes back without a person, and whoever takes over the machine can make no brick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tuf.api.metadata import DelegatedRole

from services.bricks.channels import CHANNELS, ROLE, Channels, Line
from services.bricks.errors import BrickError
from services.bricks.manifest import BrickManifest
from services.bricks.repository.edition import ONLINE, TARGETS, Edition
from services.bricks.repository.key_maker import KeyMaker, KeyPlan
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.publish import revoked
from services.bricks.repository.repository import Repository

SENT = frozenset({"adapter", "emergent", "model"})
"""Kinds that are offered by channel: what speaks or reckons, and not what is read."""


def open_channels(
    repository: Repository, maker: KeyMaker, keys: KeyRing, folder: Path
) -> Mapping[str, Line]:
    """Make the role of channels and its key; return what is offered to all from now on.

    What was published before stays offered; later versions of it wait for a rollout.

    Args:
        repository: to have channels.
        maker: of the key, which has no passphrase.
        keys: of targets, and the online ones.
        folder: where the key is written.

    Raises:
        BrickError: it has channels already.
        RepositoryKeyError: the keys of targets are not at hand.
    """
    with repository.edit(keys) as edition:
        if has_channels(edition):
            raise BrickError("The repository has channels already.", remedy="Nothing was changed.")
        edition.demand(keys, TARGETS, *ONLINE)
        rule = DelegatedRole(ROLE, [], 1, terminating=True, paths=[CHANNELS])
        taken = {entry.ref for entry in revoked(repository, edition)}
        there = [m for m in repository.manifests(edition) if m.ref not in taken]
        edition.rules()[ROLE] = rule
        for key in maker.make(ROLE, KeyPlan([folder]), keys):
            edition.targets().add_key(key, ROLE)
        edition.add(ROLE)
        lines = _settled(there)
        _put(repository, edition, Channels(bricks=lines))
    return lines


def has_channels(edition: Edition) -> bool:
    """Whether a repository tells nodes apart."""
    return ROLE in edition.delegations()


def channels_of(repository: Repository, edition: Edition | None = None) -> Channels:
    """What is offered now.

    Raises:
        BrickUnknownError: the repository has no channels.
        BrickDamagedError: the file is missing, or not the one that was signed.
    """
    raw = repository.get_target(edition or repository.read(), ROLE, CHANNELS)
    return Channels.parse(raw)


def settled_of(repository: Repository, edition: Edition) -> frozenset[str]:
    """The versions that are offered to all, by channel."""
    if not has_channels(edition):
        return frozenset()
    lines = channels_of(repository, edition).bricks
    return frozenset(f"{brick}@{line.settled}" for brick, line in lines.items() if line.settled)


def bring(repository: Repository, keys: KeyRing, wanted: Callable[[], Mapping[str, Line]]) -> bool:
    """Sign lines where they differ from what is signed; those of other bricks stay.

    Args:
        repository: with channels.
        keys: of channels, snapshot and timestamp.
        wanted: gives the lines; it is asked while nobody else can change the repository.

    Returns:
        Whether something was new.

    Raises:
        BrickUnknownError: the repository has no channels.
        RepositoryKeyError: a key is not at hand.
        RepositoryBusyError: somebody else is changing the repository.
    """
    if not _lacking(channels_of(repository), wanted()):
        return False
    with repository.edit(keys) as edition:
        now = channels_of(repository, edition)
        lacking = _lacking(now, wanted())
        if lacking:
            edition.demand(keys, ROLE, *ONLINE)
            _put(repository, edition, Channels(bricks={**now.bricks, **lacking}))
    return bool(lacking)


def _lacking(now: Channels, wanted: Mapping[str, Line]) -> dict[str, Line]:
    """Lines that are not signed as they are; what was withdrawn once stays so."""
    found = {}
    for brick, line in wanted.items():
        held = now.bricks.get(brick, Line())
        meant = line.model_copy(update={"withdrawn": {**held.withdrawn, **line.withdrawn}})
        if brick not in now.bricks or meant != held:
            found[brick] = meant
    return found


def _settled(manifests: list[BrickManifest]) -> dict[str, Line]:
    """The highest version of each brick of a kind that is offered by channel."""
    highest: dict[str, int] = {}
    for manifest in manifests:
        if manifest.kind in SENT:
            highest[manifest.id] = max(manifest.version, highest.get(manifest.id, 0))
    return {brick: Line(settled=version) for brick, version in sorted(highest.items())}


def _put(repository: Repository, edition: Edition, channels: Channels) -> None:
    target = repository.put_target(CHANNELS, channels.canonical())
    edition.targets(ROLE).targets[CHANNELS] = target
