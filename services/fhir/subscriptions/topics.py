"""Topics: what can be subscribed to, each by its canonical address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Search = tuple[str, str]
"""A resource type, and a query that its resources must match; "" for all of them."""


@dataclass(frozen=True)
class Topic:
    """Something that happens to the record.

    Attributes:
        url: canonical address.
        title: in a few words.
        searches: what a resource that was created or updated must match, one of them; empty where
            each subscription must say so with a filter.
    """

    url: str
    title: str
    searches: tuple[Search, ...] = ()


RECORD_CHANGED = Topic(
    "urn:caretier:topic:record-changed", "A resource that the filters find was created or updated"
)
Topics = Mapping[str, Topic]


def topics_of(*more: Topic) -> Topics:
    """The topics of a server: that of this package, and those of its own."""
    return {topic.url: topic for topic in (RECORD_CHANGED, *more)}
