"""Write one answer on a lane."""

from __future__ import annotations

import codecs
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from services.engines.llama.lane import Lane
from services.engines.llama.sampling import Sampler, logprob
from services.engines.llama.weights import Weights
from services.engines.protocol import Prompt, TokenScore


@dataclass(frozen=True)
class Piece:
    """A token of the answer: the text that became readable with it, and its score if asked for."""

    text: str
    score: TokenScore | None = None


@dataclass(frozen=True)
class Ended:
    """The end of an answer: why, and the tokens used."""

    finish: Literal["stop", "length"]
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Task:
    """What is to be written: at most ``tokens``, until ``stop`` is set."""

    prompt: Prompt
    tokens: int
    scores: bool
    stop: threading.Event


def write(weights: Weights, lane: Lane, task: Task, read: int) -> Iterator[Piece | Ended]:
    """Yield the answer after the lane has read the prompt; a stopped one has no end.

    Args:
        weights: the model.
        lane: where the prompt was read.
        task: what to write.
        read: tokens of the prompt.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with Sampler(weights, task.prompt) as sampler:
        for written in range(task.tokens):
            if task.stop.is_set():
                return
            logits = lane.logits()
            token = sampler.choose(logits)
            if weights.ends(token):
                yield Ended("stop", read, written)
                return
            content = weights.piece(token)
            score = None
            if task.scores:
                score = TokenScore(content.decode(errors="replace"), logprob(logits, token))
            yield Piece(decoder.decode(content), score)
            if written + 1 < task.tokens:
                lane.add(token)
    yield Ended("length", read, task.tokens)
