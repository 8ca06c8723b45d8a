"""Sentences of the knowledge packs on an illness or a medicine, plain enough to take home.

Only short sentences are quoted, and of those on an illness none that names a medicine: whether one
suits this patient does not stand in it. When to seek care is always quoted whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from services.bricks.knowledge import Knowledge, Passage, Topic
from services.bricks.words import NameFinder
from services.consult.record import words
from services.hospital.cds.tables import table

LONGEST = 24
"""Words of the longest sentence that is quoted, so that it can be read without schooling."""
ADULT = 18
"""Age from which what is written for adults holds, in years."""
Kind = Literal["condition", "medicine"]
_KINDS = {"condition": {"disease", "symptom"}, "medicine": {"medicine"}}


@dataclass(frozen=True)
class Quote:
    """What is quoted of one topic: ``parts`` are passages, each with sentences of it."""

    kind: Kind
    topic: Topic
    parts: tuple[tuple[Passage, tuple[str, ...]], ...]

    @property
    def name(self) -> str:
        """Of the topic."""
        return self.topic.head.title

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of them, in order."""
        return tuple(sentence for _, sentences in self.parts for sentence in sentences)

    @property
    def sources(self) -> tuple[tuple[str, str, str], ...]:
        """Name, address and date of each source, once."""
        named = ((p.source.name, p.source.url, p.date) for p, _ in self.parts)
        return tuple(dict.fromkeys(named))


class Library:
    """The topics of the packs by the names of illnesses and medicines.

    Args:
        knowledge: the packs.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._topics = knowledge.by_id
        self._names = NameFinder({t.head.id: t.names for t in knowledge.topics})
        self._qualifiers = frozenset(table("discharge")["qualifiers"])

    def quote(self, kind: Kind, name: str, age: int | None) -> Quote | None:
        """What may be quoted on something, or None where nothing is known of it.

        Args:
            kind: whether it is an illness or a medicine.
            name: as recorded.
            age: of the patient in years; an adult where it is not known.
        """
        topic = self._topic(kind, name)
        if topic is None or not _suits(topic, adult=age is None or age >= ADULT):
            return None
        parts = tuple(_parts(kind, topic))
        return Quote(kind, topic, parts) if parts else None

    def _topic(self, kind: Kind, name: str) -> Topic | None:
        """The topic that a name means as a whole; none for one that only holds its name."""
        said = words.fold(name).split()
        for mention in self._names.find(name):
            topic = self._topics[mention.topic]
            beside = said[: mention.start] + said[mention.end :]
            whole = mention.exact and set(beside) <= self._qualifiers
            if whole and topic.head.kind in _KINDS[kind]:
                return topic
        return None


def _suits(topic: Topic, *, adult: bool) -> bool:
    return topic.head.audience in {"all", "adult" if adult else "child"}


def _parts(kind: Kind, topic: Topic) -> Iterator[tuple[Passage, tuple[str, ...]]]:
    for section, most in table("discharge")["sections"][kind].items():
        passage = topic.passage(section)
        sentences = passage.sentences if passage is not None else ()
        whole = section in table("discharge")["whole"]
        fitting = tuple(s for s in sentences if whole or _is_plain(s, kind))[:most]
        if passage is not None and fitting:
            yield passage, fitting


def _is_plain(sentence: str, kind: Kind) -> bool:
    if len(sentence.split()) > LONGEST:
        return False
    named = words.medicine_phrases().find(sentence) or words.class_phrases().find(sentence)
    return kind == "medicine" or not named
