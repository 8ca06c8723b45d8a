"""Items from the built-in knowledge: what a model must still find likely after it learned."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from services.bricks.knowledge import PACKS, read_folder
from services.bricks.topic import Topic
from services.learning.evaluate.suite import Item

WORDS = range(5, 9)
"""Of a sentence that is taken: long enough to say something, short enough to cost little."""


@lru_cache(maxsize=4)
def known_items(count: int) -> tuple[Item, ...]:
    """So many topics, evenly over all of them, each with one short sentence of its own.

    The same packs give the same items. There are as many as topics with such a sentence at most.
    """
    if not count:
        return ()
    topics = sorted((topic for topic, _ in read_folder(PACKS)), key=lambda topic: topic.head.id)
    there = [item for topic in topics for item in _first(topic)]
    step = max(1.0, len(there) / count)
    return tuple(there[int(number * step)] for number in range(min(count, len(there))))


def _first(topic: Topic) -> Iterator[Item]:
    for passage in topic.passages:
        for sentence in passage.sentences:
            if len(sentence.split()) in WORDS:
                yield Item(ask=f"{topic.head.title}?", text=sentence)
                return
