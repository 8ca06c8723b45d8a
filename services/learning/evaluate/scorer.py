"""Ask a model many short questions at once, and say how likely it finds texts.

scorer = Scorer(Path("base.gguf"), Path("adapter.gguf"))
scorer.answers(["What is bread?", "What is rain?"], tokens=24)     # greedy
scorer.likelihoods([("What is rain?", "Water that falls.")])       # mean log probability, nats
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from services.bricks.errors import BrickError
from services.engines.llama.sampling import logprob
from services.engines.session import Floats
from services.learning.evaluate.context import BATCH, SIDE_BY_SIDE, Context, Entry

Told = Callable[[int], object]
"""Is told how many are done."""


@dataclass
class _Row:
    """One sequence: what is read of it next and from which place on, and its answer so far."""

    number: int
    place: int
    tokens: list[int]
    written: list[int] = field(default_factory=list)

    def entries(self) -> list[Entry]:
        """What is read next; the scores after its last token are wanted."""
        last = len(self.tokens) - 1
        return [
            Entry(token, self.place + at, self.number, wanted=at == last)
            for at, token in enumerate(self.tokens)
        ]


class Scorer:
    """A model with an adapter or none; see `Context` for its arguments and errors."""

    def __init__(self, model: Path, adapter: Path | None = None, threads: int = 1) -> None:
        self._context = Context(model, adapter, threads)

    def close(self) -> None:
        """Free the model."""
        self._context.close()

    def likelihoods(
        self, pairs: Sequence[tuple[str, str]], told: Told = lambda _: None
    ) -> list[float]:
        """Mean log probability of each text's tokens after its question, in nats.

        Raises:
            BrickError: a pair is longer than what is read at once, or a text has no tokens.
        """
        found: list[float] = []
        rows = [(self._asked(ask), self._context.tokens(text)) for ask, text in pairs]
        for group in _groups(rows):
            entries = list[Entry]()
            starts = []
            for number, (asked, text) in enumerate(group, 1):
                before = len(asked) - 1
                starts.append(len(entries) + before)
                entries += [
                    Entry(token, self._start + at, number, wanted=at >= before)
                    for at, token in enumerate([*asked, *text[:-1]])
                ]
            self._context.begin(len(group))
            self._context.read(entries)
            for start, (_, text) in zip(starts, group, strict=True):
                scores = self._context.scores
                each = [logprob(scores(start + at), token) for at, token in enumerate(text)]
                found.append(float(np.mean(each)))
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
        for group in _groups([(self._asked(ask), [0]) for ask in questions]):
            rows = [_Row(number, self._start, asked) for number, (asked, _) in enumerate(group, 1)]
            self._context.begin(len(rows))
            for _ in range(tokens):
                self._step([row for row in rows if row.tokens])
            found += [self._text(row.written) for row in rows]
            told(len(found))
        return found

    @property
    def _start(self) -> int:
        return len(self._context.head)

    def _step(self, rows: Sequence[_Row]) -> None:
        """Write one more token of each; a sequence that has ended has nothing more to read."""
        entries = [entry for row in rows for entry in row.entries()]
        if not entries:
            return
        self._context.read(entries)
        at = -1
        for row in rows:
            at += len(row.tokens)
            best = _best(self._context.scores(at))
            row.place += len(row.tokens)
            row.tokens = [] if self._context.weights.ends(best) else [best]
            row.written += row.tokens

    def _text(self, tokens: Sequence[int]) -> str:
        return b"".join(map(self._context.weights.piece, tokens)).decode("utf-8", "replace")

    def _asked(self, question: str) -> list[int]:
        return [*self._context.tokens(question), *self._context.tail]


def _best(scores: Floats) -> int:
    return int(scores.argmax())


def _groups(
    rows: Sequence[tuple[list[int], list[int]]],
) -> Iterator[list[tuple[list[int], list[int]]]]:
    """As many as fit one reading, and no more than may stand side by side."""
    group: list[tuple[list[int], list[int]]] = []
    length = 0
    for row in rows:
        size = len(row[0]) + len(row[1])
        if size > BATCH or not row[1]:
            raise BrickError(f"An item has {size} tokens; {BATCH} are read at once.")
        if length + size > BATCH or len(group) == SIDE_BY_SIDE:
            yield group
            group, length = [], 0
        group.append(row)
        length += size
    if group:
        yield group
