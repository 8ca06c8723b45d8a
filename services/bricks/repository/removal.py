"""Deleting bricks of a node, but not from under what runs."""

from __future__ import annotations

from collections.abc import Sequence

from services.bricks.errors import BrickError, BrickUnknownError
from services.bricks.manifest import split_ref
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed


def remove_all(store: BrickStore, refs: Sequence[str], *, dry_run: bool = False) -> int:
    """Delete bricks; return the bytes that it frees, or would free.

    Raises:
        BrickUnknownError: one is not here; none was deleted.
        BrickError: one is in use; none was deleted.
    """
    active = Installed(store.folder).active()
    for ref in refs:
        name, version = split_ref(ref)
        if ref not in store.refs(name):
            raise BrickUnknownError(f"There is no brick {ref} here.")
        if active.get(name) == version:
            raise BrickError(
                f"{ref} is in use.",
                remedy="Put another version in use first: `caretier bricks pull` or `rollback`.",
            )
    if not dry_run:
        return sum(store.remove(ref) for ref in dict.fromkeys(refs))
    kept = {f.digest for m in store.manifests() if m.ref not in refs for f in m.files}
    gone = {f.digest: f.size for m in store.manifests() if m.ref in refs for f in m.files}
    return sum(size for digest, size in gone.items() if digest not in kept)
