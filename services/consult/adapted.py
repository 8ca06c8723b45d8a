"""What is said of the adapters that a node writes with: in an answer, in its trace, of the node."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from services.bricks.manifest import BrickManifest
from services.bricks.serving import ActiveKnowledge
from services.bricks.standing import Standing
from services.consult.draft import Said, name_of
from services.consult.messages import ModelCardRef
from services.engines.protocol import Engine
from services.experts.in_use import AdaptersInUse


def who_wrote(
    engine: Engine | None,
    said: Sequence[Said],
    adapter: BrickManifest | None,
    model: ModelCardRef,
) -> ModelCardRef:
    """The model, with its adapter where a sentence that the adapter wrote was kept.

    Args:
        engine: of the node.
        said: the sentences of the answer.
        adapter: that the draft was to be written with.
        model: that answers here without any.
    """
    if engine is None or adapter is None:
        return model
    name = name_of(engine.card, adapter.ref)
    wrote = any(one.by == name for one in said)
    return ModelCardRef(name=name, digest=engine.card.digest) if wrote else model


def told_of(said: Sequence[Said], adapter: BrickManifest | None) -> dict[str, object]:
    """What a trace says of the adapter that was asked: where it comes from, and what was kept."""
    if adapter is None:
        return {}
    kept = sum(one.by is not None and one.by.endswith(f" {adapter.ref}") for one in said)
    lineage = " ".join((adapter.lineage.operation, *adapter.lineage.parents))
    return {"adapter": adapter.ref, "kept": kept, "lineage": lineage}


def standing(
    engine: Engine | None,
    active: ActiveKnowledge | None,
    adapters: AdaptersInUse | None,
    *,
    writes: bool,
) -> Standing:
    """What a node uses of its bricks, and what it leaves out.

    Args:
        engine: of the node, or None.
        active: where its knowledge comes from.
        adapters: that its engine holds.
        writes: whether the engine's words are used.
    """
    card = engine.card if engine else None
    return Standing(
        at=datetime.now(UTC),
        model=card.name if card else None,
        base=card.digest if card else None,
        writes=writes,
        adapters=tuple(m.ref for m in adapters.held()) if adapters else (),
        left_out={
            **(active.left_out if active else {}),
            **(adapters.left_out if adapters else {}),
        },
    )
