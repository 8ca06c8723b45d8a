"""Where a need belongs in the tree of models: language, domain, sub-domain, tier.

    place = Tree(embedder.encode).place("Spanish leaflets for heart patients, on a mini PC")
    place.path                              # ("all", "es", "medicine", "cardiology", "clinic")

A need said in words is put beside the sentences of each node by meaning. Where nothing comes near,
it stays with the parent: a wrong sub-domain is worse than none. What is said outright (language,
tier) is never overruled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from compliance.yamltext import read_yaml
from services.bricks.manifest import Level
from services.bricks.words import words

FILE = Path(__file__).with_name("tree.yaml")
"""The reviewed tree of fields."""
NEAR = 0.38
"""Cosine from which a need belongs to a node; below, it stays with the parent."""
MARGIN = 0.1
"""By so much a need must come nearer to another domain before it counts as no matter of health."""
CLOSE = 0.05
"""A sub-domain may be so much farther than its domain's own sentences, and no more."""
ROOT, MEDICINE = "all", "medicine"
"""Where the tree begins, and where its medical part does."""
Language = Literal["en", "es"]
Encode = Callable[[list[str]], npt.NDArray[np.float32]]
"""Turns texts into vectors of length 1."""
_SPANISH_NAMED = frozenset({"spanish", "español", "espanol", "castellano", "castilian", "latino"})
_SPANISH_SAID = frozenset({"el", "la", "los", "las", "para", "con", "una", "del", "preguntas"})


@dataclass(frozen=True)
class Place:
    """Where a need belongs; scores are cosines by node, for those that were looked at.

    ``sub_domain`` and ``tier`` are None where nothing said or came near one.
    """

    language: Language
    domain: str
    sub_domain: str | None
    tier: Level | None
    scores: Mapping[str, float]

    @property
    def path(self) -> tuple[str, ...]:
        """From the root down."""
        below = (self.language, self.domain, self.sub_domain, self.tier)
        return (ROOT, *(name for name in below if name))


class Tree:
    """The tree with the sentences of its nodes.

    Args:
        encode: makes vectors of length 1; None puts every need at medicine.
        file: of the tree.
    """

    def __init__(self, encode: Encode | None = None, file: Path = FILE) -> None:
        self._encode = encode
        self._kept: dict[tuple[str, ...], npt.NDArray[np.float32]] = {}
        self._nodes: Mapping[str, Any] = read_yaml(file.read_text(encoding="utf-8"))

    def place(
        self,
        need: str | None = None,
        *,
        language: Language | None = None,
        tier: Level | None = None,
    ) -> Place:
        """Put a need at its node.

        Args:
            need: in words, in any order.
            language: that answers are to be in; by default as the need says.
            tier: that it is to run on; by default as the need says.
        """
        spoken = language or _language(need or "")
        if not need or self._encode is None:
            return Place(spoken, MEDICINE, None, tier, {})
        vector = self._encode([need])[0]
        domains = self._nodes["domains"]
        own = self._scores(vector, {name: node["says"] for name, node in domains.items()})
        below = {name: self._scores(vector, node["parts"]) for name, node in domains.items()}
        seen = {name: max(own[name], *below[name].values(), 0.0) for name in domains}
        domain = max(seen, key=lambda name: seen[name] + (MARGIN if name == MEDICINE else 0.0))
        domain = domain if seen[domain] >= NEAR else MEDICINE
        part = _nearest(below[domain], above=own[domain] - CLOSE)
        tiers = self._scores(vector, self._nodes["tiers"])
        scores = {name: round(score, 3) for name, score in (seen | below[domain] | tiers).items()}
        return Place(spoken, domain, part, tier or _nearest(tiers), scores)

    def _scores(
        self, vector: npt.NDArray[np.float32], nodes: Mapping[str, Sequence[str]]
    ) -> dict[str, float]:
        """How near the need comes to the nearest sentence of each node."""
        return {name: float((self._vectors(says) @ vector).max()) for name, says in nodes.items()}

    def _vectors(self, says: Sequence[str]) -> npt.NDArray[np.float32]:
        assert self._encode is not None  # noqa: S101 - only called where there is one
        if (key := tuple(says)) not in self._kept:
            self._kept[key] = self._encode(list(key))
        return self._kept[key]


def _nearest(scores: Mapping[str, float], above: float = 0.0) -> Any:
    """The node that comes nearest, if it comes near and nearer than the parent itself."""
    best = max(scores, key=scores.__getitem__, default=None)
    return best if best is not None and scores[best] >= max(NEAR, above) else None


def _language(need: str) -> Language:
    said = set(words(need.lower()))
    spanish = said & _SPANISH_NAMED or len(said & _SPANISH_SAID) >= 2  # noqa: PLR2004 - two words
    return "es" if spanish else "en"
