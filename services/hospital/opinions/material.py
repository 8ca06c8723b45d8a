"""The material of a round: what all experts are given, and what each has of its own field.

Everybody answers from the material of the consult. An expert whose field has knowledge bricks of
its own is given besides what those say of the question, found by the same rules and thresholds, and
its own first. Where the consult finds no source nobody is asked, whatever a field holds: a field
alone must not answer what the hospital would not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.consult.ground import Grounder, Material, Quote
from services.consult.messages import Question
from services.consult.node import Node
from services.experts import Expert
from services.hospital.desk import DeskItem

MOST_QUOTES = 14
"""Sentences that an expert is given at most; a small model loses its way in more."""


@dataclass(frozen=True)
class Given:
    """What one expert answers from; ``own`` where some of it is of its own field alone."""

    quotes: tuple[Quote, ...]
    own: bool = False


def material_of(node: Node, item: DeskItem) -> Material:
    """The material of the consult, which all experts are given."""
    grounder, _ = node.known
    return grounder.ground(_question(item), item.question.facts)


def given_to(
    node: Node, item: DeskItem, first: Material, experts: Sequence[Expert]
) -> Mapping[str, Given]:
    """What each expert is given, by its id; nothing is searched twice for one field."""
    grounder, _ = node.known
    question = _question(item)
    fields = {field for one in experts for field in _fields_of(one)}
    found = {field: _own(grounder, question, field) for field in fields}
    given: dict[str, Given] = {}
    for one in experts:
        own = [quote for field in _fields_of(one) for quote in found[field]]
        new = tuple(quote for quote in own if quote not in first.quotes)
        quotes = tuple(dict.fromkeys((*own, *first.quotes)))[:MOST_QUOTES]
        given[one.id] = Given(quotes, own=bool(new))
    return given


def _own(grounder: Grounder, question: Question, field: str) -> tuple[Quote, ...]:
    topics = grounder.index.knowledge.topics_of(field)
    return grounder.ground(question, within=topics).quotes if topics else ()


def _fields_of(expert: Expert) -> tuple[str, ...]:
    return (expert.sub_domain, expert.domain) if expert.sub_domain else (expert.domain,)


def _question(item: DeskItem) -> Question:
    asked = item.question
    return Question(
        id=asked.referral,
        text=asked.text,
        person=asked.person,
        history=asked.history,
        facts=asked.facts,
        asked=datetime.now(UTC).date(),
    )
