"""Questions that a person may want to ask, from their interests, their record and their adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from patient_app.personal.adapter import Floats, PersonalAdapter
from patient_app.personal.policy import PersonalPolicy
from services.bricks.knowledge import Topic
from services.bricks.retrieval import KnowledgeIndex

SUGGESTED = 4
_ASKS = {
    "disease": ("How is {} treated?", "treatment"),
    "symptom": ("What can I do about {}?", "self-care"),
    "medicine": ("What are the side effects of {}?", "side-effects"),
    "test": ("What is {}?", "what"),
    "prevention": ("What is {}?", "what"),
}


@dataclass(frozen=True)
class Suggestion:
    """A question, and the topic that would answer it."""

    question: str
    topic: str


class Suggester:
    """Ranks the topics of this device for a person.

    Args:
        index: the device's knowledge; its embedder and titles are used.
    """

    def __init__(self, index: KnowledgeIndex) -> None:
        self.index = index
        self.topics: tuple[Topic, ...] = index.knowledge.topics
        self.row = {t.head.id: i for i, t in enumerate(self.topics)}

    @cached_property
    def vectors(self) -> Floats:
        """Unit vectors of the topics' titles, shape (topics, 384)."""
        return self.index.embed([t.head.title for t in self.topics])

    def base(self, interests: Sequence[str]) -> Floats:
        """Closeness of each topic to the nearest interest; zero without interests."""
        if not interests:
            return np.zeros(len(self.topics), np.float32)
        near: Floats = (self.vectors @ self.index.embed(list(interests)).T).max(axis=1)
        return near

    def suggest(
        self, policy: PersonalPolicy, adapter: PersonalAdapter | None, asked: frozenset[str]
    ) -> list[Suggestion]:
        """The best few questions on topics that were not asked about yet; none without a ground.

        Titles are English: in Spanish there are none from the adapter.
        """
        if policy.language != "en" or not (policy.interests or adapter):
            return []
        scores = self.base(policy.interests)
        if adapter is not None:
            scores = scores + adapter.scores(self.vectors)
        made: list[Suggestion] = []
        for row in np.argsort(-scores, kind="stable"):
            topic = self.topics[int(row)]
            question = _question(topic)
            if question and topic.head.id not in asked:
                made.append(Suggestion(question, topic.head.id))
            if len(made) == SUGGESTED:
                break
        return made


def _question(topic: Topic) -> str | None:
    """A question that the topic holds the section for, or None."""
    asks = _ASKS.get(topic.head.kind)
    if asks is None or topic.passage(asks[1]) is None:
        return None
    return asks[0].format(_inside(topic))


def _inside(topic: Topic) -> str:
    """The title as it is written inside a sentence: small where the topic's own text has it so."""
    small = topic.head.title[:1].lower() + topic.head.title[1:]
    return small if any(f" {small}" in p.text for p in topic.passages) else topic.head.title
