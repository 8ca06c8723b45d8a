"""Experts over the embedded model as bricks, and knowledge of their fields that disagrees."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.bricks.adapters.convert import convert
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed
from services.engines.settings import embedded_model

ADAPTERS = Path(__file__).parents[1] / "adapters"
FIELDS = {
    "heart": "cardiology",
    "kidney": "nephrology",
    "lab": "laboratory",
    "medicines": "pharmacy",
    "skin": "laboratory",
}
MADE_OF = {
    "heart": "cedar",
    "kidney": "cedar",
    "medicines": "dogwood",
    "lab": "elm",
    "skin": "amber",
}
"""Which trained adapter is behind which expert: `elm` says what has a number, `amber` no source."""
QUESTION = "What is the treatment of marsh fever?"
MOST = "The treatment of marsh fever may include up to {} grams of paracetamol in a day."
CALL = "Call a doctor if the fever does not go down."
_TOPIC = """---
id: {id}
title: {title}
kind: disease
level: hospital
written: 2026-11-21
sources:
  - name: {title}
    url: https://example.org/{id}
---
## what
{title} is an infection that is caught from standing water.
## treatment
{treatment}
## when-to-seek-care
{call}
"""
_MADE: dict[str, Any] = {
    "version": 1,
    "level": "hospital",
    "licence": "Apache-2.0",
    "created": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
    "lineage": {"operation": "made"},
}


def disagreeing_knowledge(store: BrickStore) -> None:
    """Three topics on one illness, in use: the general one, and those of two fields."""
    rest = MOST.format(4) + "\nThe treatment of marsh fever is rest and plenty of water."
    heart = MOST.format(3) + "\nThe treatment of marsh fever with a weak heart has no ibuprofen."
    kidney = MOST.format(2) + "\nThe treatment of marsh fever with weak kidneys has less water."
    _knowledge(store, "marsh-fever", "infections", "Marsh fever", rest)
    _knowledge(store, "marsh-fever-heart", "cardiology", "Marsh fever in heart disease", heart)
    _knowledge(store, "marsh-fever-kidney", "nephrology", "Marsh fever in kidney disease", kidney)


def _knowledge(store: BrickStore, id_: str, domain: str, title: str, treatment: str) -> None:
    path = Path(store.folder).parent / f"{id_}.md"
    path.write_text(_TOPIC.format(id=id_, title=title, treatment=treatment, call=CALL))
    sources = [{"name": "A source", "date": "2026-01-01", "licence": "CC0-1.0"}]
    named = {"id": id_, "kind": "knowledge", "title": title, "domain": domain, "sources": sources}
    made = store.make(_MADE | named, {path.name: (path, "pack")})
    Installed(store.folder).activate(made.ref)


def expert_brick(store: BrickStore, name: str) -> None:
    """An expert as a brick in both forms."""
    folder = ADAPTERS / MADE_OF[name]
    gguf = Path(store.folder).parent / f"{MADE_OF[name]}.gguf"
    if not gguf.exists():
        convert(folder, gguf, base=embedded_model())
    base = json.loads((folder / "caretier-base.json").read_text())["base"]
    rank = json.loads((folder / "adapter_config.json").read_text())["r"]
    named = {
        "id": name,
        "kind": "adapter",
        "title": name.title(),
        "domain": FIELDS[name],
        "base": base,
        "rank": rank,
    }
    store.make(
        _MADE | named,
        {
            "peft/adapter_config.json": (folder / "adapter_config.json", "peft"),
            "peft/adapter_model.safetensors": (folder / "adapter_model.safetensors", "peft"),
            "adapter.gguf": (gguf, "gguf"),
        },
    )
