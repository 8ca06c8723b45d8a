"""The words that could turn a statement round: the lists of ``data/relations.yaml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from compliance.yamltext import read_yaml

DATA = Path(__file__).parent / "data" / "relations.yaml"


class Words(BaseModel):
    """The lists of ``data/relations.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spanish: frozenset[str]
    english: frozenset[str]
    same: dict[str, str]
    filler: tuple[str, ...]
    opposites: tuple[tuple[tuple[str, ...], ...], ...]
    scales: dict[str, tuple[tuple[str, ...], ...]]
    limits: dict[str, tuple[str, ...]]

    @cached_property
    def phrases(self) -> re.Pattern[str]:
        """Finds what is read as something else, the longest first."""
        longest = sorted(self.same, key=len, reverse=True)
        return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest))})\b")

    @cached_property
    def sides(self) -> Mapping[str, tuple[tuple[int, int], ...]]:
        """Where a word or phrase stands among the opposites: number of the pair, and its side."""
        found: dict[str, list[tuple[int, int]]] = {}
        for pair, both in enumerate(self.opposites):
            for side, said in enumerate(both):
                for word in said:
                    found.setdefault(word, []).append((pair, side))
        return {word: tuple(places) for word, places in found.items()}

    @cached_property
    def verdict(self) -> int:
        """The pair of opposites that says whether something may be done at all."""
        return self.sides["safe"][0][0]

    @cached_property
    def opposed(self) -> re.Pattern[str]:
        """Finds words and phrases of opposites, the longest first."""
        longest = sorted(self.sides, key=len, reverse=True)
        return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest))})\b")

    @cached_property
    def steps(self) -> Mapping[str, tuple[str, int]]:
        """The scale of a word, and its step."""
        return {
            word: (scale, step)
            for scale, steps in self.scales.items()
            for step, said in enumerate(steps, 1)
            for word in said
        }

    @cached_property
    def limited(self) -> Mapping[str, str]:
        """Whom a word limits a statement to."""
        return {word: who for who, said in self.limits.items() for word in said}


@lru_cache(maxsize=1)
def relation_words() -> Words:
    """The lists, read once."""
    return Words.model_validate(read_yaml(DATA.read_text(encoding="utf-8")))
