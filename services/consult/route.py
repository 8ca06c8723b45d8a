"""Route: which experts take a question, by rule first, by meaning second.

The rule matrix maps the kind of the topics that a question names to an expert; a question that
names none goes to the expert of the passages nearest in meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.bricks.retrieval import KnowledgeIndex

MATRIX = {
    "disease": "primary-care",
    "symptom": "primary-care",
    "medicine": "pharmacy",
    "test": "laboratory",
    "first-aid": "first-aid",
    "prevention": "prevention",
    "care": "prevention",
}
"""Kind of topic → expert; kinds stand in `services.bricks.knowledge.Kind`."""


@dataclass(frozen=True)
class Route:
    """The experts chosen, and what chose them: ``rule:<topic>`` or ``meaning:<score>``."""

    experts: tuple[str, ...]
    because: tuple[str, ...]


def route(text: str, index: KnowledgeIndex) -> Route:
    """Choose experts for a question."""
    by_id = index.knowledge.by_id
    named = list(dict.fromkeys(m.topic for m in index.mentions(text)))
    if named:
        experts = dict.fromkeys(MATRIX[by_id[t].head.kind] for t in named)
        return Route(tuple(experts), tuple(f"rule:{t}" for t in named))
    hits = index.search(text, k=1)
    if not hits:
        return Route((), ("no-knowledge",))
    expert = MATRIX[hits[0].passage.topic.kind]
    return Route((expert,), (f"meaning:{hits[0].score:.2f}",))
