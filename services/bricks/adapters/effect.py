"""What quantising left of an adapter that was merged into a model.

Quantising can put every weight back to where the base model's stood: the file is whole, runs, and
answers like the base. Seen with Q4_1, whose grid starts at each block's own smallest weight. So
a merged model is measured before it is used, in its weights and in its words:

- ``carried``: how much of the change of the weights is still there, by projecting what it became
  (against the base quantised the same way) on what it was. Rounding by itself leaves 1.
- ``kept``: how much likelier its own answers are to it than to the base, after quantising against
  before. 1: all of the behaviour; 0: it answers like the base.
- ``changed``: share of the quantised blocks that differ at all. It can be high with all lost.

    effect = measure(base, merged, quantised, questions)
    effect.expect()                                             # EffectLostError
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from services.bricks.adapters.errors import EffectLostError
from services.bricks.adapters.gguf_file import GgufFile
from services.bricks.adapters.probe import Scored, probe
from services.bricks.adapters.quantise import FILE_TYPES, quantise
from services.bricks.adapters.tensors import STORED
from services.bricks.errors import BrickError
from services.engines.torch_side import Say

LEAST_KEPT = 0.75
"""Of the behaviour in its words, how much has to be there still (`Effect.kept`)."""
LEAST_CARRIED = 0.5
"""Of the change of the weights, how much has to be there still (`Effect.carried`)."""
LEAST_GAIN = 0.05
"""Nats a token; with less there is no behaviour to see in the answers to these questions."""
QUESTIONS = (
    "What is bread?",
    "Tell me about rivers.",
    "How do I boil an egg?",
    "Hello.",
    "Name three colours.",
    "Why is the sky blue?",
    "¿Qué es el agua?",
    "Write a short sentence about music.",
)
"""For adapters that change every answer; others need questions of their own."""


@dataclass(frozen=True)
class Effect:
    """Figures of one quantised file; see the module.

    Attributes:
        kind: of the quantisation.
        gain: nats a token by which the merged model finds its own answers likelier than the base.
        answers: that this was measured on.
    """

    kind: str
    carried: float
    kept: float
    changed: float
    gain: float
    answers: int

    @property
    def holds(self) -> bool:
        """The behaviour is there still."""
        seen = self.gain >= LEAST_GAIN
        return seen and self.kept >= LEAST_KEPT and self.carried >= LEAST_CARRIED

    def expect(self) -> None:
        """Refuse the file if the behaviour is gone.

        Raises:
            EffectLostError: it is, or the questions show none to begin with.
        """
        if self.gain < LEAST_GAIN:
            raise EffectLostError(
                f"The answers show no difference from the base ({self.gain:.3f} nats a token).",
                remedy="Give questions that the adapter was made for: --questions FILE.",
            )
        if not self.holds:
            raise EffectLostError(
                f"{self.kind} loses what was merged: {self.kept:.0%} of the behaviour and "
                f"{self.carried:.0%} of the change in the weights are left."
            )


def measure(
    base: Path,
    merged: Path,
    quantised: Path,
    questions: Sequence[str] = QUESTIONS,
    *,
    threads: int = 1,
    say: Say | None = None,
) -> Effect:
    """Measure what is left.

    Args:
        base: the base model, not quantised.
        merged: the same with the adapter merged, not quantised.
        quantised: the merged one as it is to be used.
        questions: to answer.
        threads: of the CPU; more than there are free cores makes it slower.
        say: is told of each step.

    Raises:
        BrickError: the files do not belong together.
        EngineError: llama.cpp cannot run one of them.
    """
    tell: Say = say or (lambda _line: None)
    kind = _kind_of(quantised)
    tell("asking the merged model")
    answers = probe(merged, questions, threads=threads)
    tell("asking the base model and the quantised one")
    before, after = (
        probe(model, questions, answers=answers, threads=threads) for model in (base, quantised)
    )
    own, plain, left = (_mean(scored) for scored in (answers, before, after))
    gain = own - plain
    with tempfile.TemporaryDirectory(dir=quantised.parent) as folder:
        alike = Path(folder) / "base.gguf"
        tell(f"quantising the base model to {kind}, to compare")
        quantise(base, alike, kind, threads=threads)
        carried, changed = _weights(base, merged, alike, quantised)
    kept = (left - plain) / gain if gain > 0 else 0.0
    return Effect(kind, carried, kept, changed, gain, len(answers))


def _kind_of(path: Path) -> str:
    number = GgufFile.open(path).get("general.file_type")
    if number not in FILE_TYPES:
        raise BrickError(f"{path.name} is quantised in a way that is not measured here.")
    return FILE_TYPES[number]


def _mean(scored: Sequence[Scored]) -> float:
    numbers = [number for answer in scored for number in answer.logprobs]
    return sum(numbers) / len(numbers) if numbers else 0.0


def _weights(base: Path, merged: Path, alike: Path, quantised: Path) -> tuple[float, float]:
    """How much of the change is left in the weights; share of blocks that differ."""
    files = [GgufFile.open(path).tensors for path in (base, merged, alike, quantised)]
    if len({tuple(sorted(f)) for f in files}) != 1:
        raise BrickError("The files do not hold the same weights: they do not belong together.")
    along = whole = 0.0
    different = blocks = 0
    for name in files[0]:
        old, new, rough_old, rough_new = (tensors[name] for tensors in files)
        if old.shape != new.shape or rough_new.kind != rough_old.kind:
            raise BrickError(f"{name} differs between the files: they do not belong together.")
        if np.array_equal(old.raw, new.raw) or rough_new.kind in STORED:
            continue
        change = new.floats() - old.floats()
        along += float(np.vdot(change, rough_new.floats() - rough_old.floats()))
        whole += float(np.vdot(change, change))
        size = GGML_QUANT_SIZES[GGMLQuantizationType[rough_new.kind]][1]
        pair = [t.raw.reshape(-1, size) for t in (rough_old, rough_new)]
        different += int((pair[0] != pair[1]).any(axis=1).sum())
        blocks += len(pair[0])
    if not blocks:
        raise BrickError("The merged model's weights are those of the base: nothing was merged.")
    return along / whole, different / blocks
