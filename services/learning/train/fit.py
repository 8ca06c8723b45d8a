"""The steps of a training: own examples, protected ones, and what holds the change near nothing."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.learning.train.model import Model, Row
from services.learning.train.private import ExampleGradients
from services.learning.train.request import Protection, Recipe

GREATEST = 1.0
"""Length that a gradient is cut to where no privacy asks for less."""
AT_ONCE = 8
"""Examples that pass through the model together."""
SHARPNESS = 2.0
"""How soon a worse answer that is less likely by word is far enough away (SimPO's beta)."""
LOOKED_AT = 32
"""Examples that a loss is measured on."""


@dataclass(frozen=True)
class Bounds:
    """When to stop: seconds from now, and MB of this process."""

    seconds: float
    memory: int


class Fit:
    """Trains the fresh adapter of a model.

    Args:
        model: see `open_model`.
        recipe: of the steps.
        protection: ``example`` makes each step private.
        own: the node's examples; protected: those of every site.
        worse: beside each of the own ones, what it put right; None where that is not known.
        order: seed of the order in which examples come; not used where they are protected.
    """

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        protection: Protection,
        *,
        own: Sequence[Row],
        protected: Sequence[Row],
        order: str,
        worse: Sequence[Row | None] = (),
    ) -> None:
        import torch

        self._model, self._recipe = model, recipe
        self._own, self._protected = list(own), list(protected)
        self._worse = list(worse) or [None] * len(self._own)
        self._private: ExampleGradients | None = None
        self._order = random.Random(order)  # noqa: S311 - an order that may be known
        if protection.mechanism == "example":
            noise = torch.Generator().manual_seed(secrets.randbits(63))
            ups = [up for _, up in model.factors.values()]
            self._private = ExampleGradients(ups, protection.clip, protection.noise, noise)
            self._private.clip *= self._usual(self._private)
        self._size = recipe.own(replays=bool(protected))
        self._replayed = recipe.batch - self._size
        self._optimizer = torch.optim.AdamW(model.trained(), lr=recipe.rate, weight_decay=0.0)

    @property
    def rate(self) -> float:
        """Share of the own examples that a step draws."""
        return min(1.0, self._size / len(self._own))

    @property
    def clip(self) -> float | None:
        """The bound of one example's gradient."""
        return self._private.clip if self._private else None

    def run(self, bounds: Bounds, say: Callable[[str], None]) -> int:
        """Train until the steps are done or a bound is reached; returns how many were done."""
        import psutil

        process, end = psutil.Process(), time.monotonic() + bounds.seconds
        for step in range(self._recipe.steps):
            if time.monotonic() > end:
                say(f"time is over after {step} of {self._recipe.steps} steps")
                return step
            if process.memory_info().rss > bounds.memory << 20:
                raise MemoryError(f"Training takes more than {bounds.memory} MB.")
            warm = min(1.0, (step + 1) / max(1, self._recipe.steps // 10))
            for group in self._optimizer.param_groups:
                group["lr"] = self._recipe.rate * warm
            loss = self._step()
            said = f": loss {loss:.3f}" if loss is not None else ""
            say(f"step {step + 1} of {self._recipe.steps}{said}")
        return self._recipe.steps

    def measured(self, rows: Sequence[Row]) -> float:
        """Mean loss on the first examples."""
        import torch

        with torch.no_grad():
            looked = rows[:LOOKED_AT]
            parts = [looked[i : i + AT_ONCE] for i in range(0, len(looked), AT_ONCE)]
            return float(torch.cat([self._model.losses(part) for part in parts]).mean())

    def close(self) -> None:
        """Free what listens."""
        if self._private is not None:
            self._private.close()

    def _usual(self, listening: ExampleGradients) -> float:
        """Median length of the gradients of protected examples, which are no secret."""
        import torch

        lengths = []
        for start in range(0, min(len(self._protected), LOOKED_AT), AT_ONCE):
            self._model.losses(self._protected[start : start + AT_ONCE]).sum().backward()
            lengths.append(listening.lengths())
            listening.forget()
        return float(torch.cat(lengths).median()) if lengths else 1.0

    def _step(self) -> float | None:
        """One step; returns the loss on the node's own examples, if any were drawn."""
        own = self._draw()
        loss = self._learn(own)
        if self._replayed:
            kept = self._order.choices(self._protected, k=self._replayed)
            self._keep(kept).backward()
        if self._recipe.shrink:
            (self._recipe.shrink * self._model.length()).backward()
        self._optimizer.step()
        self._optimizer.zero_grad()
        return loss

    def _draw(self) -> list[int]:
        """Own examples of a step: each by a coin of its own, as the accountant counts them."""
        every = range(len(self._own))
        if self._private is None:
            return self._order.sample(every, min(self._size, len(every)))
        coin = secrets.SystemRandom()
        return [at for at in every if coin.random() < self.rate]

    def _losses(self, drawn: list[int]) -> Any:
        """Each example's loss; a pair's grows while its worse answer is the likelier one by word.

        A pair is two rows of one pass: where examples are clipped, both count as one.
        """
        import torch

        rows, worse = [self._own[at] for at in drawn], [self._worse[at] for at in drawn]
        pairs = [bad is not None for bad in worse]
        if self._private is not None:
            self._private.paired = any(pairs)
        if not any(pairs):
            return self._model.losses(rows)
        beside = [bad or row for row, bad in zip(rows, worse, strict=True)]
        good, bad = self._model.losses([*rows, *beside]).chunk(2)
        close = torch.nn.functional.softplus(SHARPNESS * (good - bad))
        return good + self._recipe.prefer * torch.tensor(pairs) * close

    def _learn(self, own: list[int]) -> float | None:
        """Set the gradients of the own examples, some at a time, so that memory stays bounded."""
        import torch

        total = 0.0
        for start in range(0, len(own), AT_ONCE):
            losses = self._losses(own[start : start + AT_ONCE])
            total += float(losses.detach().sum())
            if self._private is None:
                (losses.sum() / len(own)).backward()
            else:
                losses.sum().backward()
                self._private.add()
        if self._private is None:
            torch.nn.utils.clip_grad_norm_(self._model.trained(), GREATEST)
        else:
            self._private.finish(self.rate * len(self._own))
        return total / len(own) if own else None

    def _keep(self, rows: list[Row]) -> Any:
        """Loss on protected examples, and how far the answers to them went from the parent's."""
        import torch

        functional = torch.nn.functional
        scores, words, _ = self._model.answers(rows)
        loss = functional.cross_entropy(scores, words)
        if self._recipe.anchor:
            with self._model.before():
                before, _, _ = self._model.answers(rows)
            far = functional.kl_div(
                functional.log_softmax(scores, -1),
                functional.log_softmax(before, -1),
                log_target=True,
                reduction="batchmean",
            )
            loss = loss + self._recipe.anchor * far
        return loss * self._replayed / self._size
