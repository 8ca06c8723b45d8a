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
from services.bricks.adapters.whole import written_whole
from services.bricks.errors import BrickError
from services.engines.torch_side import Say, answer, run_module

FILE_TYPES = {7: "Q8_0", 18: "Q6_K", 17: "Q5_K_M", 15: "Q4_K_M", 3: "Q4_1", 2: "Q4_0"}
"""``general.file_type`` of the kinds that are made here, from the most exact to the smallest."""
ERROR = 4
"""llama.cpp's level of a line that says what failed."""
KINDS = tuple(FILE_TYPES.values())
"""Forms that can be written, by llama.cpp's names."""


def quantise(
    source: Path, target: Path, kind: str, *, threads: int = 1, say: Say | None = None
) -> None:
    """Write a quantised model; what stood at ``target`` stays until the new one is whole.

    Args:
        source: a GGUF file whose matrices are not quantised.
        target: the file to write.
        kind: one of `KINDS`.
        threads: of the CPU; more than there are free cores makes it slower.
        say: is told of each weight.

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
    with written_whole(target) as made:
        request = {
            "source": str(source.resolve()),
            "target": str(made),
            "kind": kind,
            "threads": threads,
        }
        run_module(__name__, request, python=Path(sys.executable), say=say, refused=BrickError)


def _work(request: dict[str, Any], say: Say) -> dict[str, Any]:
    import llama_cpp

    last = ["no reason given"]

    def told(level: int, text: bytes, _data: ctypes.c_void_p) -> None:
        line = text.decode(errors="replace").strip()
        if level == ERROR and line:
            last.append(line)
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
        raise BrickError(
            f"llama.cpp could not quantise the model: {last[-1]}.",
            remedy="See that the disk has room, and that the model runs as it is.",
        )
    return {"bytes": Path(request["target"]).stat().st_size}


if __name__ == "__main__":
    answer(_work)
