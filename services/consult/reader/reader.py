"""Run the reader."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np

from services.engines.errors import EngineUnavailableError
from services.engines.session import Floats, Session

HERE = Path(__file__).parent
TASKS = ("urgency", "kind", "record")
"""The model's heads, in the order of its outputs."""
WINDOW = 128
"""Tokens read at once."""
WINDOW_WORDS, PART_WORDS = 64, 3
"""A message is read in windows of so many words, and sentence by sentence from so many words on."""
BATCH = 16
MOST_WORDS = 3_000
"""Words that are read; the longest message (8,000 characters) has fewer."""
_PIECES = re.compile(r"(?<=[.!?;])\s+|\n+")


@dataclass(frozen=True)
class Reading:
    """Calibrated probabilities, 0 to 1.

    ``urgency``: of each level, for the most alarming window of the message. ``kinds``: of each kind
    of question, for its last window; ``record``: of each part of one's own record that the message
    asks for, likewise. ``loudest``: of an emergency, for the most alarming part read
    by itself, so that calm words around it cannot hide it.
    """

    urgency: Mapping[str, float]
    kinds: Mapping[str, float]
    record: Mapping[str, float] = field(default_factory=dict)
    loudest: float = 0.0

    @property
    def emergency(self) -> float:
        """Probability that the message tells of an emergency."""
        return self.urgency["emergency"]

    @property
    def pressing(self) -> float:
        """Probability that it is at least urgent."""
        return 1.0 - self.urgency["routine"]

    @property
    def kind(self) -> tuple[str, float]:
        """The likeliest kind with its probability."""
        best = max(self.kinds, key=lambda k: self.kinds[k])
        return best, self.kinds[best]


class Reader:
    """The model, loaded; safe to use from several threads.

    Args:
        folder: holds ``reader.onnx`` and ``reader.json``.

    Raises:
        EngineUnavailableError: model or tokenizer are not there.
    """

    def __init__(self, folder: Path = HERE) -> None:
        self._session = Session(folder / "reader.onnx", WINDOW)
        try:
            told = json.loads((folder / "reader.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise EngineUnavailableError("reader.json cannot be read.") from error
        self.labels: dict[str, list[str]] = told["labels"]
        self.version: str = told["corpus"][:12]
        self._temperature: dict[str, float] = told["temperature"]

    @classmethod
    @cache
    def load(cls) -> Reader:
        """The packaged model, loaded once a process."""
        return cls()

    def read(self, text: str) -> Reading:
        """Read one message whole and in its parts; never raises for any text."""
        sentences = _sentences(text)
        windows = _joined(sentences, WINDOW_WORDS)
        alone = (_joined([s], WINDOW_WORDS) for s in sentences if len(s) >= PART_WORDS)
        parts = [p for p in dict.fromkeys(chain.from_iterable(alone)) if p not in windows]
        urgency, kinds, record = self._run([*windows, *parts])
        emergency = self.labels["urgency"].index("emergency")
        routine = self.labels["urgency"].index("routine")
        whole = urgency[: len(windows)]
        worst = int(np.argmax(whole[:, emergency]))
        levels = dict(zip(self.labels["urgency"], whole[worst].tolist(), strict=True))
        # one window may be urgent where another is the more alarming
        levels["routine"] = min(levels["routine"], float(whole[:, routine].min()))
        last = len(windows) - 1
        return Reading(
            levels,
            dict(zip(self.labels["kind"], kinds[last].tolist(), strict=True)),
            dict(zip(self.labels["record"], record[last].tolist(), strict=True)),
            float(urgency[:, emergency].max()),
        )

    def _run(self, texts: Sequence[str]) -> list[Floats]:
        """Probabilities of each head, each of shape (texts, labels)."""
        rows = [self._session.run(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)]
        heads: list[Floats] = [np.concatenate(head) for head in zip(*rows, strict=True)]
        return [_softmax(head / self._temperature[t]) for t, head in zip(TASKS, heads, strict=True)]


def _sentences(text: str) -> list[list[str]]:
    """The words of each sentence, look-alike and invisible characters made plain."""
    plain = unicodedata.normalize("NFKC", text)
    seen = "".join(c for c in plain if unicodedata.category(c) != "Cf")
    found = [s.split() for s in _PIECES.split(seen)]
    return [s for s in found if s] or [[]]


def _joined(sentences: Sequence[Sequence[str]], most: int) -> list[str]:
    """Whole sentences joined up to so many words; one that is longer is cut, halves overlapping."""
    found: list[list[str]] = []
    taken = 0
    for sentence in sentences:
        if taken >= MOST_WORDS:
            break
        taken += len(sentence)
        if found and len(found[-1]) + len(sentence) <= most:
            found[-1] = [*found[-1], *sentence]
            continue
        step = most if len(sentence) <= most else most // 2
        found += [list(sentence[i : i + most]) for i in range(0, max(len(sentence), 1), step)]
    return [" ".join(words) for words in found]


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = raised / raised.sum(axis=1, keepdims=True)
    return result
