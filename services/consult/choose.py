"""Choose the passages that fit a question best, and say what speaks for the first.

Every passage is scored: by the matcher, by whether the question names its topic, by how likely its
section answers the question's kind, and by whom it is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from services.bricks.knowledge import Passage, Topic, TopicHead
from services.bricks.meaning import Covered
from services.bricks.retrieval import KnowledgeIndex
from services.bricks.words import content_stems, stems
from services.consult.answerable import Signs
from services.consult.asked import Asked
from services.consult.kinds import NOT_ASKED, WORDS, section_prior
from services.consult.messages import Person
from services.consult.reader import Matcher
from services.engines.session import Floats

POOL = 16
"""Passages looked at for one question."""
NAMED = 2.0
"""What being of a topic that the question names adds to a passage's score."""
KIND, FLOOR = 0.8, 0.03
"""Weight of the logarithm of a section's prior (see `services.consult.kinds`), and its floor."""
STRANGE = 2.0
"""What a topic loses that is for other people than the one who asks, unless it is named."""
ADULT = 18
WIDE = 10.0
"""The gap to the next topic where there is none."""


@dataclass(frozen=True)
class Judged:
    """A passage with its score and its sentences' scores."""

    passage: Passage
    row: int
    score: float
    sentences: tuple[float, ...]


@dataclass(frozen=True)
class Best:
    """The passages that fit best, best first, and what speaks for the first."""

    judged: tuple[Judged, ...]
    signs: Signs

    @property
    def passage(self) -> Passage:
        """The best passage."""
        return self.judged[0].passage


class Chooser:
    """Chooses among the passages of one tier's knowledge."""

    def __init__(self, index: KnowledgeIndex, matcher: Matcher) -> None:
        self.index, self._matcher = index, matcher
        self._prepared = matcher.prepare(index)
        places = [p.section for p in index.passages]
        self._sections = sorted(set(places))
        self._section = np.array([self._sections.index(s) for s in places], np.intp)
        self._topics = tuple({p.topic.id: p.topic for p in index.passages}.values())
        at = {topic.id: place for place, topic in enumerate(self._topics)}
        self._topic = np.array([at[p.topic.id] for p in index.passages], np.intp)

    def judged(
        self, asked: Asked, within: frozenset[str] | None = None
    ) -> tuple[list[Judged], float]:
        """The best passages, of the topics ``within`` when given, and the score of *nothing*."""
        match = self._matcher.match(asked.text, self.index, self._prepared)
        scores = match.passages + self._besides(asked)
        order = np.argsort(-scores).tolist()
        rows = [r for r in order if within is None or self.index.passages[r].topic.id in within]
        judged = [
            Judged(
                self.index.passages[row],
                row,
                float(scores[row]),
                self.index.of_sentences(row, match.units),
            )
            for row in rows[:POOL]
        ]
        return judged, match.nothing

    def _besides(self, asked: Asked) -> Floats:
        """What every passage gets besides the matcher's score, by its section and its topic."""
        prior, named = section_prior(asked.reading.kinds), set(asked.named)
        kinds = [KIND * log(prior.get(section, 0.0) + FLOOR) for section in self._sections]
        names = [NAMED * (topic.id in named) for topic in self._topics]
        strange = [
            STRANGE * (topic.id not in named and not _is_for(topic, asked.person))
            for topic in self._topics
        ]
        by_topic = np.array(names)[self._topic], np.array(strange)[self._topic]
        total: Floats = (by_topic[0] + np.array(kinds)[self._section] - by_topic[1]).astype(
            np.float32
        )
        return total

    def best(self, asked: Asked, within: frozenset[str] | None = None) -> Best | None:
        """The passages that fit best, of the topics ``within`` when given; None without any."""
        judged, nothing = self.judged(asked, within)
        if not judged:
            return None
        first = judged[0]
        topic = self.index.knowledge.by_id[first.passage.topic.id]
        other = next((j.score for j in judged if j.passage.topic.id != topic.head.id), None)
        prior = section_prior(asked.reading.kinds).get(first.passage.section, 0.0)
        covered = self._covered(asked, topic, judged)
        plain = next(
            (h for h in self.index.search(asked.said, k=POOL) if h.passage is first.passage), None
        )
        signs = Signs(
            margin=first.score - nothing,
            prior=log(prior + FLOOR),
            named=float(topic.head.id in asked.named),
            others=float(len(set(asked.named) - {topic.head.id})),
            apart=float(asked.related and not self.joining(asked, first.passage)),
            mean=covered.mean,
            least=covered.least,
            rare=float(sum(self._matcher.rare(w) for w in self._unknown(asked, topic))),
            gap=first.score - other if other is not None else WIDE,
            none=sum(p for k, p in asked.reading.kinds.items() if k in NOT_ASKED),
            spanish=float(asked.spanish),
            sentence=max(first.sentences),
            keyword=plain.keyword if plain else 0.0,
            cosine=plain.cosine if plain else 0.0,
        )
        return Best(tuple(judged), signs)

    def joining(self, asked: Asked, passage: Passage) -> list[str]:
        """Sentences of a passage that name every other topic of the question, or its class."""
        others = [self.index.knowledge.by_id[t] for t in asked.named if t != passage.topic.id]
        return [s for s in passage.sentences if _names_all(s, others)]

    def _covered(self, asked: Asked, topic: Topic, judged: Sequence[Judged]) -> Covered:
        """How far the best two passages of a topic cover what is asked besides its name."""
        left = self._left(asked, topic)
        weights = [self.index.weight(w) for w in left]
        rows = [j.row for j in judged[:2] if j.passage.topic.id == topic.head.id]
        found = [self.index.meanings.covered(left, weights, row) for row in rows]
        return Covered(max(c.mean for c in found), max(c.least for c in found))

    def _left(self, asked: Asked, topic: Topic) -> list[str]:
        """What the question says besides the topic's name, as stems; misspellings mended."""
        own = {w for name in topic.names for w in stems(name)}
        given = [self.index.names.correct(w) or w for w in content_stems(asked.said)]
        return [w for w in given if w not in own and w not in WORDS]

    def _unknown(self, asked: Asked, topic: Topic) -> list[str]:
        return self.index.unknown(asked.said, topic)


def _is_for(head: TopicHead, person: Person) -> bool:
    """Whether a topic is for somebody like the person, as far as that is known."""
    age = person.age_years
    match head.audience:
        case "pregnancy":
            return person.sex != "male"
        case "child":
            return age is None or age < ADULT
        case "adult":
            return age is None or age >= ADULT
        case _:
            return True


def _names_all(sentence: str, topics: Sequence[Topic]) -> bool:
    said = f" {' '.join(stems(sentence))} "
    return all(any(_named(said, n) for n in _handles(t)) for t in topics)


def _handles(topic: Topic) -> list[str]:
    return [*topic.names, *([topic.head.drug_class] if topic.head.drug_class else [])]


def _named(said: str, name: str) -> bool:
    return f" {' '.join(stems(name))} " in said
