"""Questions that have to stay answerable, and which of them the search answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from compliance.errors import BadInputError
from compliance.yamltext import read_yaml
from services.bricks.knowledge import Knowledge
from services.bricks.operations.evaluate import DEPTH
from services.bricks.retrieval import Embeds, KnowledgeIndex
from services.bricks.topic import Topic
from services.bricks.words import fold

PROTECTED = Path(__file__).with_name("protected.yaml")
PassageId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+#[a-z-]+$")]


class Protected(BaseModel):
    """One question, and the passages that answer it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(min_length=5)
    passages: tuple[PassageId, ...] = Field(min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["caretier-protected-questions/1"]
    questions: tuple[Protected, ...] = Field(min_length=1)


def protected_questions(path: Path = PROTECTED) -> tuple[Protected, ...]:
    """The questions of a file.

    Raises:
        BadInputError: it is not as it has to be.
    """
    try:
        return _File.model_validate(read_yaml(path.read_text(encoding="utf-8"))).questions
    except (OSError, ValueError, yaml.YAMLError, ValidationError) as error:
        raise BadInputError(f"The protected questions {path.name} cannot be read.") from error


class Search:
    """The search over some topics, as a hospital would have it.

    A question counts as answered by the passages that are named, and by those of the same section
    of any topic that shares a name with theirs: another source may answer as well.

    Args:
        topics: all of them, each id once.
        embedder: of the search.
        cache: folder of vectors.
    """

    def __init__(self, topics: Sequence[Topic], embedder: Embeds, cache: Path | None) -> None:
        known = Knowledge.of("hospital", ((topic, topic.head.id) for topic in topics))
        self._index = KnowledgeIndex(known, embedder, cache)
        self._topics = known.by_id
        self._named: dict[str, set[str]] = {}
        for topic in known.topics:
            for name in topic.names:
                self._named.setdefault(fold(name), set()).add(topic.head.id)

    def found(self, questions: Iterable[Protected]) -> frozenset[Protected]:
        """Those questions for which one of the right passages is among the first few."""
        right = set()
        for one in questions:
            wanted = {id_ for passage in one.passages for id_ in self._alike(passage)}
            if wanted & {hit.passage.id for hit in self._index.search(one.question, k=DEPTH)}:
                right.add(one)
        return frozenset(right)

    def _alike(self, passage: str) -> Iterator[str]:
        """A passage, and the same section of the topics that share a name with its topic."""
        id_, _, section = passage.partition("#")
        topic = self._topics.get(id_)
        if topic is not None and topic.passage(section) is not None:
            for name in topic.names:
                yield from (f"{other}#{section}" for other in self._named[fold(name)])
