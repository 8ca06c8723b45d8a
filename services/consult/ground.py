"""Ground: choose the passages and the facts that an answer may be made of.

A verbatim, cited sentence about something else is still a wrong answer. So retrieval only proposes
passages (of the topics that the question names, and near in words and meaning); the matcher,
trained on questions with tempting wrong passages, says of each whether it *answers*; and three
guards stand behind it: a name that no source knows, two things whose relation no sentence states,
and a decision that is the clinician's. What is left unanswered goes to the tier that holds the
topic, or up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from services.bricks.knowledge import Passage, Topic, TopicHead
from services.bricks.meaning import Covered
from services.bricks.retrieval import KnowledgeIndex
from services.bricks.words import Mention, content_stems, stems, words
from services.consult.answerable import Answerable, Signs
from services.consult.decisions import own_decision
from services.consult.kinds import NOT_ASKED, SECTIONS, WORDS, section_prior
from services.consult.messages import Fact, Level, Person, Question
from services.consult.reader import Matcher, Reader, Reading
from services.consult.spanish import in_english, is_spanish

POOL = 16
"""Passages looked at for one question."""
NAMED = 3.0
"""What being of a topic that the question names adds to a passage's score."""
KIND, FLOOR = 1.0, 0.03
"""Weight of the logarithm of a section's prior (see `services.consult.kinds`), and its floor."""
STRANGE = 2.0
"""What a topic loses that is for other people than the one who asks, unless it is named."""
ADULT = 18
WIDE = 10.0
"""The gap to the next topic where there is none."""
ANSWERS = 0.75
"""Probability from which a passage answers."""
PLAIN_SURE, PLAIN_LEAST, PLAIN_FIT = 0.8, 0.9, 0.85
"""A plain question: how sure its kind, how far all its words are covered; its confidence then."""
UNSURE = 0.3
"""Probability from which it is said that the sources may answer, but not surely enough."""
ALSO = 3.0
"""Further passages of the best one's topic are quoted when they are this near in score."""
OTHER_MATTER = 0.90
"""Probability of a kind that no source holds (prices, chat) from which none is asked."""
OWN_DECISION = 0.85
FOLLOW_UP_WORDS = 8
"""A question without a topic of its own, at most this long, continues the one before."""
FEW = (4, 3, 2)
"""Sentences of a short answer, of its first, second and third passage; the rest is on demand."""
SUBJECTS = frozenset({"disease", "symptom", "medicine", "test"})
"""Kinds of topics that a question is about; 'what should I eat with gout' is about gout."""
CARE_FOR = frozenset({"what", "symptoms", "treatment", "causes", "self-care"})
"""Sections after which it is said when to seek care."""
_REFERENT = frozenset(
    {"it", "this", "that", "they", "them", "these", "those", "eso", "esto", "ello"}
)


@dataclass(frozen=True)
class Quote:
    """A sentence of a passage with the probability that it answers the question."""

    passage: Passage
    text: str
    fit: float


@dataclass(frozen=True)
class Material:
    """What an answer may say.

    ``quotes`` is the short answer, ``more`` what the same passages say besides. ``reason`` tells
    why there is nothing, or why a person has to answer: ``needs-clinician``, ``held-above``,
    ``wrong-matter``, ``not-covered``, ``low-confidence``; None when the quotes answer the
    question. ``destination`` is the tier that should answer then. ``confidence`` is 0 to 1.
    """

    kind: str
    quotes: tuple[Quote, ...] = ()
    more: tuple[Quote, ...] = ()
    facts: tuple[Fact, ...] = ()
    topics: tuple[str, ...] = ()
    confidence: float = 0.0
    reason: str | None = None
    destination: Level | None = None


@dataclass(frozen=True)
class _Asked:
    """A question made ready: what the matcher reads, what retrieval searches, what it names."""

    text: str
    search: str
    mentions: tuple[Mention, ...]
    named: tuple[str, ...]
    reading: Reading
    person: Person
    spanish: bool


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


class Grounder:
    """Chooses material from one tier's knowledge."""

    def __init__(
        self,
        index: KnowledgeIndex,
        reader: Reader | None = None,
        matcher: Matcher | None = None,
        answerable: Answerable | None = None,
    ) -> None:
        self.index = index
        self._reader = reader or Reader.load()
        self._matcher = matcher or Matcher.load()
        self._answerable = answerable or Answerable.load()
        self._prepared = self._matcher.prepare(index)

    def ground(self, question: Question, facts: tuple[Fact, ...] = ()) -> Material:
        """Choose the passages for a question; never raises for any text."""
        asked = self._asked(question)
        kind, sure = asked.reading.kind
        if self._for_a_clinician(question.text, asked):
            return Material(
                "choose", facts=facts, reason="needs-clinician", destination=Level.HOSPITAL
            )
        above = self.index.held_above(question.text)
        if above is not None and not asked.named:
            return Material(kind, facts=facts, reason="held-above", destination=Level(above.level))
        if kind in {"other", "chat"} and sure >= OTHER_MATTER:
            reason = "wrong-matter" if asked.named else "not-covered"
            return Material(kind, facts=facts, reason=reason, topics=asked.named)
        return self._from_passages(asked, facts)

    def ranking(self, question: Question) -> tuple[str, ...]:
        """Topics by how well they fit a question, best first."""
        judged, _ = self._judged(self._asked(question))
        return tuple(dict.fromkeys(j.passage.topic.id for j in judged))

    def best(self, question: Question) -> Best | None:
        """The passages that fit a question best; None without knowledge."""
        return self._best(self._asked(question))

    def _asked(self, question: Question) -> _Asked:
        reading = self._reader.read(question.text)
        search = self._with_context(question)
        mentions = tuple(self.index.mentions(search))
        ids = list(dict.fromkeys(m.topic for m in mentions))
        subjects = [t for t in ids if self.index.knowledge.by_id[t].head.kind in SUBJECTS]
        named = tuple(subjects or ids)
        text = question.text
        titles = [self.index.knowledge.by_id[t].head.title for t in named]
        spanish = is_spanish(question.text)
        if spanish and titles:
            text = in_english(reading.kind[0], titles[0])
        elif titles:  # brand names, nicknames and slips mean nothing to the matcher, titles do
            text = f"{question.text} ({', '.join(titles)})"
        return _Asked(text, search, mentions, named, reading, question.person, spanish)

    def _with_context(self, question: Question) -> str:
        """The question, with what the person said before where it continues that."""
        if self.index.mentions(question.text) or self.index.held_above(question.text):
            return question.text
        given = words(question.text)
        if len(given) > FOLLOW_UP_WORDS and not _REFERENT & set(given):
            return question.text
        before = [t.text for t in question.history if t.role == "patient"]
        return f"{question.text} {before[-1]}" if before else question.text

    def _for_a_clinician(self, text: str, asked: _Asked) -> bool:
        """Whether the question is a decision about one's own care."""
        kinds = {self.index.knowledge.by_id[t].head.kind for t in asked.named}
        kind, sure = asked.reading.kind
        return own_decision(text, medicine="medicine" in kinds) or (
            kind == "choose" and sure >= OWN_DECISION
        )

    def _from_passages(self, asked: _Asked, facts: tuple[Fact, ...]) -> Material:
        kind = asked.reading.kind[0]
        best = self._best(asked)
        fit = self._answerable.probability(best.signs) if best else 0.0
        if best is not None and _plain(best, asked.reading):
            fit = max(fit, PLAIN_FIT)
        if best is None or fit < ANSWERS:
            reason = "wrong-matter" if asked.named else "not-covered"
            reason = "low-confidence" if fit >= UNSURE else reason
            return Material(
                kind, facts=facts, reason=reason, topics=asked.named, confidence=round(fit, 3)
            )
        chosen = _chosen(best.judged)
        quotes, more = self._quotes(chosen, self._both(asked, best.passage))
        if not quotes:
            return Material(kind, facts=facts, reason="wrong-matter", topics=asked.named)
        topics = tuple(dict.fromkeys(j.passage.topic.id for j in chosen))
        return Material(kind, quotes, more, facts, topics, round(fit, 3))

    def _judged(self, asked: _Asked) -> tuple[list[Judged], float]:
        """The best passages of all, best first, and the score of *nothing*."""
        match = self._matcher.match(asked.text, self.index, self._prepared)
        prior = section_prior(asked.reading.kinds)
        named = set(asked.named)
        scores = match.passages + np.array(
            [
                NAMED * (p.topic.id in named)
                + KIND * log(prior.get(p.section, 0.0) + FLOOR)
                - STRANGE * (p.topic.id not in named and not _is_for(p.topic, asked.person))
                for p in self.index.passages
            ],
            np.float32,
        )
        rows = np.argsort(-scores)[:POOL].tolist()
        judged = [
            Judged(self.index.passages[row], row, float(scores[row]), tuple(match.sentences[row]))
            for row in rows
        ]
        return judged, match.nothing

    def _best(self, asked: _Asked) -> Best | None:
        judged, nothing = self._judged(asked)
        if not judged:
            return None
        first = judged[0]
        topic = self.index.knowledge.by_id[first.passage.topic.id]
        other = next((j.score for j in judged if j.passage.topic.id != topic.head.id), None)
        prior = section_prior(asked.reading.kinds).get(first.passage.section, 0.0)
        covered = self._covered(asked, topic, judged)
        plain = next(
            (h for h in self.index.search(asked.search, k=POOL) if h.passage is first.passage), None
        )
        signs = Signs(
            margin=first.score - nothing,
            prior=log(prior + FLOOR),
            named=float(topic.head.id in asked.named),
            others=float(len(set(asked.named) - {topic.head.id})),
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

    def _covered(self, asked: _Asked, topic: Topic, judged: Sequence[Judged]) -> Covered:
        """How far the best two passages of a topic cover what is asked besides its name."""
        left = [] if asked.spanish else self._left(asked, topic)
        weights = [self.index.weight(w) for w in left]
        rows = [j.row for j in judged[:2] if j.passage.topic.id == topic.head.id]
        found = [self.index.meanings.covered(left, weights, row) for row in rows]
        return Covered(max(c.mean for c in found), max(c.least for c in found))

    def _left(self, asked: _Asked, topic: Topic) -> list[str]:
        """What the question says besides the topic's name, as stems; misspellings mended."""
        own = {w for name in topic.names for w in stems(name)}
        given = [self.index.names.correct(w) or w for w in content_stems(asked.search)]
        return [w for w in given if w not in own and w not in WORDS]

    def _unknown(self, asked: _Asked, topic: Topic) -> list[str]:
        return [] if asked.spanish else self.index.unknown(asked.search, topic)

    def _both(self, asked: _Asked, best: Passage) -> list[Topic]:
        """The topics that a sentence must name when a question asks how two things relate."""
        own = [m for m in asked.mentions if m.topic in asked.named]
        if not _related(own):
            return []
        return [self.index.knowledge.by_id[t] for t in asked.named if t != best.topic.id]

    def _quotes(
        self, chosen: Sequence[Judged], both: Sequence[Topic]
    ) -> tuple[tuple[Quote, ...], tuple[Quote, ...]]:
        """The short answer in the order of its passages, and what they say besides."""
        short: list[Quote] = []
        rest: list[Quote] = []
        for judged, most in zip(chosen, FEW, strict=False):
            pool = [
                Quote(judged.passage, text, fit)
                for text, fit in zip(judged.passage.sentences, judged.sentences, strict=True)
                if not both or _names_all(judged.passage, text, both)
            ]
            best = set(sorted(range(len(pool)), key=lambda i: -pool[i].fit)[:most])
            short += [q for i, q in enumerate(pool) if i in best]
            rest += [q for i, q in enumerate(pool) if i not in best]
        if not short:
            return (), ()
        first = chosen[0].passage
        care = self.index.knowledge.by_id[first.topic.id].passage("when-to-seek-care")
        if care and not both and first.section in CARE_FOR:
            short.append(Quote(care, care.sentences[0], 0.0))
        return tuple(dict.fromkeys(short)), tuple(dict.fromkeys(rest))


def _plain(best: Best, reading: Reading) -> bool:
    """Whether a question names its topic, is surely of the section's kind, and asks no more."""
    kind, sure = reading.kind
    signs = best.signs
    alone = bool(signs.named) and not signs.others and not signs.rare
    fitting = best.passage.section in SECTIONS.get(kind, ())[:1]
    return alone and fitting and sure >= PLAIN_SURE and signs.least >= PLAIN_LEAST


def _chosen(judged: Sequence[Judged]) -> list[Judged]:
    """The best passage and what else of its topic is near to it."""
    first = judged[0]
    others = [
        j
        for j in judged[1:]
        if j.passage.topic.id == first.passage.topic.id and j.score >= first.score - ALSO
    ]
    return [first, *others[: len(FEW) - 1]]


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
