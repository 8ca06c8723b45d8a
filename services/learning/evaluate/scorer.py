"""Ask a model many short questions at once, and say how likely it finds texts.

Numbers depend a little on what is asked side by side (rounding), and not on chance: the same
questions in the same order give the same numbers.

    scorer = Scorer(Path("base.gguf"), Path("adapter.gguf"))
    scorer.answers(["What is bread?", "What is rain?"], tokens=24)     # greedy
    scorer.likelihoods([Asked("What is rain?", ("Water that falls.",))])   # nats a token
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from services.bricks.errors import BrickError
from services.engines.llama.sampling import logprob
from services.learning.evaluate.context import BATCH, SIDE_BY_SIDE, Context, Entry

Told = Callable[[int], object]
"""Is told how many are done."""


class Asked(NamedTuple):
    """A question and the texts that may follow it."""

    ask: str
    texts: Sequence[str]


@dataclass
class _Row:
    """A question in tokens, with the texts after it, or with the answer as far as it is written.

    Attributes:
        next: tokens to be read; place: where they stand; number: of the sequence.
    """

    next: list[int]
    texts: list[list[int]] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    place: int = 0
    number: int = 0

    @property
    def size(self) -> int:
        """Tokens."""
        return len(self.next) + sum(map(len, self.texts))


class Scorer:
    """A model with an adapter or none; see `Context` for its arguments and errors."""

    def __init__(self, model: Path, adapter: Path | None = None, threads: int = 1) -> None:
        self._context = Context(model, adapter, threads)

    def close(self) -> None:
        """Free the model."""
        self._context.close()

    def likelihoods(
        self, asked: Sequence[Asked], told: Told = lambda _: None
    ) -> list[tuple[float, ...]]:
        """Mean log probability of the tokens of each text after its question, in nats.

        Raises:
            BrickError: a question with its texts is longer than what is read at once.
        """
        found: list[tuple[float, ...]] = []
        tokens = self._context.tokens
        rows = [_Row(self._question(ask), [tokens(text) for text in texts]) for ask, texts in asked]
        for group in _groups(rows):
            entries: list[Entry] = []
            places, texts = [], 0
            for row in group:
                places.append(self._lay(row, texts + 1, entries))
                texts += len(row.texts)
            self._context.begin(texts)
            self._context.read(entries)
            found += [
                tuple(map(self._mean, each, row.texts))
                for each, row in zip(places, group, strict=True)
            ]
            told(len(found))
        return found

    def answers(
        self, questions: Sequence[str], tokens: int, told: Told = lambda _: None
    ) -> list[str]:
        """The greedy answer to each question, of so many tokens at most.

        Raises:
            BrickError: a question is longer than what is read at once.
        """
        found: list[str] = []
        for group in _groups([_Row(self._question(ask), [[]]) for ask in questions]):
            self._context.begin(len(group))
            for number, row in enumerate(group, 1):
                row.place, row.number = len(self._context.head), number
            for _ in range(tokens):
                self._step([row for row in group if row.next])
            found += [self._text(row.written) for row in group]
            told(len(found))
        return found

    def _lay(self, row: _Row, first: int, entries: list[Entry]) -> list[list[int]]:
        """Add what is read of a question to a reading; where the scores of its texts will stand.

        The question is read once for all its texts, which are sequences from ``first`` on.
        """
        start = len(self._context.head)
        numbers = range(first, first + len(row.texts))
        last = len(row.next) - 1
        entries += [
            Entry(token, start + at, numbers, wanted=at == last)
            for at, token in enumerate(row.next)
        ]
        before = len(entries) - 1
        places = []
        for number, text in zip(numbers, row.texts, strict=True):
            places.append([before, *range(len(entries), len(entries) + len(text) - 1)])
            entries += [
                Entry(token, start + len(row.next) + at, (number,), wanted=True)
                for at, token in enumerate(text[:-1])
            ]
        return places

    def _mean(self, places: Sequence[int], text: Sequence[int]) -> float:
        scores = self._context.scores
        return float(np.mean([logprob(scores(p), t) for p, t in zip(places, text, strict=True)]))

    def _step(self, rows: Sequence[_Row]) -> None:
        """Write one more token of each; one that has ended has nothing more to read."""
        entries = [
            Entry(token, row.place + at, (row.number,), wanted=at == len(row.next) - 1)
            for row in rows
            for at, token in enumerate(row.next)
        ]
        if entries:
            self._context.read(entries)
        at = -1
        for row in rows:
            at += len(row.next)
            row.place += len(row.next)
            best = int(self._context.scores(at).argmax())
            row.next = [] if self._context.weights.ends(best) else [best]
            row.written += row.next

    def _text(self, tokens: Sequence[int]) -> str:
        return b"".join(map(self._context.weights.piece, tokens)).decode("utf-8", "replace")

    def _question(self, ask: str) -> list[int]:
        return [*self._context.tokens(ask), *self._context.tail]


def _groups(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """As many as fit one reading, and no more texts than may stand side by side."""
    group: list[_Row] = []
    for row in rows:
        if row.size > BATCH or len(row.texts) > SIDE_BY_SIDE:
            raise BrickError(f"An item has {row.size} tokens; {BATCH} are read at once.")
        texts = sum(len(one.texts) for one in (*group, row))
        if sum(one.size for one in (*group, row)) > BATCH or texts > SIDE_BY_SIDE:
            yield group
            group = []
        group.append(row)
    if group:
        yield group
