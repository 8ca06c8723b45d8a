"""Topics: what a pack is made of, whatever form it is kept in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Level = Literal["device", "clinic", "hospital"]
"""The lowest tier that may answer from a topic."""
Kind = Literal["disease", "symptom", "medicine", "test", "first-aid", "prevention", "care"]
"""What a topic is about."""
Audience = Literal["all", "adult", "child", "pregnancy"]
"""For whom a topic is written."""


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
    aliases: tuple[Annotated[str, Field(max_length=120)], ...] = ()
    drug_class: str | None = Field(default=None, alias="class")
    level: Level = "device"
    audience: Audience = "all"
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
