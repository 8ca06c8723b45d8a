"""Duplicates and contradictions between packs, or within one.

Passages are set against one another when their topics share a name and they have one section.
Nothing is deleted or decided: both sources are named, and a person looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Literal

from services.bricks.ingest.claims import Claim, contradiction
from services.bricks.ingest.sections import MORE
from services.bricks.topic import Passage, Topic
from services.bricks.words import stems

SHINGLE = 5
"""Words in a row that are compared."""
DUPLICATE = 0.6
"""Share of the shorter passage's shingles that stand in the other as well."""
FEWEST = 8
"""A passage of fewer shingles is too short to be told a duplicate."""
CROWD = 40
"""Passages of one name and section that are compared with one another; the rest is counted."""


@dataclass(frozen=True)
class Side:
    """One of the two passages: where it stands, whose it is, and what it says."""

    pack: str
    passage: str
    source: str
    url: str
    date: str
    quote: str


@dataclass(frozen=True)
class Finding:
    """Two passages that a person should look at.

    ``kind``: ``duplicate`` (detail: the overlap), ``numbers`` (detail: of what) or ``polarity``.
    """

    kind: Literal["duplicate", "numbers", "polarity"]
    entity: str
    section: str
    detail: str
    left: Side
    right: Side

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


class _Entry:
    """A passage of a pack, with what is compared made when it is first needed."""

    def __init__(self, pack: str, passage: Passage) -> None:
        self.pack, self.passage = pack, passage
        self.id = (pack, passage.id)

    @cached_property
    def shingles(self) -> frozenset[tuple[str, ...]]:
        given = stems(self.passage.text)
        return frozenset(zip(*(given[i:] for i in range(SHINGLE)), strict=False))

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        made = (Claim.of(s) for s in self.passage.sentences)
        return tuple(c for c in made if c.words)

    def side(self, quote: str | None = None) -> Side:
        p = self.passage
        said = quote if quote is not None else p.sentences[0]
        return Side(self.pack, p.id, p.source.name, p.source.url, p.date, said)


class Comparison:
    """Compares the topics of packs; ``left_out`` counts passages of crowds that were not.

    Args:
        packs: name of each pack and its topics.
    """

    def __init__(self, packs: Iterable[tuple[str, Iterable[Topic]]]) -> None:
        self.left_out = 0
        self._groups: dict[tuple[tuple[str, ...], str], list[_Entry]] = {}
        for pack, topics in packs:
            for topic in topics:
                self._add(pack, topic)

    def _add(self, pack: str, topic: Topic) -> None:
        names = {tuple(stems(name)) for name in topic.names}
        for passage in topic.passages:
            entry = _Entry(pack, passage)
            for name in names:
                if name:
                    self._groups.setdefault((name, passage.section), []).append(entry)

    def findings(self) -> Iterator[Finding]:
        """Every finding, by name and section; each pair of passages is looked at once."""
        done: set[tuple[tuple[str, str], tuple[str, str]]] = set()
        for (_, section), entries in sorted(self._groups.items(), key=lambda pair: pair[0]):
            self.left_out += max(0, len(entries) - CROWD)
            for a, b in combinations(entries[:CROWD], 2):
                same = a.pack == b.pack and a.passage.topic.id == b.passage.topic.id
                if same or (a.id, b.id) in done:
                    continue
                done.add((a.id, b.id))
                yield from _compare(a, b, section)


def _compare(a: _Entry, b: _Entry, section: str) -> Iterator[Finding]:
    title = a.passage.topic.title
    overlap = _overlap(a, b)
    if overlap >= DUPLICATE:
        yield Finding("duplicate", title, section, f"{overlap:.2f}", a.side(), b.side())
    if section == MORE:  # matters that have nothing to do with one another
        return
    for left in a.claims:
        for right in b.claims:
            if left.text != right.text and (found := contradiction(left, right)):
                kind: Literal["numbers", "polarity"] = (
                    "numbers" if found[0] == "numbers" else "polarity"
                )
                sides = a.side(left.text), b.side(right.text)
                yield Finding(kind, title, section, found[1], *sides)


def _overlap(a: _Entry, b: _Entry) -> float:
    fewer = min(len(a.shingles), len(b.shingles))
    return len(a.shingles & b.shingles) / fewer if fewer >= FEWEST else 0.0
