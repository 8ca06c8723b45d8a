"""The matcher: how well each passage of an index answers a question."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from services.bricks.retrieval import KnowledgeIndex
from services.engines.errors import EngineUnavailableError
from services.engines.session import Floats, Session

HERE = Path(__file__).parent
MAX_TOKENS = 96
"""Tokens of a question that are read."""
RARE_LETTERS, RARE_PIECES = 5, 3
"""A word of so many letters that falls into so many pieces is no common word."""


@dataclass(frozen=True)
class Match:
    """Scores of one question; only their differences mean something.

    ``passages``: float32 of shape (passages,); ``units``: float32 of shape (units,), see
    `KnowledgeIndex.of_sentences`; ``nothing``: what an answer has to reach.
    """

    passages: Floats
    units: Floats
    nothing: float


class Matcher:
    """The model, loaded; safe to use from several threads.

    Args:
        folder: holds ``matcher.onnx``, ``matcher.npz`` and ``matcher.json``.

    Raises:
        EngineUnavailableError: the model is not there.
    """

    def __init__(self, folder: Path = HERE) -> None:
        self._session = Session(folder / "matcher.onnx", MAX_TOKENS)
        try:
            told = json.loads((folder / "matcher.json").read_text("utf-8"))
            with np.load(folder / "matcher.npz") as held:
                self._map, self._scale = held["map"].astype(np.float32), float(held["scale"])
        except (OSError, ValueError, KeyError) as error:
            raise EngineUnavailableError("The matcher's files cannot be read.") from error
        self.version: str = told["corpus"][:12]

    @classmethod
    @cache
    def load(cls) -> Matcher:
        """The packaged model, loaded once a process."""
        return cls()

    def prepare(self, index: KnowledgeIndex) -> Floats:
        """The vectors of an index as questions are held against them, shape (units, 384)."""
        mapped: Floats = index.unit_vectors @ self._map
        mapped /= np.maximum(np.linalg.norm(mapped, axis=1, keepdims=True), 1e-9)
        return mapped

    def match(self, question: str, index: KnowledgeIndex, prepared: Floats) -> Match:
        """Score every passage of an index for a question."""
        vectors, nothing = self._session.run([question])
        scores = self._scale * (prepared @ vectors[0])
        firsts = index.first_units  # there may be none
        passages = np.maximum.reduceat(scores, firsts) if firsts else scores
        return Match(passages, scores, float(nothing[0]))

    def rare(self, word: str) -> bool:
        """Whether a word is a name rather than common English: the tokenizer knows no such word."""
        return len(word) >= RARE_LETTERS and self._session.pieces(word) >= RARE_PIECES
