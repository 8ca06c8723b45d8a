"""The gate: which expert takes a question, by rule first, by meaning second, and why.

By rule: terms of the matrix that stand in the question. The expert whose domains have the most of
them takes it, among equals the more special one, among those the better measured, else the one put
in place last; nobody does where they rather name a domain that
has no expert.

By meaning, where no term stands in it: each domain has a centre, the mean of what belongs to it,
and competes with all others and with everyday matters, whether it has an expert or not. The nearest
one decides where its lead over the next, a difference of cosines, reaches the threshold that
`services.experts.calibrate` found.

Where neither speaks no expert takes it: a guess would be an answer from the wrong field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np

from compliance.yamltext import read_yaml
from services.bricks.retrieval import Embeds
from services.bricks.words import NameFinder
from services.engines.embed import Vectors
from services.experts.domains import DATA, OTHER, Domain, covers, domains, rows
from services.experts.expert import Expert
from services.experts.planner import spans
from services.experts.rank import Because, first_of

MOST_SCORES = 5


@dataclass(frozen=True)
class Score:
    """How well a domain fits: the terms that were found, or the cosine to its centre."""

    domain: str
    terms: tuple[str, ...] = ()
    cosine: float | None = None


@dataclass(frozen=True)
class Choice:
    """What the gate says of a text, with its reasons.

    Attributes:
        text: what was looked at.
        expert: who takes it; None where nobody does.
        by: what decided.
        scores: of the domains that fit best, the best first.
        lead: of the best cosine over the next; None where a rule spoke.
        threshold: that the lead must reach.
        over: experts that fit as well and stand back; because: why (`services.experts.rank`).
    """

    text: str
    expert: str | None
    by: Literal["rule", "meaning", "nothing"]
    scores: tuple[Score, ...] = ()
    lead: float | None = None
    threshold: float | None = None
    over: tuple[str, ...] = ()
    because: Because = "alone"

    @property
    def is_mute(self) -> bool:
        """Whether the text says nothing of what it is about."""
        return self.expert is None and not any(score.terms for score in self.scores)


class Gate:
    """Chooses among the experts that are pushed.

    Args:
        embedder: for meaning.
        threshold: least lead by which an expert is chosen.
        matrix: of domains.
    """

    def __init__(
        self, embedder: Embeds, threshold: float, matrix: Mapping[str, Domain] | None = None
    ) -> None:
        self._embedder, self._threshold = embedder, threshold
        self._matrix = domains() if matrix is None else matrix
        self._known: dict[tuple[str, ...], Vectors] = {}

    @classmethod
    def load(cls, embedder: Embeds) -> Self:
        """The packaged matrix with the threshold that was calibrated for it."""
        return cls(embedder, calibrated_threshold())

    def choose(self, text: str, experts: Sequence[Expert]) -> Choice:
        """Choose the expert for a text."""
        if not experts or not text.strip():
            return Choice(text, None, "nothing")
        held = rows(experts, self._matrix)
        return self._by_rule(text, experts) or self._by_meaning(text, experts, held)

    def plan(self, text: str, experts: Sequence[Expert]) -> tuple[Choice, ...]:
        """Choose for each part of a question; neighbours with the same expert are one part.

        A part that names nothing stays with the one before it. One that names a domain without an
        expert stands by itself, and nobody takes it.
        """
        plan: list[tuple[int, Choice]] = []
        for start, end in spans(text):
            choice = self.choose(text[start:end].strip(), experts)
            if plan and (choice.is_mute or choice.expert == plan[-1][1].expert):
                start = plan.pop()[0]  # noqa: PLW2901 - the part begins where the one before did
                choice = self.choose(text[start:end].strip(), experts)
            plan.append((start, choice))
        return tuple(choice for _, choice in plan)

    def _by_rule(self, text: str, experts: Sequence[Expert]) -> Choice | None:
        """None where no term of the matrix stands in the text."""
        named = {**self._matrix, **rows(experts, self._matrix)}
        found: dict[str, set[str]] = {}
        for mention in NameFinder({id_: d.terms for id_, d in named.items()}).find(text):
            found.setdefault(mention.topic, set()).add(mention.name)
        if not found:
            return None
        order = sorted(found, key=lambda id_: (-len(found[id_]), id_))
        scores = tuple(Score(id_, tuple(sorted(found[id_]))) for id_ in order[:MOST_SCORES])
        strength = {e.id: _strength(covers(e, self._matrix), found) for e in experts}
        most = max(strength.values())
        if most[0] < len(found[order[0]]):
            return Choice(text, None, "nothing", scores)
        return _taken(Choice(text, None, "rule", scores), experts, strength, most)

    def _by_meaning(
        self, text: str, experts: Sequence[Expert], held: Mapping[str, Domain]
    ) -> Choice:
        question = self._embedder.encode([text])[0]
        cosines = {id_: self._cosine(id_, domain, question) for id_, domain in held.items()}
        first, second, *_ = order = sorted(cosines, key=lambda id_: (-cosines[id_], id_))
        lead = round(cosines[first] - cosines[second], 4)
        scores = [Score(id_, cosine=round(cosines[id_], 4)) for id_ in order[:MOST_SCORES]]
        takers = {e.id: covers(e, self._matrix).get(first, 0) for e in experts}
        most = max(takers.values())
        spoke = lead >= self._threshold and most > 0
        choice = Choice(
            text, None, "meaning" if spoke else "nothing", tuple(scores), lead, self._threshold
        )
        return _taken(choice, experts, takers, most) if spoke else choice

    def _cosine(self, id_: str, domain: Domain, question: Vectors) -> float:
        """To the centre of a domain; to the nearest of everyday matters, which have no centre."""
        texts = (domain.title, *domain.asks, *domain.terms)
        if texts not in self._known:
            self._known[texts] = np.asarray(self._embedder.encode(list(texts)))
        vectors = self._known[texts]
        if id_ == OTHER:
            return float((vectors @ question).max())
        centre = vectors.mean(axis=0)
        return float(centre @ question / np.linalg.norm(centre))


def _taken(
    choice: Choice, experts: Sequence[Expert], strength: Mapping[str, object], most: object
) -> Choice:
    """The choice with the first of those experts that fit best."""
    ranked = first_of([one for one in experts if strength[one.id] == most])
    over = tuple(one.id for one in ranked.over)
    return replace(choice, expert=ranked.first.id, over=over, because=ranked.because)


def _strength(covered: Mapping[str, int], found: Mapping[str, set[str]]) -> tuple[int, int]:
    """How many terms name what an expert covers, and how special it is in it."""
    named = [id_ for id_ in covered if id_ in found]
    terms = {term for id_ in named for term in found[id_]}
    return len(terms), max((covered[id_] for id_ in named), default=0)


def calibrated_threshold() -> float:
    """The threshold that `services.experts.calibrate` wrote down."""
    text = (DATA / "threshold.yaml").read_text(encoding="utf-8")
    said: dict[str, Any] = read_yaml(text)
    return float(said["threshold"])
