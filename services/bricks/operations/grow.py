"""Grow: a new brick for a narrower field, under a parent that stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.bricks.errors import BrickError
from services.bricks.ingest.report import Comparison
from services.bricks.manifest import BrickManifest
from services.bricks.operations.content import Content, PackContent, content_of_brick
from services.bricks.operations.errors import ContradictionsError, NoGainError
from services.bricks.operations.evaluate import as_said, is_gain
from services.bricks.operations.life import Done, Plan, finish, refuse_taken
from services.bricks.operations.workshop import Workshop
from services.bricks.serving import is_retired


def grow(
    shop: Workshop,
    parent: str,
    content: Content,
    fields: Mapping[str, Any],
    *,
    accept: str | None = None,
    dry: bool = False,
) -> Done:
    """Make a brick for a narrower field under a parent, which stays as it is to the byte.

    Args:
        shop: where it is made.
        parent: ``id@version``.
        content: of the new brick.
        fields: ``id`` and ``sub_domain``; domain and level are the parent's unless given.
        accept: why it is taken although the parent does as well on its questions.
        dry: nothing is added.

    Raises:
        BrickUnknownError: there is no such parent.
        BrickError: the field is taken, kinds or base models do not fit, or a topic is in both.
        ContradictionsError: the new content contradicts the parent.
        NoGainError: the parent does as well without it.
    """
    above = shop.store.get(parent)
    refuse_taken(shop, str(fields.get("id")))
    held = content_of_brick(shop, above)
    whole = {
        "domain": above.domain,
        "parent": parent,
        "version": 1,
        **{name: value for name, value in fields.items() if value is not None},
    }
    _refuse_taken_field(shop, above, whole, content)
    if isinstance(content, PackContent) and isinstance(held, PackContent):
        _refuse_clash(above.ref, held, str(whole["id"]), content)
    with_it, without = content.beside(held)
    evaluations = with_it.measure(shop, [without])
    if not is_gain(evaluations) and accept is None:
        raise NoGainError(f"{parent} does as well without it: {as_said(evaluations)}.")
    note = f"taken because: {accept}" if accept else None
    return finish(
        shop, content, whole, evaluations, Plan("grown", None, (parent,), note=note, dry=dry)
    )


def _refuse_taken_field(
    shop: Workshop, above: BrickManifest, whole: Mapping[str, Any], content: Content
) -> None:
    """Refuse a kind or base model that the parent has not, and a field that another brick has."""
    if content.kind != above.kind:
        raise BrickError(f"{above.ref} is of kind {above.kind}, the new content {content.kind}.")
    if above.base is not None and content.fields().get("base") != above.base:
        raise BrickError(f"{above.ref} belongs to another base model than the new content.")
    field_ = (whole["domain"], whole.get("sub_domain"))
    if whole.get("sub_domain") is None or field_ == (above.domain, above.sub_domain):
        raise BrickError(f"A brick that grows out of {above.ref} has to name its own sub-domain.")
    for other in {ref.rsplit("@", 1)[0] for ref in shop.store.refs()}:
        last = shop.store.latest(other)
        same = (last.kind, last.domain, last.sub_domain) == (content.kind, *field_)
        if same and not is_retired(last):
            raise BrickError(
                f"{last.ref} is for {field_[0]}/{field_[1]} already.",
                remedy=f"`caretier bricks update {other}` makes its next version.",
            )


def _refuse_clash(parent: str, held: PackContent, brick: str, content: PackContent) -> None:
    own = {topic.head.id for topic in held.topics}
    if both := sorted(own & {topic.head.id for topic in content.topics}):
        raise BrickError(f"{parent} holds {', '.join(both[:5])} already.")
    findings = Comparison([(parent, held.topics), (brick, content.topics)]).findings()
    odd = [f for f in findings if f.kind != "duplicate" and f.left.pack != f.right.pack]
    if odd:
        raise ContradictionsError(odd)
