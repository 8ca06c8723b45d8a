"""The student as a model of its own: merged into the base, quantised again, and looked at.

For devices whose engine wears no adapters. Quantising can take away what was merged, with the file
whole and running; so it is kept only if the behaviour is still there
(`services.bricks.adapters.effect`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.bricks.adapters.convert import convert
from services.bricks.adapters.effect import Effect
from services.bricks.adapters.release import release
from services.engines.torch_side import Say

FILE = "model.gguf"
ASKED = 8
"""Questions on which the behaviour is looked at."""


def quantised(
    model: Path, peft: Path, kind: str, questions: Sequence[str], *, threads: int, say: Say
) -> Effect:
    """Write the quantised model beside the student's adapter; returns what quantising left.

    Args:
        model: the base's GGUF file.
        peft: folder of the student in PEFT's form; the file comes beside it.
        kind: one of `services.bricks.adapters.quantise.KINDS`.
        questions: that the parent was asked; the first ones are asked again.
        threads: of the CPU.
        say: is told of each step.

    Raises:
        EffectLostError: quantising takes the behaviour away; no file is left.
        BrickError: the kind is not known.
        EngineError: llama.cpp failed.
    """
    merged, target = peft.parent / "merged.gguf", peft.parent / FILE
    say("merging the student into the base model")
    try:
        convert(model, merged, merge=peft, kind="BF16")
        return release(
            merged,
            target,
            kind,
            base=model,
            questions=tuple(questions[:ASKED]),
            threads=threads,
            say=say,
        )
    finally:
        merged.unlink(missing_ok=True)
