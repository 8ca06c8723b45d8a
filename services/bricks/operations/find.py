"""Find: which brick fits a need, and why the others do not.

What a need fixes (kind, tier, language, field, base model, room) decides first; among what is left,
the words of the need are held against title, field and topics of each brick by their vectors. A
brick for a narrower field comes before its parent, and names the parents to be used with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

import numpy as np

from compliance.errors import BadInputError
from services.bricks.errors import BrickError
from services.bricks.knowledge import TIERS
from services.bricks.manifest import BrickKind, BrickManifest, Level
from services.bricks.operations.content import PackContent, content_of_brick
from services.bricks.operations.workshop import Workshop
from services.bricks.serving import is_retired
from services.bricks.sizes import said_bytes
from services.bricks.words import content_stems

NEAR = 0.35
"""Cosine from which a brick fits the words of a need.

With MiniLM and the titles of the built-in pack, 15 of 15 health needs in other words lie above it
(the least at 0.40), and 1 of 15 needs of other matters (car insurance, at 0.41).
"""
MOST_NAMES = 1000
"""Names of a brick that are held against the words of a need."""


@dataclass(frozen=True)
class Need:
    """What a brick is looked for; None and an empty text leave it open.

    Attributes:
        text: in a person's words.
        level: the tier that is to use it: bricks of that tier and of those below fit.
        domain: a field or a sub-domain.
        base: digest of the model that adapters have to fit.
        room: bytes that it may take.
    """

    text: str = ""
    kind: BrickKind | None = None
    level: Level | None = None
    language: str | None = None
    domain: str | None = None
    base: str | None = None
    room: int | None = None


def need_of(
    text: str,
    *,
    kind: str | None,
    level: str | None,
    language: str | None,
    domain: str | None,
    room: float | None,
) -> Need:
    """A need as people write it; ``room`` in bytes.

    Raises:
        BadInputError: there is no such kind or level.
    """
    for given, known in ((kind, get_args(BrickKind)), (level, get_args(Level))):
        if given is not None and given not in known:
            raise BadInputError(f"There is no {given}: {', '.join(known)}.")
    return Need(
        text.strip(),
        cast("BrickKind | None", kind),
        cast("Level | None", level),
        language,
        domain,
        room=None if room is None else int(room),
    )


@dataclass(frozen=True)
class Match:
    """A brick that fits: how well (0 to 1; 1 where no words were given), why, and with whom."""

    manifest: BrickManifest
    score: float
    reasons: tuple[str, ...]
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """Bricks that fit, best first, and the reason why each of the others does not."""

    matches: tuple[Match, ...]
    rejected: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "matches": [
                {
                    "ref": match.manifest.ref,
                    "title": match.manifest.title,
                    "score": round(match.score, 4),
                    "reasons": list(match.reasons),
                    "parents": list(match.parents),
                    "size": match.manifest.size,
                }
                for match in self.matches
            ],
            "rejected": dict(self.rejected),
        }


def find(shop: Workshop, need: Need) -> Found:
    """Look through the latest version of every brick of a store."""
    latest = {m.id: m for m in shop.store.manifests()}  # in the order of versions: the last stays
    rejected: dict[str, str] = {}
    left = []
    for manifest in latest.values():
        reason = _obstacle(manifest, need)
        if reason is None:
            left.append(manifest)
        else:
            rejected[manifest.ref] = reason
    matches = []
    for manifest, (score, why) in zip(left, _scores(shop, left, need), strict=True):
        if score < NEAR:
            rejected[manifest.ref] = f"nothing in it is near to the need ({why})"
            continue
        reasons = (*_fixed(manifest, need), why) if need.text else _fixed(manifest, need)
        matches.append(Match(manifest, score, reasons, _parents(manifest, latest)))
    matches.sort(key=_order)
    return Found(tuple(matches), rejected)


def _order(match: Match) -> tuple[float, int, int, str]:
    """By score, then the narrower field, then the smaller brick."""
    manifest = match.manifest
    return (-round(match.score, 2), -len(match.parents), manifest.size, manifest.id)


def _obstacle(manifest: BrickManifest, need: Need) -> str | None:
    """The first thing that speaks against a brick, if anything does."""
    return next(_obstacles(manifest, need), None)


def _obstacles(manifest: BrickManifest, need: Need) -> Iterator[str]:
    if is_retired(manifest):
        yield f"retired: {manifest.lineage.note}"
    if need.kind not in {None, manifest.kind}:
        yield f"is of kind {manifest.kind}"
    if need.level is not None and TIERS.index(manifest.level) > TIERS.index(need.level):
        yield f"is for the {manifest.level}"
    if need.language is not None and need.language not in manifest.languages:
        yield f"is in {' and '.join(manifest.languages)}"
    if need.domain not in {None, manifest.domain, manifest.sub_domain}:
        yield f"is for {_field(manifest)}"
    if need.base is not None and manifest.base not in {None, need.base}:
        yield f"belongs to another base model ({str(manifest.base)[:19]}…)"
    if need.room is not None and manifest.size > need.room:
        yield f"takes {said_bytes(manifest.size)} of the {said_bytes(need.room)} there are"


def _fixed(manifest: BrickManifest, need: Need) -> tuple[str, ...]:
    said = [f"for the {manifest.level}, {_field(manifest)}"]
    if need.room is not None:
        said.append(f"takes {said_bytes(manifest.size)}")
    said += [
        f"{e.metric} of {e.suite}: {e.value:g} (n = {e.n:,})" for e in manifest.evaluations[:1]
    ]
    return tuple(said)


def _field(manifest: BrickManifest) -> str:
    return "/".join(filter(None, (manifest.domain, manifest.sub_domain)))


def _scores(
    shop: Workshop, manifests: Sequence[BrickManifest], need: Need
) -> list[tuple[float, str]]:
    """How near each brick is to the words, and which of its words are the nearest."""
    if not need.text or not manifests:
        return [(1.0, "") for _ in manifests]
    embedder = shop.embedder()
    wanted = embedder.encode([need.text])[0]
    found = []
    for manifest in manifests:
        names = _most_telling(_names(shop, manifest), need.text)
        cosines = embedder.encode(names) @ wanted
        best = int(np.argmax(cosines))
        score = float(np.clip(cosines[best], 0.0, 1.0))
        found.append((score, f"“{names[best]}” is near to it by {score:.2f}"))
    return found


def _most_telling(names: Sequence[str], text: str) -> list[str]:
    """Title and field, then names that share a word with the need, then others, up to a limit."""
    wanted = set(content_stems(text))
    order = sorted(names[2:], key=lambda name: wanted.isdisjoint(content_stems(name)))
    return [*names[:2], *order][:MOST_NAMES]


def _names(shop: Workshop, manifest: BrickManifest) -> list[str]:
    """What a brick is about: its title and field, and the titles of its topics."""
    field = _field(manifest).replace("/", " ").replace("-", " ")
    names = [manifest.title, field]
    if manifest.kind == "knowledge":
        try:
            content = content_of_brick(shop, manifest)
        except BrickError:
            return names  # damaged: it is judged by its manifest
        if isinstance(content, PackContent):
            names += [topic.head.title for topic in content.topics]
    return names


def _parents(manifest: BrickManifest, latest: Mapping[str, BrickManifest]) -> tuple[str, ...]:
    """The bricks above it, nearest first, as far as they are here and not retired."""
    found: list[str] = []
    while manifest.parent is not None and len(found) < len(latest):
        above = latest.get(manifest.parent.rsplit("@", 1)[0])
        if above is None or is_retired(above):
            break
        found.append(above.ref)
        manifest = above
    return tuple(found)
