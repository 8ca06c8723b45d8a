"""Quantise a merged model, and keep the file only if the behaviour is still there.

release(merged, Path("heart.Q4_K_M.gguf"), "Q4_K_M", base=embedded_model())
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from services.bricks.adapters.base import MERGED, Base
from services.bricks.adapters.effect import QUESTIONS, Effect, measure
from services.bricks.adapters.gguf_file import GgufFile
from services.bricks.adapters.model import open_model, write_model
from services.bricks.adapters.quantise import quantise
from services.bricks.errors import BrickError
from services.engines.errors import AdapterMismatchError
from services.engines.torch_side import Say


def merged_into(path: Path) -> str | None:
    """Digest of the model that an adapter was merged into, if the file says that one was."""
    told = GgufFile.open(path).get(MERGED)
    return told if isinstance(told, str) else None


def release(
    merged: Path,
    target: Path,
    kind: str,
    *,
    base: Path,
    questions: Sequence[str] = QUESTIONS,
    threads: int = 1,
    say: Say | None = None,
) -> Effect:
    """Quantise, measure, and put the file in its place.

    Args:
        merged: a GGUF file that is not quantised, with an adapter merged into it.
        target: the file to write; it is not written if the behaviour is lost.
        kind: one of `services.bricks.adapters.quantise.KINDS`.
        base: the model that the adapter was merged into, in any form.
        questions: that the adapter's behaviour shows on.
        threads: of the CPU; more than there are free cores makes it slower.
        say: is told of each step.

    Raises:
        EffectLostError: quantising takes the behaviour away.
        AdapterMismatchError: the base is not the one that the file names.
        BrickError: a file cannot be used.
        EngineError: llama.cpp failed.
    """
    if merged_into(merged) != Base.of(base).digest:
        raise AdapterMismatchError(f"{merged.name} was not made of {base.name}.")
    kinds = {t.kind for t in GgufFile.open(merged).tensors.values()} - {"F32"}
    if len(kinds) > 1:
        raise BrickError(f"{merged.name} holds weights of several kinds: {', '.join(kinds)}.")
    with TemporaryDirectory(dir=target.parent, prefix=".release-") as folder:
        plain, made = Path(folder) / "base.gguf", Path(folder) / target.name
        write_model(open_model(base), plain, kinds.pop() if kinds else "F32")
        quantise(merged, made, kind, threads=threads, say=say)
        effect = measure(plain, merged, made, questions, threads=threads, say=say)
        effect.expect()
        made.replace(target)
    return effect
