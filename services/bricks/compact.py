"""The compact form of a pack: ``pack.yaml`` (what it is) and ``topics.jsonl`` (a topic a line).

A line holds the topic's head and its passages, each a section, the number of its source among the
head's, and the sentences. A pack may be in several parts, ``topics-000.jsonl`` and so on, so that
an update moves only the parts that changed. The manifest holds the digest of all topics files, one
after the other by name: a pack that was damaged, or whose writing broke off, is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from compliance.yamltext import read_yaml
from services.bricks.errors import BrickError
from services.bricks.topic import Passage, Topic, TopicHead

MANIFEST = "pack.yaml"
"""Says whose the material of a pack is, of when and under which licence."""
TOPICS = "topics.jsonl"
"""The topics of a small pack, one a line."""
PARTS = "topics*.jsonl"
"""The same where a pack has several files of them."""


def compact_folders(folder: Path) -> tuple[Path, ...]:
    """The folders at or below ``folder`` that hold a pack in compact form."""
    return tuple(sorted({path.parent for path in folder.rglob(PARTS)}))


def dump_topic(topic: Topic) -> str:
    """One line (without its end) that `load_topic` reads back."""
    passages = [
        [p.section, topic.head.sources.index(p.source), list(p.sentences)] for p in topic.passages
    ]
    head = topic.head.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps({"head": head, "passages": passages}, ensure_ascii=False)


def load_topic(line: str, place: str) -> Topic:
    """Read one line; ``place`` is used in errors.

    Raises:
        BrickError: it is not a topic.
    """
    try:
        held = json.loads(line)
        head = TopicHead.model_validate(held["head"])
        passages = tuple(
            Passage(head, section, tuple(sentences), head.sources[source])
            for section, source, sentences in held["passages"]
        )
    except (ValueError, ValidationError, KeyError, IndexError, TypeError) as error:
        raise BrickError(f"{place}: not a topic: {error}") from error
    if not passages or not all(_is_text(p) for p in passages):
        raise BrickError(f"{place}: a topic without sentences.")
    return Topic(head, passages)


def _is_text(passage: Passage) -> bool:
    named = isinstance(passage.section, str) and bool(passage.section)
    return named and bool(passage.sentences) and all(isinstance(s, str) for s in passage.sentences)


def read_topics(pack: Path) -> Iterator[tuple[Topic, str]]:
    """Each topic of a compact pack with its line.

    Raises:
        BrickError: the manifest lacks, the digest does not match, or a line is no topic.
    """
    wanted = str(read_manifest(pack).get("sha256"))
    digest = hashlib.sha256()
    for path in sorted(pack.glob(PARTS)):
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                digest.update(raw)
                line = raw.decode("utf-8", "replace")
                yield load_topic(line, f"{pack.name}/{path.name}:{number}"), line
    if digest.hexdigest() != wanted:
        raise BrickError(f"{pack.name}: {TOPICS} is not what {MANIFEST} says; ingest it again.")


def read_manifest(pack: Path) -> dict[str, Any]:
    """What ``pack.yaml`` of a folder holds.

    Raises:
        BrickError: there is none, or it is not a mapping.
    """
    try:
        held = read_yaml((pack / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BrickError(f"{pack.name}: {MANIFEST} cannot be read.") from error
    if not isinstance(held, dict):
        raise BrickError(f"{pack.name}: {MANIFEST} is not a mapping.")
    return held
