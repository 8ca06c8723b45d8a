"""The bricks of a node, as a list: what each is, and whether it is in use."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from services.bricks.manifest import BrickKind, Level
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed


class Listed(BaseModel):
    """A brick in a list; ``size`` in bytes."""

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


def listed(folder: Path) -> list[Listed]:
    """The bricks of a store, by name and version; damaged ones are left out.

    Raises:
        BrickDamagedError: which of them are in use is not known.
    """
    active = Installed(folder).active()
    return [
        Listed(
            active=active.get(manifest.id) == manifest.version,
            size=manifest.size,
            ref=manifest.ref,
            **manifest.model_dump(include=_SHOWN),
        )
        for manifest in BrickStore(folder).manifests()
    ]


_SHOWN = {"title", "kind", "level", "domain", "sub_domain", "languages", "licence", "created"}
