"""The bricks that a distillation makes: an adapter, and where it is wanted a model of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.bricks.adapters.effect import Effect
from services.bricks.manifest import BrickManifest, Evaluation, Level
from services.learning.distil.figures import Figures
from services.learning.distil.student import Recipe
from services.learning.distil.whole import FILE as MODEL
from services.learning.publish.lineage import FILE, evaluations
from services.learning.publish.publisher import LICENCE, adapter_brick, brick_of
from services.learning.publish.sign import Signing

TIER: Level = "device"
WHOLE = "device-model"


@dataclass(frozen=True)
class Distilled:
    """What a distillation came to.

    Attributes:
        parent: the release; former: what devices have now, None for the bare model.
        figures: of the student.
        apart: nats a token from the parent, before training and after.
        bytes: of the student's adapter for llama.cpp, and of the parent's.
        effect: what quantising left of it in a model of its own, None where none was made.
        bricks: that were published.
    """

    parent: str
    former: str | None
    figures: Figures
    apart: tuple[float, float]
    bytes: tuple[int, int]
    seconds: float
    effect: Effect | None = None
    bricks: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeviceBricks:
    """Makes them.

    Attributes:
        signing: the hospital's store, and the versions that there are.
        base: digest of the model.
        recipe: of the student.
    """

    signing: Signing
    base: str
    recipe: Recipe

    def make(self, domain: str, found: Distilled, folder: Path) -> list[BrickManifest]:
        """Put them into the store, with what they came from and how they did."""
        told = json.dumps({**asdict(found), "recipe": asdict(self.recipe)}, indent=1) + "\n"
        fields = self._fields(domain, found)
        adapter = {**fields, **self._named(domain, TIER), "rank": self.recipe.rank}
        made = [adapter_brick(self.signing.store, adapter, folder, told)]
        if found.effect is not None:
            (folder / FILE).write_text(told, encoding="utf-8")
            whole = {
                **fields,
                **self._named(domain, WHOLE),
                "kind": "model",
                "languages": ["en", "es"],
                "evaluations": [*fields["evaluations"], _left(found.effect)],
            }
            files = {MODEL: (folder / MODEL, "model"), FILE: (folder / FILE, "card")}
            made.append(self.signing.store.make(whole, files))  # type: ignore[arg-type]
        return made

    def _named(self, domain: str, tier: str) -> dict[str, Any]:
        name = brick_of(domain, tier)
        return {"id": name, "version": self.signing.next_version(name)}

    def _fields(self, domain: str, found: Distilled) -> Mapping[str, Any]:
        now, figures = datetime.now(UTC), found.figures
        return {
            "title": f"Learned in {domain}, for devices",
            "level": TIER,
            "domain": domain,
            "base": self.base,
            "licence": LICENCE,
            "created": now,
            "lineage": {
                "operation": "updated" if found.former else "made",
                "parents": [ref for ref in (found.parent, found.former) if ref],
                "method": "distilled from the parent, token by token",
                "note": json.dumps({"kept": round(figures.kept, 4), "parent": found.parent}),
            },
            "evaluations": [one.model_dump() for one in evaluations(figures.suites, now.date())],
        }


def _left(effect: Effect) -> dict[str, Any]:
    """The figure of a quantised model."""
    return Evaluation(
        suite="own answers before quantising",
        metric=f"behaviour kept in {effect.kind}",
        value=round(effect.kept, 4),
        n=effect.answers,
        date=datetime.now(UTC).date(),
    ).model_dump()
