"""The bricks of a node, as a list: what each is, and whether it is in use."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from services.bricks.manifest import BrickKind, BrickManifest, Level
from services.bricks.standing import Standing, standing_of
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed


class Listed(BaseModel):
    """A brick in a list.

    Attributes:
        size: in bytes.
        active: whether it is in use here.
        unused: why the node does not use it although it is in use, as the node last said.
    """

    model_config = ConfigDict(frozen=True)

    ref: str
    title: str
    kind: BrickKind
    level: Level
    domain: str
    sub_domain: str | None
    languages: tuple[str, ...]
    licence: str
    size: int
    created: datetime
    active: bool
    unused: str | None = None


def listed(folder: Path) -> list[Listed]:
    """The bricks of a store, by name and version; damaged ones are left out.

    Raises:
        BrickDamagedError: which of them are in use is not known.
    """
    active = Installed(folder).active()
    standing = standing_of(folder)
    return [
        Listed(
            active=(in_use := active.get(manifest.id) == manifest.version),
            unused=_unused(manifest, standing) if in_use else None,
            size=manifest.size,
            ref=manifest.ref,
            **manifest.model_dump(include=_SHOWN),
        )
        for manifest in BrickStore(folder).manifests()
    ]


def _unused(manifest: BrickManifest, standing: Standing | None) -> str | None:
    """What the node says of a brick that is in use, where it does not use it."""
    told = standing.left_out if standing else {}
    if (reason := told.get(manifest.ref) or told.get("*")) is not None:
        return reason
    if manifest.kind == "adapter" and (standing is None or manifest.ref not in standing.adapters):
        return "No running node has taken it up."
    return None


_SHOWN = {"title", "kind", "level", "domain", "sub_domain", "languages", "licence", "created"}
