"""Questions that have to stay answerable, and which of them the search answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from compliance.errors import BadInputError
from services.bricks.knowledge import Knowledge
from services.bricks.operations.evaluate import DEPTH
from services.bricks.retrieval import Embeds, KnowledgeIndex
from services.bricks.topic import Topic

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
        return _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).questions
    except (OSError, ValueError, yaml.YAMLError, ValidationError) as error:
        raise BadInputError(f"The protected questions {path.name} cannot be read.") from error


class Search:
    """The search over some topics, as a hospital would have it.

    Args:
        topics: all of them, each id once.
        embedder: of the search.
        cache: folder of vectors.
    """

    def __init__(self, topics: Sequence[Topic], embedder: Embeds, cache: Path | None) -> None:
        known = Knowledge.of("hospital", ((topic, topic.head.id) for topic in topics))
        self._index = KnowledgeIndex(known, embedder, cache)
        self._held = {passage.id for passage in known.passages}

    def found(self, questions: Iterable[Protected]) -> frozenset[str]:
        """Those questions for which one of the right passages is among the first few."""
        right = set()
        for one in questions:
            wanted = self._held & set(one.passages)
            if wanted and wanted & {
                h.passage.id for h in self._index.search(one.question, k=DEPTH)
            }:
                right.add(one.question)
        return frozenset(right)
