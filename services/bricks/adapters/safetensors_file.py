"""Read and write safetensors files, bfloat16 included, without torch.

The library checks the header (its length, that each tensor's bytes lie in the file, none overlap
and none are left over); only then are the bytes mapped. There is no code in such a file, and a
pickle is refused as what it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, TensorSpec, safe_open, serialize_file

from services.bricks.adapters.tensors import STORED, Tensor
from services.bricks.adapters.whole import written_whole
from services.bricks.errors import BrickDamagedError, BrickError

_WRITTEN = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Tensors by name; their bytes are mapped, not read.

    Raises:
        BrickDamagedError: it is no safetensors file, or its header does not fit its length.
        BrickError: a tensor is of a type that is not used for weights here.
    """
    try:
        with safe_open(path, framework="np"):
            pass
    except (SafetensorError, OSError) as error:
        raise BrickDamagedError(f"{path.name} is no whole safetensors file: {error}.") from None
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    data = np.memmap(path, np.uint8, "r", 8 + length) if header else np.empty(0, np.uint8)
    tensors = {}
    for name, told in header.items():
        if told["dtype"] not in STORED:
            raise BrickError(f"{path.name}: {name} is of the type {told['dtype']}.")
        start, end = told["data_offsets"]
        raw = data[start:end].view(STORED[told["dtype"]]).reshape(told["shape"])
        tensors[name] = Tensor(told["dtype"], tuple(told["shape"]), raw)
    return tensors


def write_safetensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write plain tensors in the order of their names, so that equal ones give equal files.

    Raises:
        BrickNotWrittenError: there is no room for it.
    """
    kept = {name: np.ascontiguousarray(tensor.raw) for name, tensor in sorted(tensors.items())}
    specs = {
        name: TensorSpec(
            dtype=_WRITTEN[tensors[name].kind],
            shape=list(raw.shape),
            data_ptr=raw.ctypes.data,
            data_len=raw.nbytes,
        )
        for name, raw in kept.items()
    }
    with written_whole(path) as made:
        serialize_file(specs, made, {"format": "pt"})
