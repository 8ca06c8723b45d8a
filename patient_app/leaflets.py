"""What the device's knowledge says of a test or a medicine: its sources' own sentences.

Nothing is written here: where no topic names what is asked for, nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from patient_app.personal.plain import plain_words
from services.bricks.knowledge import Knowledge, Passage, Topic
from services.bricks.words import NameFinder

ADULT_AGE = 18
Kind = Literal["test", "medicine"]


class Leaflets:
    """The topics of one kind, found by name.

    Args:
        knowledge: what this device may answer from.
        kind: tests, or medicines.
    """

    def __init__(self, knowledge: Knowledge, kind: Kind) -> None:
        self.digest = knowledge.digest
        self._topics = {t.head.id: t for t in knowledge.topics if t.head.kind == kind}
        self._names = NameFinder({id_: topic.names for id_, topic in self._topics.items()})

    def topic(self, names: Iterable[str], age: int | None) -> Topic | None:
        """The topic of the first name that one bears; none that is written for other ages."""
        for name in names:
            for mention in self._names.find(name):
                topic = self._topics[mention.topic]
                if _is_for(topic, age):
                    return topic
        return None


def _is_for(topic: Topic, age: int | None) -> bool:
    """Whether a topic is written for somebody of that age; one for adults, where none is known."""
    child = age is not None and age < ADULT_AGE
    return topic.head.audience in {"all", "child" if child else "adult"}


def told(topic: Topic, sections: Iterable[str], level: str, language: str) -> list[dict[str, Any]]:
    """Passages of a topic as a page shows them, each with its source.

    Args:
        topic: from `Leaflets.topic`.
        sections: which, in order; one that the topic lacks is left out.
        level: of reading; ``simple`` explains the medical words of each passage.
        language: of those explanations; the sentences are as their source has them.
    """
    found = (topic.passage(section) for section in sections)
    return [_passage(one, level, language) for one in found if one is not None]


def _passage(passage: Passage, level: str, language: str) -> dict[str, Any]:
    explained = plain_words("en").explain(passage.text) if level == "simple" else []
    plain = language == "en"
    return {
        "id": passage.id,
        "section": passage.section,
        "text": passage.text,
        "words": [{"word": w.word, "plain": w.plain} for w in explained] if plain else [],
        "source": passage.source.name,
        "url": passage.source.url,
        "date": passage.date,
    }
