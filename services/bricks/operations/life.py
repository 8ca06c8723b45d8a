"""A brick's first version and its next one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from services.bricks.errors import BrickError
from services.bricks.manifest import BrickManifest, Evaluation, Operation
from services.bricks.operations.content import Content, Held, PackContent, content_of_brick
from services.bricks.operations.errors import NoGainError
from services.bricks.operations.evaluate import as_said, is_gain
from services.bricks.operations.packs import changed_topics, moved
from services.bricks.operations.workshop import Workshop
from services.bricks.store import BrickStore


@dataclass(frozen=True)
class Done:
    """What an operation made.

    Attributes:
        moved: bytes that a node fetches for it, with the version before at hand.
        changed: topics that were added, changed and removed; of a merge, what was dropped and
            renamed.
    """

    manifest: BrickManifest
    moved: int
    changed: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """How a manifest comes about, before its content is looked at.

    ``before`` is the version before, if there is one. ``dry``: nothing is added to the store;
    everything else is done and refused alike.
    """

    operation: Operation
    before: BrickManifest | None = None
    parents: tuple[str, ...] = ()
    method: str | None = None
    note: str | None = None
    dry: bool = False


def finish(
    shop: Workshop,
    content: Held,
    fields: Mapping[str, Any],
    evaluations: Sequence[Evaluation],
    plan: Plan,
) -> Done:
    """Make the files and the manifest, and add them to the store."""
    whole = {
        **content.fields(),
        **{name: value for name, value in fields.items() if value is not None},
        "kind": content.kind,
        "created": shop.now(),
        "evaluations": list(evaluations),
        "lineage": {
            "operation": plan.operation,
            "parents": plan.parents,
            "method": plan.method,
            "note": plan.note,
        },
    }
    with shop.draft() as draft:
        files = content.files(Path(draft), plan.before)
        store = BrickStore(Path(draft) / "dry") if plan.dry else shop.store
        manifest = store.make(whole, files)
    return Done(manifest, moved(manifest, plan.before))


def make(shop: Workshop, content: Content, fields: Mapping[str, Any], *, dry: bool = False) -> Done:
    """Put content into the store as version 1 of a new brick.

    Args:
        shop: where it is made.
        content: what it holds.
        fields: of its manifest: ``id`` and ``domain``, and what else is not in the content.
        dry: nothing is added.

    Raises:
        BrickError: there is a brick of this id, or a field is not as it has to be.
    """
    refuse_taken(shop, str(fields.get("id")))
    evaluations = content.measure(shop, [])
    return finish(shop, content, {**fields, "version": 1}, evaluations, Plan("made", dry=dry))


def update(
    shop: Workshop,
    brick: str,
    content: Content,
    *,
    accept: str | None = None,
    restore: Collection[str] = (),
    note: str | None = None,
    dry: bool = False,
) -> Done:
    """Put content into the store as the next version of a brick.

    Args:
        shop: where it is made.
        brick: its id.
        content: what the new version holds.
        accept: why it is taken although its figures are not better; kept in the lineage.
        restore: ids of topics that were retired and come back.
        note: what changed, in a sentence.
        dry: nothing is added.

    Raises:
        BrickUnknownError: there is no such brick.
        NoGainError: the figures are not better, and nobody said why it is taken all the same.
        BrickError: it is of another kind or another base model, or a topic that was retired is in
            it again.
    """
    last = shop.store.latest(brick)
    old = content_of_brick(shop, last)
    if content.kind != last.kind:
        raise BrickError(f"{brick} is of kind {last.kind}, the new content of kind {content.kind}.")
    if last.base not in {None, content.fields().get("base")}:
        raise BrickError(f"{brick} belongs to another base model; make another brick.")
    if isinstance(content, PackContent) and isinstance(old, PackContent):
        content = content.after(old, restore)
    evaluations = content.measure(shop, [old])
    if not is_gain(evaluations) and accept is None:
        raise NoGainError(f"This is not better than {last.ref}: {as_said(evaluations)}.")
    said = "; ".join(part for part in (note, accept and f"taken because: {accept}") if part)
    plan = Plan("updated", last, (last.ref,), note=said or None, dry=dry)
    own = {name: content.fields().get(name) for name in ("title", "languages", "licence")}
    kept = next_fields(last)
    fields = kept | {name: value for name, value in own.items() if value is not None}
    done = finish(shop, content, fields, evaluations, plan)
    if isinstance(content, PackContent) and isinstance(old, PackContent):
        return replace(done, changed=changed_topics(content.topics, old.topics))
    return done


def next_fields(last: BrickManifest) -> dict[str, Any]:
    """Fields that the next version of a brick keeps."""
    kept = {"id", "title", "level", "languages", "domain", "sub_domain", "parent", "base", "rank"}
    return {**last.model_dump(include={*kept, "licence"}), "version": last.version + 1}


def refuse_taken(shop: Workshop, brick: str) -> None:
    """Refuse an id that another brick has.

    Raises:
        BrickError: it has.
    """
    if shop.store.refs(brick):
        raise BrickError(
            f"There is a brick {brick} already.",
            remedy=f"Choose another id, or `caretier bricks update {brick}`.",
        )
