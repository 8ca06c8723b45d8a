"""Write an adapter of random weights in PEFT's form, to measure vLLM with.

adapter = write_peft_adapter(model_folder, folder / "a", name="a", base=digest, seed=1)
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from services.engines.llama import file_digest
from services.engines.protocol import AdapterFile
from services.engines.vllm.shelf import CONFIG, WEIGHTS

MODULES = ("q_proj", "o_proj")
RANK = 8
STRENGTH = 0.02


def write_peft_adapter(
    model: Path, folder: Path, *, name: str, base: str, seed: int
) -> AdapterFile:
    """Write a LoRA adapter for queries and outputs of every layer of a llama model.

    Args:
        model: folder of the base, whose ``config.json`` says its shape.
        folder: to write.
        name: of the adapter.
        base: digest that it names.
        seed: another one gives another adapter.
    """
    shape = json.loads((model / "config.json").read_text())
    hidden, heads = shape["hidden_size"], shape["num_attention_heads"]
    wide = heads * shape.get("head_dim", hidden // heads)
    sizes = {"q_proj": (hidden, wide), "o_proj": (wide, hidden)}
    random = np.random.default_rng(seed)
    tensors = {}
    for layer in range(shape["num_hidden_layers"]):
        for module, (into, out) in sizes.items():
            place = f"base_model.model.model.layers.{layer}.self_attn.{module}.lora_"
            down = random.normal(0, 1 / np.sqrt(into), (RANK, into))
            up = random.normal(0, STRENGTH, (out, RANK))
            tensors[f"{place}A.weight"] = down.astype(np.float32)
            tensors[f"{place}B.weight"] = up.astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / WEIGHTS)
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "bias": "none"}
    more = {"r": RANK, "lora_alpha": RANK, "target_modules": list(MODULES)}
    (folder / CONFIG).write_text(json.dumps({**config, **more}))
    return AdapterFile(name, folder, file_digest(folder / WEIGHTS), base, RANK)
