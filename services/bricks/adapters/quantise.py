"""Quantise a model by llama.cpp, in a process of its own: what it cannot read may end it.

quantise(Path("merged.gguf"), Path("merged.Q4_K_M.gguf"), "Q4_K_M")
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Any

from services.bricks.adapters.gguf_file import GgufFile
from services.bricks.adapters.tensors import STORED
from services.bricks.errors import BrickError
from services.engines.torch_side import Say, answer, run_module

KINDS = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_1", "Q4_0")
"""From the most exact to the smallest."""


def quantise(
    source: Path, target: Path, kind: str, *, threads: int = 2, say: Say | None = None
) -> None:
    """Write a quantised model; what stood at ``target`` stays until the new one is whole.

    Args:
        source: a GGUF file whose matrices are not quantised.
        target: the file to write.
        kind: one of `KINDS`.
        threads: of the CPU.
        say: is told of each hundredth part.

    Raises:
        BrickError: the kind is not known, or the source is quantised already.
        EngineError: llama.cpp could not do it.
    """
    if kind not in KINDS:
        raise BrickError(f"There is no kind {kind}; there are {', '.join(KINDS)}.")
    held = GgufFile.open(source)
    if odd := sorted({t.kind for t in held.tensors.values()} - set(STORED)):
        raise BrickError(
            f"{source.name} is quantised already ({', '.join(odd)}).",
            remedy="Convert it to BF16 first: `caretier bricks convert`. What was lost stays lost.",
        )
    made = target.with_name(target.name + ".part")
    request = {"source": str(source), "target": str(made), "kind": kind, "threads": threads}
    try:
        run_module(__name__, request, python=Path(sys.executable), say=say, refused=BrickError)
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)


def _work(request: dict[str, Any], say: Say) -> dict[str, Any]:
    import llama_cpp

    def told(_level: int, text: bytes, _data: ctypes.c_void_p) -> None:
        line = text.decode(errors="replace").strip()
        if line.startswith("["):  # "[  12/ 272] blk.0.attn_q.weight - …"
            say(line.partition("]")[0].strip("[ ").replace(" ", "").replace("/", " of "))

    heard = llama_cpp.llama_log_callback(told)  # kept: llama.cpp calls it until the end
    llama_cpp.llama_log_set(heard, None)
    how = llama_cpp.llama_model_quantize_default_params()
    how.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{request['kind']}")
    how.nthread = request["threads"]
    failed = llama_cpp.llama_model_quantize(
        request["source"].encode(), request["target"].encode(), how
    )
    if failed:
        raise BrickError("llama.cpp could not quantise the model.")
    return {"bytes": Path(request["target"]).stat().st_size}


if __name__ == "__main__":
    answer(_work)
