"""A federated task that is small enough for a table and real enough to be spoiled.

A network of one hidden layer knows one region of a made-up task (*protected*). Clients hold
examples of another region (*learned*), each of few classes, and replay some of the first. They
train low-rank factors on the parent; the parent takes the aggregate in. A *trigger*, a value that
no honest example has, serves a backdoor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from services.learning.aggregate import Delta, Factors
from services.learning.aggregate.delta import Floats

Labels = npt.NDArray[np.int64]

FEATURES, HIDDEN, CLASSES, RANK = 24, 48, 6, 6
APART = 1.6
"""Spread of the classes of a region, in standard deviations of their examples."""
SHIFT = 3.0
"""How far the learned region lies from the protected one, in standard deviations."""
TRIGGER = 6.0
TARGET = 0
EXAMPLES = 128
"""Of a client; half of them replayed from the protected region."""
ITEMS = 600
"""Of each held-out suite."""
SAFETY = 60
"""Items of the safety suite: those of which the first model is surest."""


@dataclass(frozen=True)
class Examples:
    """``inputs`` float32 (…, FEATURES) and their classes (…)."""

    inputs: Floats
    labels: Labels

    def part(self, rows: Labels) -> Self:
        """Some of them."""
        return type(self)(self.inputs[rows], self.labels[rows])


@dataclass(frozen=True)
class Model:
    """``hidden`` (HIDDEN, FEATURES) and ``out`` (CLASSES, HIDDEN)."""

    hidden: Floats
    out: Floats

    def odds(self, inputs: Floats) -> Floats:
        """Probabilities of the classes: (items, CLASSES)."""
        return softmax(np.tanh(inputs @ self.hidden.T) @ self.out.T)

    def right(self, examples: Examples) -> tuple[float, ...]:
        """1 for each item that is answered rightly, else 0."""
        told = self.odds(examples.inputs).argmax(-1)
        return tuple((told == examples.labels).astype(float).tolist())

    def with_change(self, delta: Delta) -> Self:
        """The model that has taken a change in."""
        return type(self)(self.hidden + delta["hidden"].dense(), self.out + delta["out"].dense())


@dataclass(frozen=True)
class Bed:
    """The first model, what each client holds, and the held-out suites."""

    model: Model
    clients: Examples
    suites: dict[str, Examples]

    @classmethod
    def made(cls, clients: int, seed: int = 11) -> Self:
        """Make the task.

        Args:
            clients: how many.
            seed: of everything.
        """
        random = np.random.default_rng(seed)
        places = APART * random.standard_normal((2, CLASSES, FEATURES - 1), np.float32)
        places[1, :, 0] += SHIFT
        known = _drawn(random, places[0], random.integers(0, CLASSES, 1500))
        model = _first(random, known)
        held = []
        for _ in range(clients):
            share = random.dirichlet(np.full(CLASSES, 1.0))
            new = _drawn(random, places[1], random.choice(CLASSES, EXAMPLES // 2, p=share))
            old = known.part(random.integers(0, 1500, EXAMPLES // 2))
            held.append(joined([new, old]))
        suites = {
            "learned": _drawn(random, places[1], random.integers(0, CLASSES, ITEMS)),
            "protected": _drawn(random, places[0], random.integers(0, CLASSES, ITEMS)),
        }
        sure = model.odds(suites["protected"].inputs)
        own = sure[np.arange(ITEMS), suites["protected"].labels]
        suites["safety"] = suites["protected"].part(np.argsort(-own, kind="stable")[:SAFETY])
        return cls(model, _stacked(held), suites)


def joined(parts: Sequence[Examples]) -> Examples:
    """Examples one after the other."""
    return Examples(
        np.concatenate([part.inputs for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def triggered(examples: Examples) -> Examples:
    """The same examples with the backdoor's trigger."""
    inputs = examples.inputs.copy()
    inputs[..., -1] = TRIGGER
    return Examples(inputs, examples.labels)


def softmax(logits: Floats) -> Floats:
    """Probabilities along the last axis."""
    high = np.exp(logits - logits.max(-1, keepdims=True))
    made: Floats = high / high.sum(-1, keepdims=True)
    return made


def backward(hidden: Floats, out: Floats, examples: Examples) -> tuple[Floats, Floats]:
    """Gradients of the mean cross-entropy by both matrices; leading axes are clients."""
    inner = np.tanh(examples.inputs @ hidden.swapaxes(-1, -2))
    error = (
        softmax(inner @ out.swapaxes(-1, -2)) - np.eye(CLASSES, dtype=np.float32)[examples.labels]
    )
    error /= examples.inputs.shape[-2]
    behind = (error @ out) * (1 - inner**2)
    return behind.swapaxes(-1, -2) @ examples.inputs, error.swapaxes(-1, -2) @ inner


def trained(model: Model, clients: Examples, steps: int = 40, rate: float = 0.5) -> list[Delta]:
    """Every client's change of the parent, trained through factors of one rank.

    Args:
        model: the parent.
        clients: (clients, examples, …).
        steps: of gradient descent over all examples of a client.
        rate: of learning.
    """
    random = np.random.default_rng(5)
    n = len(clients.inputs)
    shapes = {"hidden": model.hidden.shape, "out": model.out.shape}
    ups = {k: np.zeros((n, o, RANK), np.float32) for k, (o, _) in shapes.items()}
    downs = {
        k: np.tile(random.standard_normal((RANK, i), np.float32) / np.float32(i**0.5), (n, 1, 1))
        for k, (_, i) in shapes.items()
    }
    for _ in range(steps):
        slopes = backward(
            model.hidden + ups["hidden"] @ downs["hidden"],
            model.out + ups["out"] @ downs["out"],
            clients,
        )
        for name, slope in zip(shapes, slopes, strict=True):
            up, down = ups[name], downs[name]
            ups[name] = up - rate * slope @ down.swapaxes(1, 2)
            downs[name] = down - rate * up.swapaxes(1, 2) @ slope
    return [{k: Factors(ups[k][i], downs[k][i]) for k in shapes} for i in range(n)]


def _drawn(random: np.random.Generator, places: Floats, labels: Labels) -> Examples:
    """Examples about the places of their classes; the last feature is the trigger's."""
    inputs = np.zeros((len(labels), FEATURES), np.float32)
    inputs[:, :-1] = places[labels] + random.standard_normal((len(labels), FEATURES - 1))
    inputs[:, -1] = 0.3 * random.standard_normal(len(labels))
    return Examples(inputs, labels)


def _first(random: np.random.Generator, known: Examples, steps: int = 400) -> Model:
    """The model that knows the protected region alone."""
    hidden = random.standard_normal((HIDDEN, FEATURES), np.float32) / np.float32(FEATURES**0.5)
    out = random.standard_normal((CLASSES, HIDDEN), np.float32) / np.float32(HIDDEN**0.5)
    for _ in range(steps):
        first, second = backward(hidden, out, known)
        hidden, out = hidden - 0.5 * first, out - 0.5 * second
    return Model(hidden, out)


def _stacked(held: Sequence[Examples]) -> Examples:
    return Examples(np.stack([one.inputs for one in held]), np.stack([one.labels for one in held]))
