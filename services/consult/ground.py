"""Ground: choose the passages and the facts that an answer may be made of.

A verbatim, cited sentence about something else is still a wrong answer. So retrieval only proposes
passages; a matcher trained on questions with tempting wrong passages says how well each answers,
and a fitted model, from that and a few things one can look at, whether it does. Decisions that are
the clinician's are not answered at all. What is left unanswered goes to the tier that holds the
topic, or up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.bricks.knowledge import Passage
from services.bricks.retrieval import KnowledgeIndex
from services.consult import children, turns
from services.consult.answerable import Answerable
from services.consult.asked import Asked, make_ready
from services.consult.choose import Best, Chooser, Judged
from services.consult.decisions import own_decision
from services.consult.kinds import SECTIONS
from services.consult.messages import Fact, Level, Question
from services.consult.reader import Matcher, Reader, Reading
from services.consult.repeats import parted

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
FEW = (6, 3, 2)
"""Sentences of a short answer, of its first, second and third passage; the rest is on demand."""
CARE_FOR = frozenset({"what", "symptoms", "treatment", "causes", "self-care"})
"""Sections after which it is said when to seek care."""


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
    question. ``lacks`` is what the question turns on and the best passages do not speak of.
    ``destination`` is the tier that should answer then. ``confidence`` is 0 to 1.
    """

    kind: str
    quotes: tuple[Quote, ...] = ()
    more: tuple[Quote, ...] = ()
    facts: tuple[Fact, ...] = ()
    topics: tuple[str, ...] = ()
    confidence: float = 0.0
    reason: str | None = None
    lacks: turns.Turn | None = None
    destination: Level | None = None


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
        self._answerable = answerable or Answerable.load()
        self._matcher = matcher or Matcher.load()
        self._chooser = Chooser(index, self._matcher)

    def over(self, index: KnowledgeIndex) -> Grounder:
        """The same choosing, from other knowledge."""
        return Grounder(index, self._reader, self._matcher, self._answerable)

    def ground(
        self,
        question: Question,
        facts: tuple[Fact, ...] = (),
        within: frozenset[str] | None = None,
    ) -> Material:
        """Choose the passages for a question; never raises for any text.

        Args:
            question: as it was asked.
            facts: that stand beside it.
            within: topics that alone may be chosen from; all when None.
        """
        asked = make_ready(question, self.index, self._reader)
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
        return self._from_passages(asked, facts, within)

    def ranking(self, question: Question) -> tuple[str, ...]:
        """Topics by how well they fit a question, best first."""
        judged, _ = self._chooser.judged(make_ready(question, self.index, self._reader))
        return tuple(dict.fromkeys(j.passage.topic.id for j in judged))

    def best(self, question: Question) -> Best | None:
        """The passages that fit a question best; None without knowledge."""
        return self._chooser.best(make_ready(question, self.index, self._reader))

    def _for_a_clinician(self, text: str, asked: Asked) -> bool:
        """Whether the question is a decision about one's own care."""
        kinds = {self.index.knowledge.by_id[t].head.kind for t in asked.named}
        kind, sure = asked.reading.kind
        return own_decision(text, medicine="medicine" in kinds, named=bool(kinds)) or (
            kind == "choose" and sure >= OWN_DECISION
        )

    def _from_passages(
        self, asked: Asked, facts: tuple[Fact, ...], within: frozenset[str] | None
    ) -> Material:
        kind = asked.reading.kind[0]
        if asked.empty:
            return Material(kind, facts=facts, reason="not-covered")
        best = self._chooser.best(asked, within)
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
        lacks = turns.unmet(asked, [j.passage for j in chosen], self.index)
        if lacks:
            return Material(
                kind, facts=facts, reason="wrong-matter", lacks=lacks, topics=asked.named
            )
        if asked.child and not (chosen := self._of_children(chosen)):
            return Material(
                kind,
                facts=facts,
                reason="needs-clinician",
                topics=asked.named,
                destination=Level.HOSPITAL,
            )
        quotes, more = self._quotes(chosen, asked)
        topics = tuple(dict.fromkeys(j.passage.topic.id for j in chosen))
        return Material(kind, quotes, more, facts, topics, round(fit, 3))

    def _of_children(self, chosen: list[Judged]) -> list[Judged]:
        """The same, with what the topic says of children in the place of a dose for adults.

        Empty where it says nothing of them.
        """
        first = chosen[0]
        if not _only_for_adults(first.passage):
            return chosen
        said = self.index.knowledge.by_id[first.passage.topic.id].passage("children")
        if said is None:
            return []
        fit = max(first.sentences)
        told = replace(first, passage=said, sentences=(fit,) * len(said.sentences))
        return [told, *(j for j in chosen[1:] if j.passage is not said)]

    def _quotes(
        self, chosen: Sequence[Judged], asked: Asked
    ) -> tuple[tuple[Quote, ...], tuple[Quote, ...]]:
        """The short answer in the order of its passages, and what they say besides."""
        short: list[Quote] = []
        rest: list[Quote] = []
        for judged, most in zip(chosen, FEW, strict=False):
            joining = set(self._chooser.joining(asked, judged.passage)) if asked.related else set()
            pool = [
                Quote(judged.passage, text, fit)
                for text, fit in zip(judged.passage.sentences, judged.sentences, strict=True)
                if not asked.child or children.suited(text, judged.passage.topic)
            ]
            order = sorted(pool, key=lambda q: (q.text not in joining, -q.fit))
            best = set(order[:most])
            short += sorted((q for q in pool if q in best), key=lambda q: q.text not in joining)
            rest += [q for q in pool if q not in best]
        again = _again(short)
        short = [quote for quote in short if quote not in again]
        first = chosen[0].passage
        care = self.index.knowledge.by_id[first.topic.id].passage("when-to-seek-care")
        if care and first.section in CARE_FOR:
            short.append(Quote(care, care.sentences[0], 0.0))
        return tuple(dict.fromkeys(short)), tuple(dict.fromkeys([*again, *rest]))


def _only_for_adults(passage: Passage) -> bool:
    """Whether a passage tells a dose, and none of its sentences tells it of children."""
    told = [s for s in passage.sentences if children.suited(s, passage.topic)]
    return len(told) < len(passage.sentences) and not any(map(children.named, told))


def _again(quotes: Sequence[Quote]) -> list[Quote]:
    """What repeats an earlier sentence, of passages that say something else besides."""
    kept, again = parted(quotes, lambda quote: quote.text)
    cited = {quote.passage.id for quote in kept}
    return [quote for quote in again if quote.passage.id in cited]


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
