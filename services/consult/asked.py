"""A question made ready: what it names, its kind, how it is held against knowledge."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.bricks.retrieval import KnowledgeIndex
from services.bricks.words import Mention, content_stems, words
from services.consult import children
from services.consult.kinds import WORDS
from services.consult.messages import Person, Question
from services.consult.reader import Reader, Reading
from services.consult.spanish import in_english, is_spanish

SUBJECTS = frozenset({"disease", "symptom", "medicine", "test"})
"""Kinds of topics that a question is about; 'what should I eat with gout' is about gout."""
FOLLOW_UP_WORDS = 8
"""A question without a topic of its own, at most this long, continues the one before."""
_REFERENT = frozenset(
    {"it", "this", "that", "they", "them", "these", "those", "eso", "esto", "ello"}
)
_PAIR = re.compile(r"(?<![\w/.])(\d{2,3}) ?/ ?(\d{2,3})(?![\w/.]| ?(?:mg|mcg|ml|%|vision|mph|km))")
_UPPER, _LOWER = range(60, 281), range(30, 181)
"""Pressures, in mmHg, that a bare pair of numbers can be."""
_NAMED_PRESSURE = frozenset("bp pressure presion tension systolic sistolica".split())


@dataclass(frozen=True)
class Asked:
    """A question made ready.

    Attributes:
        text: what the matcher reads: the question in English with the titles of what it names.
        said: what is searched: the question in English, and the one before where it continues that.
        mentions: where ``said`` names topics.
        named: the topics it is about.
        reading: its kinds and urgency.
        person: who asks.
        spanish: whether it was asked in Spanish.
        child: whether it is about somebody under 18.
    """

    text: str
    said: str
    mentions: tuple[Mention, ...]
    named: tuple[str, ...]
    reading: Reading
    person: Person
    spanish: bool
    child: bool

    @property
    def related(self) -> bool:
        """Whether it names two different things, and so may ask how they relate."""
        own = [m for m in self.mentions if m.topic in self.named]
        places = {(m.start, m.end) for m in own}
        topics = [{m.topic for m in own if (m.start, m.end) == place} for place in places]
        return len(topics) > 1 and not set.intersection(*topics)

    @property
    def empty(self) -> bool:
        """Whether it tells only its kind, and neither a topic nor anything else ("what is it?")."""
        return not self.named and not set(content_stems(self.said)) - WORDS


def make_ready(question: Question, index: KnowledgeIndex, reader: Reader) -> Asked:
    """Read a question for one tier's knowledge; never raises for any text."""
    question = question.model_copy(update={"text": _pressure_named(question.text, index)})
    whole = _with_context(question, index)
    said = in_english(whole)
    return Asked(
        text=as_read(whole, index, said=in_english(question.text)),
        said=said,
        mentions=tuple(index.mentions(said)),
        named=_named(whole, index),
        reading=reader.read(in_english(question.text)),
        person=question.person,
        spanish=is_spanish(question.text),
        child=children.meant(whole, question.person),
    )


def as_read(text: str, index: KnowledgeIndex, *, said: str | None = None) -> str:
    """A question as the matcher reads it: in English, with the titles of what it names.

    ``said`` is the question alone where ``text`` has what it continues as well.
    """
    return titled(said or in_english(text), titles_of(text, index))


def titles_of(text: str, index: KnowledgeIndex) -> list[str]:
    """Titles of the topics that a text is about."""
    return [index.knowledge.by_id[t].head.title for t in _named(text, index)]


def titled(text: str, titles: list[str]) -> str:
    """The question with the titles of what it names.

    Brand names, nicknames and slips of the finger mean nothing to the matcher, titles do.
    """
    return f"{text} ({', '.join(titles)})" if titles else text


def _named(text: str, index: KnowledgeIndex) -> tuple[str, ...]:
    """The topics a question is about: its subjects, or what else it names.

    Topics have Spanish names of their own, which a word-by-word translation may miss.
    """
    found = [
        m.topic for said in dict.fromkeys((in_english(text), text)) for m in index.mentions(said)
    ]
    ids = list(dict.fromkeys(found))
    kinds = {t: index.knowledge.by_id[t].head.kind for t in ids}
    return tuple([t for t in ids if kinds[t] in SUBJECTS] or ids)


def _pressure_named(text: str, index: KnowledgeIndex) -> str:
    """The question, with two numbers that are nothing else called a blood pressure."""
    pair = _PAIR.search(text)
    if pair is None or index.mentions(text) or _NAMED_PRESSURE & set(words(text)):
        return text
    upper, lower = int(pair[1]), int(pair[2])
    if upper not in _UPPER or lower not in _LOWER or upper <= lower:
        return text
    name = "lectura de presión" if is_spanish(text) else "blood pressure"
    return f"{text[: pair.start()]}{name} {text[pair.start() :]}"


def _with_context(question: Question, index: KnowledgeIndex) -> str:
    """The question, with what the person said before where it continues that."""
    if index.mentions(question.text) or index.held_above(question.text):
        return question.text
    given = words(question.text)
    if len(given) > FOLLOW_UP_WORDS and not _REFERENT & set(given):
        return question.text
    before = [t.text for t in question.history if t.role == "patient"]
    return f"{question.text} {before[-1]}" if before else question.text
