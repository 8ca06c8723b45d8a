"""Packs as bricks: a pack's topics in parts that stay as they are when other topics change.

A topic's id decides its part, so an update moves the parts of the topics that changed, a manifest
and a few hundred bytes of ``pack.yaml``, not the pack.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from math import isqrt
from pathlib import Path
from typing import Any

import yaml

from services.bricks.compact import MANIFEST, PARTS, dump_topic, read_manifest
from services.bricks.errors import BrickError
from services.bricks.ingest.manifest import Manifest, manifest_of
from services.bricks.knowledge import TIERS, read_folder
from services.bricks.manifest import BrickManifest, Role
from services.bricks.topic import Topic

ENTRY = 170
"""Bytes that a part takes in the brick's manifest, which moves whole with every update."""
MOST_PARTS = 1024
"""Files of topics of a knowledge brick."""
_NUMBER = re.compile(r"topics-([0-9a-f]{3})\.jsonl")


def read_pack(folder: Path) -> tuple[Manifest, tuple[Topic, ...], tuple[str, ...]]:
    """What a pack says of itself, its topics, and the ids of those that were taken out of it.

    Raises:
        BrickError: it is no pack, or it has no publisher, licence and date.
    """
    held = read_manifest(folder)
    said = manifest_of({name: held.get(name) for name in Manifest.model_fields})
    topics = tuple(topic for topic, _ in read_folder(folder))
    if not topics:
        raise BrickError(f"{folder.name} holds no topics.")
    return said, topics, tuple(map(str, held.get("retired", ())))


def write_parts(
    folder: Path,
    said: Manifest,
    topics: Iterable[Topic],
    parts: int,
    retired: Iterable[str] = (),
) -> None:
    """Write a pack in compact form, in at most so many parts, into a new folder.

    The same topics make the same bytes, in whichever order they come.
    """
    shelves: dict[int, dict[str, bytes]] = {}
    count = passages = 0
    for topic in topics:
        shelf = shelves.setdefault(_shelf(topic.head.id, parts), {})
        shelf[topic.head.id] = dump_topic(topic).encode() + b"\n"
        count, passages = count + 1, passages + len(topic.passages)
    folder.mkdir(parents=True)
    digest = hashlib.sha256()
    for number, shelf in sorted(shelves.items()):
        raw = b"".join(line for _, line in sorted(shelf.items()))
        digest.update(raw)
        (folder / f"topics-{number:03x}.jsonl").write_bytes(raw)
    held = said.model_dump(mode="json", exclude_none=True) | {
        "topics": count,
        "passages": passages,
        "sha256": digest.hexdigest(),
        **({"retired": gone} if (gone := sorted(retired)) else {}),
    }
    text = yaml.safe_dump(held, sort_keys=False, allow_unicode=True)
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def parts_for(topics: Sequence[Topic], before: BrickManifest | None = None) -> int:
    """How many parts move the fewest bytes when one topic changes.

    An update keeps the parts of the version before it, unless it is of quite another size.
    """
    size = sum(len(dump_topic(topic)) for topic in topics)
    best = min(MOST_PARTS, max(1, isqrt(size // ENTRY)))
    best = 1 << (best.bit_length() - 1)
    if before is None:
        return best
    kept = _parts_of(before)
    return kept if best // 4 <= kept <= best * 4 else best


def pack_files(folder: Path) -> dict[str, tuple[Path, Role]]:
    """The files of a written pack, for a store."""
    paths = [folder / MANIFEST, *sorted(folder.glob(PARTS))]
    return {path.name: (path, "pack") for path in paths}


def pack_fields(said: Manifest, topics: Sequence[Topic]) -> dict[str, Any]:
    """Fields of a brick's manifest that its pack decides."""
    lowest = min((topic.head.level for topic in topics), key=TIERS.index)
    return {
        "title": said.title,
        "level": lowest,
        "languages": [said.language],
        "licence": said.licence,
        "sources": [*sources_of(topics, said).values()],
    }


def sources_of(topics: Iterable[Topic], said: Manifest) -> dict[str, dict[str, Any]]:
    """Each source by its name, with the *oldest* date of what is taken from it.

    The pack's licence is the publisher's; what others' material is under is not said there.
    """
    found: dict[str, dict[str, Any]] = {}
    for passage in (p for topic in topics for p in topic.passages):
        name = passage.source.name[:300]
        date = min(passage.date, found.get(name, {}).get("date", passage.date))
        licence = said.licence if name == said.publisher else "not said"
        found[name] = {"name": name, "date": date, "licence": licence}
    return dict(sorted(found.items()))


def moved(manifest: BrickManifest, before: BrickManifest | None = None) -> int:
    """Bytes that a node fetches for a version when it has the one before: new files, manifest."""
    known = {file.digest for file in before.files} if before else set()
    new = {file.digest: file.size for file in manifest.files if file.digest not in known}
    return sum(new.values()) + len(manifest.canonical())


def changed_topics(new: Sequence[Topic], old: Sequence[Topic]) -> Mapping[str, list[str]]:
    """Ids of topics that were ``added``, ``changed`` and ``removed``."""
    after = {topic.head.id: dump_topic(topic) for topic in new}
    before = {topic.head.id: dump_topic(topic) for topic in old}
    return {
        "added": sorted(after.keys() - before.keys()),
        "changed": sorted(i for i in after.keys() & before.keys() if after[i] != before[i]),
        "removed": sorted(before.keys() - after.keys()),
    }


def _parts_of(before: BrickManifest) -> int:
    """The power of two above the highest number that a part has: some parts may be empty."""
    numbers = (_NUMBER.fullmatch(file.name) for file in before.files)
    highest = max((int(match[1], 16) for match in numbers if match), default=0)
    return 1 << highest.bit_length()


def _shelf(topic: str, parts: int) -> int:
    return int.from_bytes(hashlib.sha256(topic.encode()).digest()[:4]) % parts
