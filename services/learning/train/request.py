"""What a training is asked for, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from services.learning.aggregate.delta import Delta
from services.learning.contribution import Privacy


@dataclass(frozen=True)
class Example:
    """A question and the answer to be learned; an empty ``system`` leaves it to the model.

    ``worse`` is an answer that was put right by it; with one, the example is a preference pair.
    """

    question: str
    answer: str
    system: str = ""
    worse: str = ""


@dataclass(frozen=True)
class Recipe:
    """How a change is trained.

    Attributes:
        rank: of the change; modules: the projections it changes, in Transformers' names.
        layers: the numbers of the layers it changes; empty means all.
        steps, batch, rate: of AdamW with a linear warm-up over a tenth of the steps.
        replay: share of each batch that is taken from the protected examples.
        anchor: weight of the distance of answers to protected examples from the parent's (KL).
        shrink: weight of the squared length of the change.
        prefer: weight, in a preference pair, of how far the worse answer is from being the less
            likely one by word.
        tokens: of an example at most; a longer one is cut.
        both: both factors are trained, which learns more with a shorter change. Else ``down`` stays
            as drawn from a seed that every site has: then the products of all sites add up within
            the rank, and noise is not multiplied with itself. A protected training needs that.
    """

    rank: int = 8
    modules: tuple[str, ...] = ("q_proj", "v_proj")
    layers: tuple[int, ...] = ()
    steps: int = 40
    batch: int = 8
    rate: float = 2e-3
    replay: float = 0.25
    anchor: float = 0.1
    shrink: float = 0.0
    prefer: float = 0.2
    tokens: int = 256
    both: bool = True

    def own(self, *, replays: bool) -> int:
        """Examples of a batch that are the node's own, with or without protected ones beside."""
        return self.batch - (round(self.batch * self.replay) if replays else 0)


@dataclass(frozen=True)
class Protection:
    """What protects the people whose examples are learned from.

    Attributes:
        mechanism: ``example`` clips each example's gradient, ``update`` the whole change.
        clip: the bound of that length. That of a gradient counts in the median length of the
            gradients of protected examples, which are no secret; without them it is the length.
        noise: standard deviation of the noise over ``clip``.
    """

    mechanism: Literal["none", "example", "update"] = "none"
    clip: float = 1.0
    noise: float = 0.0


@dataclass(frozen=True)
class TrainRequest:
    """One training.

    Attributes:
        base: the model's folder in Transformers' form.
        examples: the node's own; protected: those that every site has, which are no secret.
        parent: folder of the parent's adapter in PEFT's form, None for the bare model.
        seed: text that all sites share in a round, like ``general/3``: each draws the same
            ``down`` from it.
        seconds: after which training stops with what it has.
        memory: MB that the training process may take.
        threads: of the CPU.
    """

    base: Path
    examples: Sequence[Example]
    seed: str
    protected: Sequence[Example] = ()
    parent: Path | None = None
    recipe: Recipe = field(default_factory=Recipe)
    protection: Protection = field(default_factory=Protection)
    seconds: float = 1800.0
    memory: int = 4000
    threads: int = 1


@dataclass(frozen=True)
class Trained:
    """What came of it.

    Attributes:
        delta: the change that is sent, relative to the parent.
        metrics: what may leave the node with it.
        privacy: what the contribution says of its protection.
        local: what was measured on the node's own examples; it stays here where they are protected.
        steps: that were done; fewer than asked for when the time was over.
    """

    delta: Delta
    metrics: dict[str, float]
    privacy: Privacy
    local: dict[str, float]
    steps: int
