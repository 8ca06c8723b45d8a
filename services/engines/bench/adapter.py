"""Write an adapter of random weights, to measure with: it says nothing sensible, only differently.

adapter = write_adapter(embedded_model(), folder / "a.gguf", name="a", seed=1)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from services.engines.llama import file_digest
from services.engines.llama.header import read_header
from services.engines.protocol import AdapterFile

MODULES = ("attn_q", "attn_v")
STRENGTH = 0.3


def write_adapter(
    model: Path, path: Path, *, name: str, seed: int, rank: int = 4, strength: float = STRENGTH
) -> AdapterFile:
    """Write a LoRA adapter for queries and values of every layer of a GGUF model.

    Args:
        model: the base.
        path: the GGUF file to write.
        name: of the adapter.
        seed: another one gives another adapter.
        rank: of its matrices.
        strength: how far it moves the model; 0 leaves it as it is.
    """
    import gguf

    header, random = read_header(model), np.random.default_rng(seed)
    writer = gguf.GGUFWriter(str(path), str(header.fields["general.architecture"]))
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    for tensor, shape in header.tensors.items():
        if not tensor.endswith(tuple(f".{module}.weight" for module in MODULES)):
            continue
        into, out = shape
        first = random.normal(0, strength / np.sqrt(into), (rank, into))
        writer.add_tensor(f"{tensor}.lora_a", first.astype(np.float32))
        second = random.normal(0, strength, (out, rank))
        writer.add_tensor(f"{tensor}.lora_b", second.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return AdapterFile(name, path, file_digest(path), file_digest(model), rank)
