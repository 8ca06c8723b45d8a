"""Changes that several people sign, each at a place of their own.

Whoever wants a change proposes it: the next versions of the roles that people sign are written into
a folder, and signed by the keys at hand. The folder is carried from one to the next; each looks at
what it would change and adds a signature. With enough of them it is published.

    propose = Repository(folder, proposals=stick)
    revoke(propose, keys, "heart-style@1", "Wrong dose.")     # nothing is published yet
    sign(stick, other_keys)                                     # elsewhere
    apply(Repository(folder), online_keys, stick)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Targets

from services.bricks.errors import BrickDamagedError, BrickError, BrickUnknownError
from services.bricks.repository.edition import ROOT, TARGETS, Edition
from services.bricks.repository.errors import RepositoryKeyError
from services.bricks.repository.key_ring import KeyRing
from services.bricks.repository.layout import PROPOSAL
from services.bricks.repository.repository import Repository


@dataclass(frozen=True)
class Proposed:
    """The next version of a role.

    Attributes:
        changes: what it would change, a line each.
        missing: signatures that it lacks.
    """

    role: str
    version: int
    changes: tuple[str, ...]
    missing: int


def contents(folder: Path) -> dict[str, tuple[str, ...]]:
    """What the roles of a proposal say, all of it, for who has no repository at hand.

    Raises:
        BrickUnknownError: there is no proposal in the folder.
        BrickError: it cannot be read.
    """
    return {role: tuple(sorted(_facts(md.signed))) for role, md in _staged(folder).items()}


def look(repository: Repository, folder: Path) -> list[Proposed]:
    """What a proposal would change in a repository, and which signatures it lacks.

    Raises:
        BrickUnknownError: there is no proposal in the folder, or no repository.
        BrickError: it cannot be read, or something else was published since.
    """
    now, then = repository.read(), repository.read()
    staged = _staged(folder)
    for role, metadata in staged.items():
        then.take(role, metadata)
    return [
        Proposed(role, md.signed.version, _changes(now, role, md), then.missing(role))
        for role, md in staged.items()
    ]


def sign(folder: Path, keys: KeyRing) -> tuple[str, ...]:
    """Add the signatures of the keys at hand to a proposal; return the keys' labels.

    Raises:
        BrickUnknownError: there is no proposal in the folder.
        RepositoryKeyError: no key at hand is one of a role that is proposed.
    """
    added: list[str] = []
    for role, metadata in _staged(folder).items():
        mine = [key for key in keys.files().values() if key.role == role]
        for signer in keys.signers([key.keyid for key in mine]):
            metadata.sign(signer, append=True)
        if mine:
            metadata.to_file(str(folder / f"{role}{PROPOSAL}"))
        added += [key.label for key in mine]
    if not added:
        raise RepositoryKeyError("No key at hand is one of those that sign this.")
    return tuple(sorted(added))


def apply(repository: Repository, keys: KeyRing, folder: Path) -> tuple[str, ...]:
    """Publish what enough people have signed; return the roles that are new.

    Raises:
        BrickUnknownError: there is no proposal in the folder.
        BrickError: something else was published since.
        RepositoryKeyError: a role lacks signatures, or the online keys are not at hand.
    """
    staged = _staged(folder)
    with repository.edit(keys) as edition:
        for role, metadata in staged.items():
            edition.take(role, metadata)
        _whole(repository, edition)
    for role in staged:
        (folder / f"{role}{PROPOSAL}").unlink()
    return tuple(staged)


def _whole(repository: Repository, edition: Edition) -> None:
    """Make sure that the files are here still; `prune` may have deleted them.

    Raises:
        BrickDamagedError: one is missing.
    """
    for manifest in repository.manifests(edition):
        for file in manifest.files:
            if not repository.layout.of_blob(file.digest).is_file():
                raise BrickDamagedError(
                    f"{file.name} of {manifest.ref} is not in the repository.",
                    remedy="Propose to publish it again.",
                )


def _staged(folder: Path) -> dict[str, Metadata[Any]]:
    """The files of a proposal; root first, then targets: they say who else counts."""
    first = (ROOT, TARGETS)
    paths = sorted(folder.glob(f"*{PROPOSAL}"), key=lambda p: (p.stem not in first, p.stem))
    try:
        found = {path.stem: Metadata.from_bytes(path.read_bytes()) for path in paths}
    except (OSError, RepositoryError):
        raise BrickError(f"The proposal in {folder} cannot be read.") from None
    if not found:
        raise BrickUnknownError(f"There is no proposal in {folder}.", remedy="Check the folder.")
    return found


def _changes(now: Edition, role: str, metadata: Metadata[Any]) -> tuple[str, ...]:
    held = now.metadata.get(role)
    before = _facts(held.signed) if held is not None else set()
    after = _facts(metadata.signed)
    gone, come = sorted(before - after), sorted(after - before)
    return (*(f"- {fact}" for fact in gone), *(f"+ {fact}" for fact in come))


def _facts(signed: Root | Targets) -> set[str]:
    """What a role says, a line each."""
    if isinstance(signed, Root):
        return {
            f"{role}: key {keyid[:8]}, {rule.threshold} to sign"
            for role, rule in signed.roles.items()
            for keyid in rule.keyids
        }
    rules = (signed.delegations.roles if signed.delegations is not None else None) or {}
    targets = {f"{path} ({t.hashes['sha256'][:8]})" for path, t in signed.targets.items()}
    return targets | {
        f"{role}: key {keyid[:8]}, {rule.threshold} to sign, {', '.join(rule.paths or ())}"
        for role, rule in rules.items()
        for keyid in rule.keyids
    }
