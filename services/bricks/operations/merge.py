"""Merge bricks of knowledge into one: duplicates dropped, contradictions shown and not decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.bricks.compact import dump_topic
from services.bricks.errors import BrickError
from services.bricks.ingest.report import Comparison, Finding, Side
from services.bricks.operations.content import PackContent, content_of_brick
from services.bricks.operations.errors import ContradictionsError
from services.bricks.operations.life import Done, Plan, finish, refuse_taken
from services.bricks.operations.workshop import Workshop
from services.bricks.topic import Topic


@dataclass(frozen=True)
class Union:
    """Packs put together.

    Attributes:
        dropped: passages left out, as ``brick:topic#section``, each with the reason.
        renamed: topics whose id two packs have with other content; each keeps its own sources.
        left_out: passages of crowds that were not compared with one another.
    """

    topics: tuple[Topic, ...]
    dropped: Mapping[str, str]
    renamed: Mapping[str, str]
    left_out: int

    def told(self) -> dict[str, list[str]]:
        """What was dropped and renamed, a line each."""
        return {
            "dropped": [f"{place} ({reason})" for place, reason in self.dropped.items()],
            "renamed": [f"{place} to {name}" for place, name in self.renamed.items()],
        }


def merge_packs(
    shop: Workshop,
    refs: Sequence[str],
    fields: Mapping[str, Any],
    drop: Collection[str] = (),
    *,
    dry: bool = False,
) -> Done:
    """Make one new brick of several; what was dropped and renamed is among what changed.

    Args:
        shop: where it is made.
        refs: the bricks, ``id@version``; title, publisher and licence are the first one's.
        fields: of the new manifest: ``id``, and what is to be other than the first brick's.
        drop: passages to leave out, as ``brick:topic#section``: how contradictions are resolved.
        dry: nothing is added.

    Raises:
        BrickError: there are fewer than two, one is no knowledge, or languages differ.
        ContradictionsError: some are not resolved.
    """
    refuse_taken(shop, str(fields.get("id")))
    manifests = [shop.store.get(ref) for ref in dict.fromkeys(refs)]
    contents = [content_of_brick(shop, manifest) for manifest in manifests]
    packs = [content for content in contents if isinstance(content, PackContent)]
    named = {m.id: pack for m, pack in zip(manifests, packs, strict=False)}
    if len(named) < 2 or len(named) != len(contents):  # noqa: PLR2004 - one is not merged
        raise BrickError("Two or more different bricks of knowledge are needed.")
    if len({pack.said.language for pack in packs}) > 1:
        raise BrickError("Bricks in different languages are not merged.")
    union = unite({name: pack.topics for name, pack in named.items()}, drop)
    first = manifests[0]
    kept = first.model_dump(include={"level", "domain", "sub_domain"})
    retired = sorted({topic for pack in packs for topic in pack.retired})
    title = str(fields.get("title") or " and ".join(pack.said.title for pack in packs))
    licences = " and ".join(dict.fromkeys(pack.said.licence for pack in packs))
    said = packs[0].said.model_copy(
        update={
            "id": str(fields.get("id")),
            "title": title,
            "licence": licences,
            "date": min(pack.said.date for pack in packs),
        }
    )
    content = PackContent(said, union.topics).after(PackContent(said, (), tuple(retired)))
    note = (
        f"{len(union.dropped)} passages left out, {len(union.renamed)} topics renamed, "
        f"{union.left_out} passages of large groups not compared"
    )
    parents = tuple(manifest.ref for manifest in manifests)
    plan = Plan("merged", None, parents, "union", note, dry)
    evaluations = content.measure(shop, packs)
    done = finish(shop, content, {**kept, **fields, "version": 1}, evaluations, plan)
    return replace(done, changed=union.told())


def unite(packs: Mapping[str, Sequence[Topic]], drop: Collection[str] = ()) -> Union:
    """Put packs together.

    Of two passages that say the same the older one goes, but not where they differ in a number or
    a "not": that is a contradiction, however alike they are. What was to be dropped goes first, so
    that it resolves contradictions.

    Raises:
        BrickError: a passage that is to be dropped is not there.
        ContradictionsError: passages of different packs contradict one another.
    """
    dropped = dict.fromkeys(sorted(drop), "as said")
    known = {f"{name}:{p.id}" for name, topics in packs.items() for t in topics for p in t.passages}
    if strange := set(drop) - known:
        raise BrickError(f"There is no passage {min(strange)} in these bricks.")
    left = {name: _without(name, topics, dropped) for name, topics in packs.items()}
    comparison = Comparison(left.items())
    between = [f for f in comparison.findings() if f.left.pack != f.right.pack]
    if odd := [f for f in between if f.kind != "duplicate"]:
        raise ContradictionsError(odd)
    for found in between:
        older, newer = map(_place, _by_age(found))
        if older not in dropped and newer not in dropped:
            dropped[older] = f"the same as {newer}"
    topics, renamed = _gathered({n: _without(n, some, dropped) for n, some in left.items()})
    if not topics:
        raise BrickError("Nothing would be left.")
    return Union(topics, dropped, renamed, comparison.left_out)


def _gathered(packs: Mapping[str, Sequence[Topic]]) -> tuple[tuple[Topic, ...], dict[str, str]]:
    """All topics, each id once: what is not the same under one id gets its pack's name too."""
    found: dict[str, Topic] = {}
    renamed: dict[str, str] = {}
    for name, topics in packs.items():
        for topic in topics:
            id_ = topic.head.id
            held = found.get(id_)
            if held is not None and dump_topic(held) == dump_topic(topic):
                continue
            if held is not None:
                id_ = f"{id_}-{name}"
                renamed[f"{name}:{topic.head.id}"] = id_
                topic = _renamed(topic, id_)  # noqa: PLW2901 - it is the same topic
            if id_ in found:
                raise BrickError(f"Two topics would be called {id_}.")
            found[id_] = topic
    return tuple(found.values()), renamed


def _renamed(topic: Topic, id_: str) -> Topic:
    head = topic.head.model_copy(update={"id": id_})
    return Topic(head, tuple(replace(passage, topic=head) for passage in topic.passages))


def _without(name: str, topics: Iterable[Topic], dropped: Collection[str]) -> tuple[Topic, ...]:
    kept = []
    for topic in topics:
        passages = tuple(p for p in topic.passages if f"{name}:{p.id}" not in dropped)
        if len(passages) == len(topic.passages):
            kept.append(topic)
        elif passages:
            kept.append(Topic(topic.head, passages))
    return tuple(kept)


def _by_age(found: Finding) -> tuple[Side, Side]:
    """The older side and the newer one; the second where both are of one day."""
    first, second = found.left, found.right
    return (first, second) if first.date < second.date else (second, first)


def _place(side: Side) -> str:
    return f"{side.pack}:{side.passage}"
