"""Knowledge packs: Markdown topics with typed sections, read and checked.

A topic file has YAML front matter (`TopicHead`) and sections ``## name`` whose text is sentences or
a list of sentences. A section may begin with ``source: NAME`` to name another of the topic's
sources. Every sentence can be quoted by itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.bricks.errors import BrickError

PACKS = Path(__file__).parent / "packs"
TIERS = ("device", "clinic", "hospital")
Kind = Literal["disease", "symptom", "medicine", "test", "first-aid", "prevention", "care"]

_FRONT = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_SECTION = re.compile(r"^## +([a-z-]+) *$", re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9¿¡\"“])")
_ABBREVIATIONS = ("e.g.", "i.e.", "Dr.", "St.", "vs.", "approx.", "U.S.", "a.m.", "p.m.")


class TopicSource(BaseModel):
    """Where a topic's statements come from; ``checked`` is None until somebody compared them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=2)
    url: str = Field(pattern=r"^https://")
    checked: date | None = None


class TopicHead(BaseModel):
    """Front matter of a topic file."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str
    kind: Kind
    aliases: tuple[str, ...] = ()
    drug_class: str | None = Field(default=None, alias="class")
    level: Literal["device", "clinic", "hospital"] = "device"
    audience: Literal["all", "adult", "child", "pregnancy"] = "all"
    written: date
    reviewed_by: str | None = None
    sources: tuple[TopicSource, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Passage:
    """One typed section of a topic: ``id`` is ``<topic>#<section>``."""

    topic: TopicHead
    section: str
    sentences: tuple[str, ...]
    source: TopicSource

    @property
    def id(self) -> str:
        """Stable id of the passage."""
        return f"{self.topic.id}#{self.section}"

    @property
    def text(self) -> str:
        """The sentences, joined."""
        return " ".join(self.sentences)

    @property
    def date(self) -> str:
        """ISO date on which the text was checked against its source, else written."""
        return (self.source.checked or self.topic.written).isoformat()


@dataclass(frozen=True)
class Topic:
    """A topic with its passages in the order of the file."""

    head: TopicHead
    passages: tuple[Passage, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Title and aliases as people write them."""
        return (self.head.title, *self.head.aliases)

    def passage(self, section: str) -> Passage | None:
        """The passage of that section, or None."""
        return next((p for p in self.passages if p.section == section), None)


@dataclass(frozen=True)
class Knowledge:
    """The topics that a tier may answer from, and the titles that tiers above it hold.

    ``digest`` is over the text of every loaded topic: two nodes with one digest know the same.
    """

    level: str
    topics: tuple[Topic, ...]
    directory: tuple[TopicHead, ...]
    digest: str

    @classmethod
    def load(cls, level: str, packs: Path = PACKS) -> Knowledge:
        """Read every pack below ``packs`` for a tier.

        Raises:
            BrickError: naming the file and the rule.
        """
        topics: list[Topic] = []
        digest = hashlib.sha256()
        for path in sorted(packs.rglob("*.md")):
            text = path.read_text(encoding="utf-8")
            topics.append(parse_topic(text, path.name))
            digest.update(text.encode())
        _refuse_duplicates(topics)
        reach = TIERS[: TIERS.index(level) + 1]
        own = tuple(t for t in topics if t.head.level in reach)
        above = tuple(t.head for t in topics if t.head.level not in reach)
        digest.update(level.encode())
        return cls(level, own, above, f"sha256:{digest.hexdigest()}")

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        """Every passage of every topic."""
        return tuple(p for t in self.topics for p in t.passages)

    @cached_property
    def by_id(self) -> dict[str, Topic]:
        """Topics by id."""
        return {t.head.id: t for t in self.topics}


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
        head = TopicHead.model_validate(yaml.safe_load(match[1]))
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
