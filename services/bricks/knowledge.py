"""Knowledge packs: topics with typed sections, read and checked.

A pack is a folder of Markdown topics, or the compact form that `caretier bricks ingest` writes
(``services.bricks.compact``). Packs that lie elsewhere are named by CARETIER_PACKS.

A topic file has YAML front matter (`TopicHead`) and sections ``## name`` whose text is sentences or
a list of sentences. A section may begin with ``source: NAME`` to name another of the topic's
sources. Every sentence can be quoted by itself.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml
from pydantic import ValidationError

from compliance.yamltext import read_yaml
from services.bricks.compact import compact_folders, read_topics
from services.bricks.errors import BrickError
from services.bricks.topic import Kind, Passage, Topic, TopicHead, TopicSource

__all__ = [
    "PACKS",
    "TIERS",
    "Kind",
    "Knowledge",
    "Passage",
    "Topic",
    "TopicHead",
    "TopicSource",
    "pack_folders",
    "parse_topic",
    "read_folder",
    "split_sentences",
]

PACKS = Path(__file__).parent / "packs"
"""Folder of the packs that ship with Caretier."""
TIERS = ("device", "clinic", "hospital")
"""Lowest first; a tier knows what its own level and those below know."""
PACKS_VARIABLE = "CARETIER_PACKS"
"""Environment variable: folders of further packs, with the separator of PATH between them."""

_FRONT = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_SECTION = re.compile(r"^## +([a-z-]+) *$", re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9¿¡\"“])")
_ABBREVIATIONS = ("e.g.", "i.e.", "Dr.", "St.", "vs.", "approx.", "U.S.", "a.m.", "p.m.")


@dataclass(frozen=True)
class Knowledge:
    """The topics that a tier may answer from, and the titles that tiers above it hold.

    ``digest`` is over the text of every loaded topic: two nodes with one digest know the same.
    ``fields`` are the domains, and sub-domains, of topics that a brick brought, by id.
    """

    level: str
    topics: tuple[Topic, ...]
    directory: tuple[TopicHead, ...]
    digest: str
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def load(cls, level: str, packs: Path | Iterable[Path] | None = None) -> Knowledge:
        """Read every pack below one or more folders for a tier.

        Args:
            level: the tier.
            packs: folders; by default the built-in pack and those of CARETIER_PACKS.

        Raises:
            BrickError: naming the file and the rule.
        """
        folders = pack_folders() if packs is None else _several(packs)
        return cls.of(level, (pair for folder in folders for pair in read_folder(folder)))

    @classmethod
    def of(
        cls,
        level: str,
        read: Iterable[tuple[Topic, str]],
        fields: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Knowledge:
        """What a tier may know of topics that were read, each with the text that it was made of.

        Args:
            level: the tier.
            read: the topics.
            fields: of topics, by id.

        Raises:
            BrickError: two topics have one id.
        """
        topics: list[Topic] = []
        digest = hashlib.sha256()
        for topic, text in read:
            topics.append(topic)
            digest.update(text.encode())
        _refuse_duplicates(topics)
        reach = TIERS[: TIERS.index(level) + 1]
        own = tuple(t for t in topics if t.head.level in reach)
        above = tuple(t.head for t in topics if t.head.level not in reach)
        digest.update(level.encode())
        return cls(level, own, above, f"sha256:{digest.hexdigest()}", fields or {})

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        """Every passage of every topic."""
        return tuple(p for t in self.topics for p in t.passages)

    @cached_property
    def by_id(self) -> dict[str, Topic]:
        """Topics by id."""
        return {t.head.id: t for t in self.topics}

    def topics_of(self, field: str) -> frozenset[str]:
        """Ids of the topics that bricks of a domain or sub-domain brought."""
        return frozenset(t for t in self.by_id if field in self.fields.get(t, ()))


def pack_folders() -> tuple[Path, ...]:
    """The built-in packs, and the folders that CARETIER_PACKS names.

    Raises:
        BrickError: a folder that the variable names is not there.
    """
    named = os.environ.get(PACKS_VARIABLE, "").split(os.pathsep)
    further = tuple(Path(name) for name in named if name.strip())
    for folder in further:
        if not folder.is_dir():
            raise BrickError(f"{PACKS_VARIABLE}: {folder} is no folder.")
    return (PACKS, *further)


def _several(packs: Path | Iterable[Path]) -> tuple[Path, ...]:
    return (packs,) if isinstance(packs, Path) else tuple(packs)


def read_folder(folder: Path) -> Iterator[tuple[Topic, str]]:
    """Each topic of a folder with the text that it was made of: Markdown, then compact packs.

    Raises:
        BrickError: naming the file and the rule.
    """
    compact = compact_folders(folder)
    for path in sorted(folder.rglob("*.md")):
        if not any(path.is_relative_to(pack) for pack in compact):
            text = path.read_text(encoding="utf-8")
            yield parse_topic(text, path.name), text
    for pack in compact:
        yield from read_topics(pack)


def _refuse_duplicates(topics: Iterable[Topic]) -> None:
    seen: set[str] = set()
    for topic in topics:
        if topic.head.id in seen:
            raise BrickError(f"Two topics are called {topic.head.id}.")
        seen.add(topic.head.id)


def parse_topic(text: str, name: str) -> Topic:
    """Parse one topic file; ``name`` is used in errors.

    Raises:
        BrickError: front matter or sections are not as they should be.
    """
    match = _FRONT.match(text)
    if match is None:
        raise BrickError(f"{name}: no front matter between two lines of ---.")
    try:
        head = TopicHead.model_validate(read_yaml(match[1]))
    except (ValidationError, yaml.YAMLError) as error:
        raise BrickError(f"{name}: the front matter is not valid: {error}") from error
    parts = _SECTION.split(match[2])
    passages = tuple(
        _passage(head, section, body, name)
        for section, body in zip(parts[1::2], parts[2::2], strict=True)
    )
    if not passages:
        raise BrickError(f"{name}: no sections.")
    return Topic(head, passages)


def _passage(head: TopicHead, section: str, body: str, name: str) -> Passage:
    lines = [line.strip() for line in body.strip().splitlines() if line.strip()]
    source = head.sources[0]
    if lines and lines[0].startswith("source:"):
        wanted = lines.pop(0).removeprefix("source:").strip()
        found = next((s for s in head.sources if s.name == wanted), None)
        if found is None:
            raise BrickError(f"{name}: section {section} names a source that is not listed.")
        source = found
    sentences: list[str] = []
    for line in lines:
        sentences += split_sentences(line.removeprefix("- "))
    if not sentences:
        raise BrickError(f"{name}: section {section} is empty.")
    return Passage(head, section, tuple(sentences), source)


def split_sentences(text: str) -> list[str]:
    """Split plain text into sentences; usual abbreviations do not end one."""
    out: list[str] = []
    for piece in _SENTENCE_END.split(text.strip()):
        if out and out[-1].endswith(_ABBREVIATIONS):
            out[-1] = f"{out[-1]} {piece}"
        elif piece:
            out.append(piece)
    return out
