"""Adapters in llama.cpp's form: one GGUF file."""

from __future__ import annotations

import re
from pathlib import Path

from gguf import GGUFValueType

from services.bricks.adapters.adapter import Adapter, assemble
from services.bricks.adapters.base import FIELD, named_base
from services.bricks.adapters.gguf_file import Field, GgufFile, write_gguf
from services.bricks.adapters.llama_names import (
    PROJECTIONS,
    Heads,
    gguf_order,
    transformers_order,
)
from services.bricks.adapters.tensors import STORED
from services.bricks.errors import BrickError

_NAME = re.compile(r"blk\.(\d{1,4})\.(\w+)\.weight\.lora_([ab])")
_PROJECTION = {short: name for name, (_, short) in PROJECTIONS.items()}
_TEXT, _FLOAT = GGUFValueType.STRING, GGUFValueType.FLOAT32


def read_gguf_adapter(path: Path, heads: Heads) -> Adapter:
    """Read an adapter.

    Args:
        path: the file.
        heads: of the base model, whose rows the two formats order differently.

    Raises:
        BrickDamagedError: it is no whole GGUF file.
        BrickError: it is no adapter of a llama model, or one of another kind than LoRA.
    """
    held = GgufFile.open(path)
    kinds = [held.get(key) for key in ("general.type", "adapter.type", "general.architecture")]
    if kinds != ["adapter", "lora", "llama"]:
        raise BrickError(f"{path.name} is no LoRA adapter of a llama model: {kinds}.")
    factors = {}
    for name, tensor in held.tensors.items():
        match = _NAME.fullmatch(name)
        if match is None or match[2] not in _PROJECTION or tensor.kind not in STORED:
            raise BrickError(f"{path.name}: {name[:120]} is no part of a llama model's adapter.")
        projection = _PROJECTION[match[2]]
        count = heads.of(projection)
        if match[3] == "b" and count:
            rows = tensor.shape[0]
            if rows % (2 * count):
                raise BrickError(f"{path.name}: {name} does not fit {count} heads.")
            tensor = tensor.rows(transformers_order(rows, count))  # noqa: PLW2901
        factors[int(match[1]), projection, match[3]] = tensor
    alpha = held.get("adapter.lora.alpha")
    if not isinstance(alpha, float):
        raise BrickError(f"{path.name} does not say its alpha.")
    return assemble(named_base(path), alpha, factors)


def write_gguf_adapter(adapter: Adapter, heads: Heads, path: Path, name: str) -> None:
    """Write an adapter, with its base model's digest in the header.

    Args:
        adapter: what to write.
        heads: of the base model.
        path: the file.
        name: what it is called.
    """
    fields = {
        "general.architecture": Field("llama", _TEXT),
        "general.type": Field("adapter", _TEXT),
        "general.name": Field(name, _TEXT),
        "adapter.type": Field("lora", _TEXT),
        "adapter.lora.alpha": Field(adapter.alpha, _FLOAT),
    }
    if adapter.base is not None:
        fields[FIELD] = Field(adapter.base, _TEXT)
    tensors = {}
    for (layer, projection), pair in adapter.parts.items():
        place = f"blk.{layer}.{PROJECTIONS[projection][1]}.weight"
        count = heads.of(projection)
        up = pair.up.rows(gguf_order(pair.up.shape[0], count)) if count else pair.up
        tensors[f"{place}.lora_a"], tensors[f"{place}.lora_b"] = pair.down, up
    write_gguf(path, fields, tensors)
