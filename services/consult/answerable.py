"""How likely the best passage answers: a logistic model of a few things one can look at.

Fitted by ``python -m services.consult.reader.fit_answerable`` on questions kept out of training;
its probability is what an answer's confidence is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from math import exp
from pathlib import Path

from services.engines.errors import EngineUnavailableError

FILE = Path(__file__).parent / "reader" / "answerable.json"


@dataclass(frozen=True)
class Signs:
    """What speaks for the best passage.

    Attributes:
        margin: its score above *nothing* (see `services.consult.reader.matcher`).
        prior: logarithm of its section's prior.
        named: 1 if the question names its topic.
        others: how many other topics the question names.
        apart: 1 if it may ask how two things relate and no sentence of the passage names both.
        mean, least: how far it, or the next of its topic, covers what the question says besides
            the topic's name, 0 to 1.
        rare: words of the question that no source knows and that are no common English.
        gap: its score above the best passage of another topic.
        none: the probability that the question is of no leaflet's kind.
        spanish: 1 for a question in Spanish.
        sentence: the score of its best sentence.
        keyword, cosine: what plain retrieval says of it, 0 to 1.
    """

    margin: float
    prior: float
    named: float
    others: float
    apart: float
    mean: float
    least: float
    rare: float
    gap: float
    none: float
    spanish: float
    sentence: float
    keyword: float
    cosine: float


class Answerable:
    """The fitted model."""

    def __init__(self, weights: Sequence[float], start: float) -> None:
        self.weights, self.start = tuple(weights), start

    @classmethod
    @cache
    def load(cls) -> Answerable:
        """The packaged model.

        Raises:
            EngineUnavailableError: its file cannot be read.
        """
        try:
            told = json.loads(FILE.read_text("utf-8"))
            weights = [float(told["weights"][f.name]) for f in fields(Signs)]
            return cls(weights, float(told["start"]))
        except (OSError, ValueError, KeyError) as error:
            raise EngineUnavailableError("answerable.json cannot be read.") from error

    def probability(self, signs: Signs) -> float:
        """Probability, 0 to 1, that the passage answers."""
        total = sum(w * s for w, s in zip(self.weights, astuple(signs), strict=True))
        return 1.0 / (1.0 + exp(-max(-30.0, min(30.0, self.start + total))))
