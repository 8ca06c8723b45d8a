"""Reading the state of a repository from its folder, as far as its signatures hold.

Whoever can write to the folder must not get anything signed by that: what is read is checked before
anything is added to it and signed again.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from typing import Any

from tuf.api.exceptions import LengthOrHashMismatchError, RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root

from services.bricks.errors import BrickDamagedError, BrickUnknownError
from services.bricks.repository.edition import (
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    Edition,
    holds,
)
from services.bricks.repository.layout import Layout

MAX_METADATA = 16 << 20
"""Bytes of a metadata file at most."""
_RESTORE = "Put the repository's folder back from a copy."


def read_edition(layout: Layout, pins: Collection[bytes] = ()) -> Edition:
    """Read what is published now.

    Args:
        layout: of the repository.
        pins: roots that its chain of roots has to contain.

    Raises:
        BrickUnknownError: there is no repository.
        BrickDamagedError: a file of its metadata is missing, cannot be read, or is not signed by
            those who may sign it.
    """
    if not layout.of_role(TIMESTAMP, 0).is_file():
        raise BrickUnknownError(
            f"There is no repository in {layout.folder}.",
            remedy="Make one: `caretier bricks repository init`.",
        )
    roots = _roots(layout, pins)
    metadata: dict[str, Metadata[Any]] = {ROOT: roots[-1]}
    metadata[TIMESTAMP] = _read(layout, TIMESTAMP, None)
    metadata[SNAPSHOT] = _read(layout, SNAPSHOT, metadata[TIMESTAMP].signed.snapshot_meta)
    listed = metadata[SNAPSHOT].signed.meta
    metadata[TARGETS] = _read(layout, TARGETS, listed.get("targets.json"))
    for role in (TIMESTAMP, SNAPSHOT, TARGETS):
        # the root before counts too: a change of keys may have broken off halfway
        if not any(holds(root.signed, role, metadata[role]) for root in roots[-2:]):
            raise _unsigned(role)
    edition = Edition(metadata)
    for role in edition.delegations():
        edition.hold(role, _read(layout, role, listed.get(f"{role}.json")))
        if not edition.holds(role):
            raise _unsigned(role)
    return edition


def _roots(layout: Layout, pins: Collection[bytes]) -> list[Metadata[Root]]:
    """All roots, the first one first: each signed by itself and by the one before it."""
    files: list[bytes] = []
    while (path := layout.of_role(ROOT, len(files) + 1)).is_file():
        files.append(path.read_bytes())
    roots: list[Metadata[Root]] = [_parse(f"{n}.root.json", raw) for n, raw in enumerate(files, 1)]
    if not roots or not set(pins) <= set(files):
        raise BrickDamagedError(
            "The repository is another one than that which these keys were made for.",
            remedy=_RESTORE,
        )
    chained = all(holds(old.signed, ROOT, new) for old, new in pairwise(roots))
    if not chained or not all(holds(root.signed, ROOT, root) for root in roots):
        raise _unsigned(ROOT)
    return roots


def _read(layout: Layout, role: str, meta: MetaFile | None) -> Metadata[Any]:
    path = layout.of_role(role, meta.version if meta is not None else 0)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_METADATA)
        if meta is not None:
            meta.verify_length_and_hashes(raw)
    except (OSError, LengthOrHashMismatchError):
        raise _damaged(path.name) from None
    return _parse(path.name, raw)


def _parse(name: str, raw: bytes) -> Metadata[Any]:
    try:
        return Metadata.from_bytes(raw)
    except RepositoryError:
        raise _damaged(name) from None


def _damaged(name: str) -> BrickDamagedError:
    return BrickDamagedError(f"{name} of the repository is missing or damaged.", remedy=_RESTORE)


def _unsigned(role: str) -> BrickDamagedError:
    return BrickDamagedError(
        f"{role} of the repository is not signed by those who may sign it.", remedy=_RESTORE
    )
