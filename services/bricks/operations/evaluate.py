"""How knowledge is measured: its own questions are put to its search, its sentences compared.

A pack's own questions are made of its titles, other names and sections, so they say whether what is
in it can be found, and not whether it is true or enough. Contradictions are those that `compare`
finds by rule.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.bricks.ingest.report import Comparison
from services.bricks.knowledge import Knowledge
from services.bricks.manifest import Evaluation
from services.bricks.retrieval import Embeds, KnowledgeIndex
from services.bricks.topic import Topic

MOST_QUESTIONS = 200
"""Of a pack that are asked; a larger pack is sampled."""
DEPTH = 3
"""Passages among which the right one counts as found."""
CONTRADICTIONS = "contradictions"
"""The measure of statements that contradict one another."""
LOWER_IS_BETTER = frozenset({CONTRADICTIONS, "perplexity"})
"""Measures that are good when they are small."""
TOLERATED = {"perplexity": 0.05}
"""By so much of itself a figure may be worse before it counts as worse."""
Against = Literal["best", "weakest"]
"""Which of several parents a result is compared with."""
OWN, COMPARED = "own questions", "comparison"
"""Suites: questions of the pack itself, and what was found between packs."""
_ASKED = {
    "en": {
        "what": "What is {}?",
        "symptoms": "What are the symptoms of {}?",
        "causes": "What causes {}?",
        "tests": "Which tests show {}?",
        "treatment": "How is {} treated?",
        "prevention": "How can I prevent {}?",
        "outlook": "How long does {} last?",
        "side-effects": "What are the side effects of {}?",
        "dose": "How much {} should I take?",
        "uses": "What is {} used for?",
        "when-to-seek-care": "When should I see a doctor about {}?",
    },
    "es": {
        "what": "¿Qué es {}?",
        "symptoms": "¿Cuáles son los síntomas de {}?",
        "causes": "¿Qué causa {}?",
        "treatment": "¿Cómo se trata {}?",
        "side-effects": "¿Cuáles son los efectos secundarios de {}?",
    },
}
_ANY = {"en": "What about {section} of {name}?", "es": "¿Y {section} de {name}?"}


@dataclass(frozen=True)
class OwnQuestion:
    """A question that a pack itself answers, with the passage that does."""

    text: str
    passage: str


def own_questions(
    topics: Iterable[Topic], language: str = "en", first: Collection[str] = ()
) -> list[OwnQuestion]:
    """A question for each passage, or a fixed choice of `MOST_QUESTIONS`; a topic has one name.

    Args:
        topics: that are asked about.
        language: of the questions.
        first: ids of passages that come before all others in the choice.
    """
    found = {}
    for topic in topics:
        name = topic.names[_number(topic.head.id) % len(topic.names)]
        for passage in topic.passages:
            pattern = _ASKED[language].get(passage.section)
            said = passage.section.replace("-", " ")
            text = pattern.format(name) if pattern else _any(language, said, name)
            found[passage.id] = OwnQuestion(text, passage.id)
    order = sorted(found.values(), key=lambda q: (q.passage not in first, _number(q.passage)))
    return order[:MOST_QUESTIONS]


def _differing(packs: Sequence[Sequence[Topic]]) -> frozenset[str]:
    """Ids of the passages that are not in all packs with the same words: what a change is about."""
    texts: dict[str, list[str]] = {}
    for topics in packs:
        for passage in (p for topic in topics for p in topic.passages):
            texts.setdefault(passage.id, []).append(passage.text)
    return frozenset(
        id_ for id_, said in texts.items() if len(said) < len(packs) or len(set(said)) > 1
    )


def _any(language: str, section: str, name: str) -> str:
    return _ANY[language].format(section=section, name=name)


def measure_packs(
    topics: Sequence[Topic],
    before: Sequence[Sequence[Topic]],
    embedder: Embeds,
    *,
    against: Against = "best",
    cache: Path | None,
    language: str,
    today: dt.date,
) -> list[Evaluation]:
    """Figures of a pack, each beside those of the packs that it replaces or joins.

    Args:
        topics: of the pack.
        before: topics of the others; the questions are those of all of them together.
        embedder: of the search.
        against: which of the others each figure stands beside.
        cache: folder of vectors.
        language: of the questions.
        today: the date that the figures bear.
    """
    every = [topic for some in (*before, topics) for topic in some]
    asked = own_questions(every, language, _differing([*before, topics]))
    hits, *hits_before = (_hits(some, asked, embedder, cache) for some in (topics, *before))
    odd, *odd_before = (contradictions(some) for some in (topics, *before))
    passages = sum(len(topic.passages) for topic in topics)
    found = f"right passage among {DEPTH}"
    return [
        Evaluation(
            suite=OWN,
            metric=found,
            value=hits,
            before=compared(hits_before, found, against),
            n=len(asked),
            date=today,
        ),
        Evaluation(
            suite=COMPARED,
            metric=CONTRADICTIONS,
            value=odd,
            before=compared(odd_before, CONTRADICTIONS, against),
            n=passages,
            date=today,
        ),
    ]


def compared(figures: Sequence[float], metric: str, against: Against) -> float | None:
    """The figure of others that a new one stands beside; None where there are no others."""
    highest = (metric in LOWER_IS_BETTER) == (against == "weakest")
    return (max if highest else min)(figures, default=None)


def _hits(
    topics: Sequence[Topic], asked: Sequence[OwnQuestion], embedder: Embeds, cache: Path | None
) -> float:
    known = Knowledge.of("hospital", ((topic, topic.head.id) for topic in topics))
    index = KnowledgeIndex(known, embedder, cache)
    held = {passage.id for passage in known.passages}
    right = sum(
        question.passage in held
        and question.passage in {hit.passage.id for hit in index.search(question.text, k=DEPTH)}
        for question in asked
    )
    return round(right / len(asked), 4)


def contradictions(topics: Sequence[Topic]) -> int:
    """How many contradictions stand between a pack's topics."""
    findings = Comparison([("pack", topics)]).findings()
    return sum(found.kind != "duplicate" for found in findings)


def is_gain(evaluations: Iterable[Evaluation]) -> bool:
    """Whether something is better than before and nothing worse."""
    steps = [gained for e in evaluations if (gained := step(e)) is not None]
    return any(s > 0 for s in steps) and all(s >= 0 for s in steps)


def is_harm(evaluations: Iterable[Evaluation]) -> bool:
    """Whether something is worse than before."""
    return any((step(e) or 0.0) < 0 for e in evaluations)


def as_said(evaluations: Iterable[Evaluation]) -> str:
    """The figures in a sentence: what it was before, what it is now."""
    return "; ".join(
        f"{e.metric} of {e.suite} {e.value:g}"
        + (f" (before {e.before:g})" if e.before is not None else "")
        for e in evaluations
    )


def step(evaluation: Evaluation) -> float | None:
    """How much better a figure is than the one before, whichever way is better.

    None where there is none before; 0 where it is worse by no more than is tolerated.
    """
    if evaluation.before is None:
        return None
    gained = evaluation.value - evaluation.before
    if evaluation.metric in LOWER_IS_BETTER:
        gained = -gained
    tolerated = TOLERATED.get(evaluation.metric, 0.0) * abs(evaluation.before)
    return 0.0 if -tolerated <= gained < 0 else gained


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
