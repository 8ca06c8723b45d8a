"""Beside each statement: who else says it, who says otherwise, and whether the draft lacks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from services.hospital.opinions.relation import CONTRADICTS
from services.hospital.opinions.round import DRAFT, Round


class Mark(NamedTuple):
    """How the others stand to one statement of one opinion; each names ids of experts.

    Attributes:
        also: who says the same. against: who contradicts it. degree: who says it to another degree.
        new: whether there is a draft, and it does not say this.
    """

    also: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    degree: tuple[str, ...] = ()
    new: bool = False

    @property
    def alone(self) -> bool:
        """Whether nobody else says anything of it."""
        return not (self.also or self.against or self.degree)


def marks(told: Round) -> Mapping[tuple[str, str], Mark]:
    """The mark of each statement, by who says it and its text."""
    return {
        (one.by, said.text): _mark(told, one.by, said.text)
        for one in told.opinions
        for said in one.sentences
    }


def _mark(told: Round, by: str, text: str) -> Mark:
    said = {one.by: {s.text for s in one.sentences} for one in told.opinions if one.sentences}
    others: dict[str, set[str]] = {"same": {text}, "degree": set(), "against": set()}
    for kind, other in _partners(told, text):
        others[kind].add(other)

    def who(kind: str) -> tuple[str, ...]:
        return tuple(name for name, texts in said.items() if name != by and texts & others[kind])

    also = who("same")
    new = by != DRAFT and DRAFT in said and DRAFT not in also
    return Mark(also, who("against"), who("degree"), new)


def _partners(told: Round, text: str) -> Iterator[tuple[str, str]]:
    """The other statement of every finding that a statement stands in, and how it stands to it."""
    for one in told.findings:
        if text in one.said:
            other = one.said[1 - one.said.index(text)]
            yield "against" if one.kind in CONTRADICTS else one.kind, other
