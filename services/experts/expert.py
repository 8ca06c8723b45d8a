"""An expert: what is known of an adapter that is, or should be, held by the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.bricks.manifest import BrickManifest

NOT_AN_ANSWER = (
    "Raw words of a model: no medical answer. They cite no source and nobody has checked them."
)
"""Stands on the card of every expert, and in short in the header of each of its answers."""


@dataclass(frozen=True)
class Expert:
    """One pushed expert.

    Attributes:
        id: its name, also as a model of the API; the id of its brick.
        version: of the brick.
        title, domain, sub_domain, languages: of the brick's manifest.
        digest: SHA-256 of the adapter's file as ``sha256:<hex>``; base: of the model beneath it.
        rank: of the adapter.
        pushed: when an operator put it in place.
        measured: its figures, as its brick's maker gives them: suite and metric, and the value.
        trouble: why the engine does not hold it, though it should; None while it does.
    """

    id: str
    version: int
    title: str
    domain: str
    sub_domain: str | None
    languages: tuple[str, ...]
    digest: str
    base: str
    rank: int
    pushed: datetime
    trouble: str | None = None
    measured: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, manifest: BrickManifest, digest: str, pushed: datetime) -> Expert:
        """The expert that a brick of kind adapter makes."""
        return cls(
            id=manifest.id,
            version=manifest.version,
            title=manifest.title,
            domain=manifest.domain,
            sub_domain=manifest.sub_domain,
            languages=manifest.languages,
            digest=digest,
            base=manifest.base or "",
            rank=manifest.rank or 0,
            pushed=pushed,
            measured=tuple((f"{e.suite}, {e.metric}", e.value) for e in manifest.evaluations),
        )

    @property
    def ref(self) -> str:
        """``id@version`` of the brick."""
        return f"{self.id}@{self.version}"

    @property
    def ready(self) -> bool:
        """Whether the engine holds it."""
        return self.trouble is None

    def card(self) -> dict[str, Any]:
        """What the API and the command say of it."""
        return {
            "id": self.id,
            "brick": self.ref,
            "title": self.title,
            "domain": self.domain,
            "sub_domain": self.sub_domain,
            "languages": list(self.languages),
            "digest": self.digest,
            "base": self.base,
            "rank": self.rank,
            "pushed": self.pushed.isoformat(),
            "ready": self.ready,
            "trouble": self.trouble,
            "notice": NOT_AN_ANSWER,
        }
