"""Ground: choose the passages and the facts that an answer may be made of.

Three ways to be wrong are closed here: another disease (the topic must be named, or be near in
meaning *and* hold the question's rare words), the right disease with the wrong matter (the section
must be of the question's kind), and knowledge that only a tier above holds (its title is known
here, so the question goes up instead of being answered from a neighbour).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from services.bricks.knowledge import Passage, Topic
from services.bricks.retrieval import Hit, KnowledgeIndex
from services.bricks.words import LAY, Mention, content_stems, fold, stems, words
from services.consult.messages import Fact, Level, Question
from services.consult.understand import KIND_WORDS, OVERVIEW, Ask, asks_of

NEAR_COSINE = 0.62
"""A passage this near in meaning may answer although the question names no topic."""
NEAR_WITH_WORDS = 0.45
"""So near is enough where the passage is also among the best by its words (NEAR_KEYWORD)."""
NEAR_KEYWORD = 0.5
ENOUGH_COVERAGE = 0.6
"""Share of the question's weighted words that a topic must hold (see KnowledgeIndex.coverage)."""
FOLLOW_UP_WORDS = 8
"""A question without a topic of its own, at most this long, continues the one before."""
FEW = 4
"""Sentences of a short answer."""
SUBJECTS = frozenset({"disease", "symptom", "medicine", "test"})
"""Kinds of topics that a question is about; 'what should I eat with gout' is about gout."""
PLAIN_KINDS = frozenset({"overview", "symptoms", "treatment", "causes"})
_PLACEHOLDER = re.compile(r"\[[A-Z]+(?:-[0-9+]+)*\]")
_REFERENT = frozenset(
    {"it", "this", "that", "they", "them", "these", "those", "eso", "esto", "ello"}
)


@dataclass(frozen=True)
class Quote:
    """A sentence of a passage with its cosine to the question."""

    passage: Passage
    text: str
    cosine: float


@dataclass(frozen=True)
class Material:
    """What an answer may say.

    ``reason`` tells why there is nothing, or why a person has to answer: ``needs-clinician``,
    ``held-above``, ``wrong-matter``, ``not-covered``; None when the quotes answer the question.
    ``destination`` is the tier that should answer then. ``confidence`` is 0 to 1.
    """

    ask: Ask
    quotes: tuple[Quote, ...] = ()
    facts: tuple[Fact, ...] = ()
    topics: tuple[str, ...] = ()
    confidence: float = 0.0
    reason: str | None = None
    destination: Level | None = None


class Grounder:
    """Chooses material from one tier's knowledge."""

    def __init__(self, index: KnowledgeIndex) -> None:
        self.index = index

    def ground(self, question: Question, facts: tuple[Fact, ...] = ()) -> Material:
        """Choose the passages for a question; never raises for any text."""
        kinds = {
            self.index.knowledge.by_id[m.topic].head.kind
            for m in self.index.mentions(question.text)
        }
        ask = asks_of(question.text, medicine="medicine" in kinds)
        if ask.personal:
            return Material(ask, facts=facts, reason="needs-clinician", destination=Level.HOSPITAL)
        text = self._with_context(question)
        named = list(dict.fromkeys(m.topic for m in self.index.mentions(text)))
        above = self.index.held_above(question.text)
        if above is not None and not named:
            return Material(ask, facts=facts, reason="held-above", destination=Level(above.level))
        subjects = [t for t in named if self.index.knowledge.by_id[t].head.kind in SUBJECTS]
        if named:
            named = subjects or named
            return self._from_named(question, ask, named, facts, text)
        return self._from_meaning(question, ask, facts)

    def _with_context(self, question: Question) -> str:
        """The question, with what the person said before where it continues that."""
        if self.index.mentions(question.text) or self.index.held_above(question.text):
            return question.text
        given = words(question.text)
        if len(given) > FOLLOW_UP_WORDS and not _REFERENT & set(given):
            return question.text
        before = [t.text for t in question.history if t.role == "patient"]
        return f"{question.text} {before[-1]}" if before else question.text

    def _from_named(
        self, question: Question, ask: Ask, named: list[str], facts: tuple[Fact, ...], text: str
    ) -> Material:
        topics = [self.index.knowledge.by_id[t] for t in named]
        passages = self._sections(topics, ask)
        if not passages:
            return Material(ask, facts=facts, reason="wrong-matter", topics=tuple(named))
        names = [name for t in topics for name in t.names]
        coverage = max(self._rest_coverage(question.text, t, names) for t in topics)
        if coverage < ENOUGH_COVERAGE:
            return Material(
                ask, facts=facts, reason="wrong-matter", topics=tuple(named), confidence=coverage
            )
        chosen = {t.head.id for t in topics}
        both = _related([m for m in self.index.mentions(text) if m.topic in chosen])
        quotes = self._quotes(question.text, passages, ask, topics if both else [])
        if not quotes:
            return Material(ask, facts=facts, reason="wrong-matter", topics=tuple(named))
        first = float(passages[0].section == (ask.sections or OVERVIEW)[0])
        best = max(q.cosine for q in quotes)
        confidence = min(1.0, 0.45 + 0.2 * coverage + 0.15 * first + 0.25 * best)
        return Material(ask, quotes, facts, tuple(named), round(confidence, 3))

    def _from_meaning(self, question: Question, ask: Ask, facts: tuple[Fact, ...]) -> Material:
        hits = self.index.search(question.text)
        best = hits[0] if hits else None
        if best is None or not self._near(question.text, best):
            return Material(ask, facts=facts, reason="not-covered")
        topic = self.index.knowledge.by_id[best.passage.topic.id]
        passages = self._sections([topic], ask) or []
        if not passages:
            return Material(ask, facts=facts, reason="wrong-matter", topics=(topic.head.id,))
        quotes = self._quotes(question.text, passages, ask)
        left = set(self._rest(question.text, topic.head.aliases))
        said = {w for q in quotes for w in stems(f"{topic.head.title} {q.text}")}
        if left and len(left & said) / len(left) < ENOUGH_COVERAGE:
            # the topic knows these words, the sentences chosen do not: they speak of something else
            return Material(ask, facts=facts, reason="wrong-matter", topics=(topic.head.id,))
        confidence = round(min(0.85, 0.3 + 0.6 * best.cosine), 3)
        return Material(ask, quotes, facts, (topic.head.id,), confidence)

    def _near(self, text: str, hit: Hit) -> bool:
        topic = self.index.knowledge.by_id[hit.passage.topic.id]
        coverage = self._rest_coverage(text, topic, topic.names)
        if coverage < ENOUGH_COVERAGE:
            return False
        return hit.cosine >= NEAR_COSINE or (
            hit.cosine >= NEAR_WITH_WORDS and hit.keyword > NEAR_KEYWORD
        )

    def _rest_coverage(self, text: str, topic: Topic, names: Iterable[str]) -> float:
        """Coverage of what the question says beside the topic's name and the words of its kind."""
        left = self._rest(text, names)
        return self.index.coverage(" ".join(left), topic) if left else 1.0

    def _rest(self, text: str, names: Iterable[str]) -> list[str]:
        """The stems of a question that are neither names, nor words of its kind, nor chatter."""
        rest = _PLACEHOLDER.sub(" ", text)
        own = {w for name in names for w in stems(name)}
        given = (LAY.get(w, w) for w in words(rest) if w not in KIND_WORDS)
        mended = (self.index.names.correct(w) or w for w in content_stems(" ".join(given)))
        return [w for w in mended if w not in own]

    def _sections(self, topics: list[Topic], ask: Ask) -> list[Passage]:
        for section in (*ask.sections, *ask.loose):
            found = [
                p
                for t in topics
                if (p := t.passage(section)) and any(_fits(ask, p, s) for s in p.sentences)
            ]
            if found:
                extra = []
                if ask.kind == "overview":
                    extra = [
                        p for t in topics if section == "what" and (p := t.passage("symptoms"))
                    ]
                return found + extra
        return []

    def _quotes(
        self, text: str, passages: list[Passage], ask: Ask, both: Sequence[Topic] = ()
    ) -> tuple[Quote, ...]:
        """The sentences nearest to the question, in the order of their passages.

        With ``both``, only sentences that name each of these topics: they are what is asked about.
        """
        pool = [
            (p, s)
            for p in passages
            for s in p.sentences
            if _fits(ask, p, s) and _names_all(p, s, both)
        ]
        if not pool:
            return ()
        vectors = self.index.embed([text, *(s for _, s in pool)])
        cosines = vectors[1:] @ vectors[0]
        keep = sorted(np.argsort(-cosines)[:FEW].tolist())
        quotes = [Quote(pool[i][0], pool[i][1], float(cosines[i])) for i in keep]
        if ask.kind in PLAIN_KINDS and not both:
            topic = self.index.knowledge.by_id[passages[0].topic.id]
            care = topic.passage("when-to-seek-care")
            if care:
                quotes.append(Quote(care, care.sentences[0], 0.0))
        return tuple(dict.fromkeys(quotes))


def _fits(ask: Ask, passage: Passage, sentence: str) -> bool:
    """Whether a sentence of a section that is not made for the kind speaks of it all the same."""
    if passage.section not in ask.loose or ask.needs is None:
        return True
    return ask.needs.search(fold(sentence)) is not None


def _related(mentions: list[Mention]) -> bool:
    """Whether a question names two different things, and so asks how they relate."""
    places = {(m.start, m.end) for m in mentions}
    topics = [{m.topic for m in mentions if (m.start, m.end) == place} for place in places]
    return len(topics) > 1 and not set.intersection(*topics)


def _names_all(passage: Passage, sentence: str, topics: Sequence[Topic]) -> bool:
    """Whether a sentence names every other topic, or its class (its passage names the first)."""
    said = f" {' '.join(stems(sentence))} "
    others = [t for t in topics if t.head.id != passage.topic.id]
    return all(any(_named(said, n) for n in _handles(t)) for t in others)


def _handles(topic: Topic) -> list[str]:
    return [*topic.names, *([topic.head.drug_class] if topic.head.drug_class else [])]


def _named(said: str, name: str) -> bool:
    return f" {' '.join(stems(name))} " in said
