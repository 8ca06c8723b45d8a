"""The parent's adapter as a node has it: a brick of the signed repository."""

from __future__ import annotations

import shutil
from pathlib import Path

from services.bricks.adapters.base import named_base, write_note
from services.bricks.errors import BrickError
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed


def parent_folder(store: BrickStore, ref: str | None, scratch: Path) -> Path | None:
    """The folder of an adapter in PEFT's form, which names the model it is for.

    Args:
        store: of the node.
        ref: ``id@version``; None for the bare model.
        scratch: where it is copied to when it does not name its model itself.

    Raises:
        BrickUnknownError, BrickDamagedError: the brick is not here, or not whole.
        BrickRevokedError: its publisher took it back; nothing is to be built on it.
        BrickError: it holds no adapter in that form.
    """
    if ref is None:
        return None
    Installed(store.folder).refuse_revoked(ref)
    manifest = store.get(ref)
    names = [f.name for f in manifest.files if f.role == "peft" and f.name.endswith(".safetensors")]
    if not names:
        raise BrickError(f"{ref} is not there in PEFT's form.")
    store.verify(ref)
    found = (store.lay_out(ref) / names[0]).parent
    if named_base(found) is None and manifest.base is not None:
        found = Path(shutil.copytree(found, scratch / "parent"))
        write_note(found, manifest.base)
    return found
