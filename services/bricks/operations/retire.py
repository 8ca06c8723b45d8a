"""Retire: end a brick, or take topics out of one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compliance.errors import BadInputError
from services.bricks.errors import BrickError
from services.bricks.manifest import BrickKind, BrickManifest, Role
from services.bricks.operations.content import PackContent, content_of_brick
from services.bricks.operations.life import Done, Plan, finish, next_fields
from services.bricks.operations.packs import changed_topics
from services.bricks.operations.workshop import Workshop
from services.bricks.serving import is_retired

RETIRED_CARD = "RETIRED.md"
"""The one file of a retired version: why, and since when."""


def retire(
    shop: Workshop, brick: str, reason: str, topics: Collection[str] = (), *, dry: bool = False
) -> Done:
    """End a brick, or take topics out of it: they are no part of any answer any more.

    A retired brick's last version holds nothing but the reason, and nodes that take it up use
    nothing of the brick; its earlier versions stay in the store.

    Args:
        shop: where it is made.
        brick: its id.
        reason: one sentence; it is kept in the lineage.
        topics: ids of the topics to take out; the whole brick when there are none.
        dry: nothing is added.

    Raises:
        BrickUnknownError: there is no such brick.
        BrickError: it is retired already, or holds no such topic.
        BadInputError: no reason was given.
    """
    if not reason.strip():
        raise BadInputError("A retirement has to say why.")
    last = shop.store.latest(brick)
    if is_retired(last):
        raise BrickError(f"{brick} is retired already: {last.lineage.note}")
    if topics:
        return _without(shop, last, reason, topics, dry=dry)
    plan = Plan("retired", last, (last.ref,), note=reason, dry=dry)
    return finish(shop, _Ended(last, reason), next_fields(last), [], plan)


def _without(
    shop: Workshop, last: BrickManifest, reason: str, topics: Collection[str], *, dry: bool
) -> Done:
    old = content_of_brick(shop, last)
    if not isinstance(old, PackContent):
        raise BrickError(f"{last.ref} is no knowledge; it has no topics.")
    if strange := set(topics) - {topic.head.id for topic in old.topics}:
        raise BrickError(f"{last.ref} holds no topic {min(strange)}.")
    left = tuple(topic for topic in old.topics if topic.head.id not in topics)
    if not left:
        raise BrickError(f"Nothing of {last.id} would be left; retire the brick itself.")
    content = replace(old, topics=left, retired=(*old.retired, *topics))
    named = f"{', '.join(sorted(topics))}: {reason}"
    plan = Plan("updated", last, (last.ref,), "topics retired", named, dry)
    done = finish(shop, content, next_fields(last), content.measure(shop, []), plan)
    return replace(done, changed=changed_topics(left, old.topics))


@dataclass(frozen=True)
class _Ended:
    """What a retired brick still holds: the reason."""

    last: BrickManifest
    reason: str

    @property
    def kind(self) -> BrickKind:
        return self.last.kind

    def fields(self) -> dict[str, Any]:
        return {"sources": list(self.last.sources)}

    def files(
        self,
        draft: Path,
        before: BrickManifest | None,  # noqa: ARG002 - as whatever a brick holds
    ) -> Mapping[str, tuple[Path, Role]]:
        card = draft / RETIRED_CARD
        card.write_text(f"# {self.last.title}\n\nRetired: {self.reason}\n", encoding="utf-8")
        return {card.name: (card, "card")}
