"""Adapters in PEFT's form: ``adapter_config.json`` and ``adapter_model.safetensors``."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from services.bricks.adapters.adapter import Adapter, assemble
from services.bricks.adapters.base import named_base, read_json, write_note
from services.bricks.adapters.llama_names import PROJECTIONS
from services.bricks.adapters.safetensors_file import read_safetensors, write_safetensors
from services.bricks.errors import BrickError

CONFIG = "adapter_config.json"
"""PEFT's file with rank, scale and target modules."""
WEIGHTS = "adapter_model.safetensors"
"""PEFT's file of the two factors of every module; nothing pickled is opened."""
_NAME = re.compile(
    r"base_model\.model\.model\.layers\.(\d{1,4})\.(?:self_attn|mlp)\.(\w+)\.lora_([AB])\.weight"
)
_REFUSED = (
    "use_dora",
    "lora_bias",
    "modules_to_save",
    "rank_pattern",
    "alpha_pattern",
    "layer_replication",
    "trainable_token_indices",
    "target_parameters",
    "fan_in_fan_out",
    "alora_invocation_tokens",
)
"""Settings that change more than one low-rank product, which the other format cannot say."""


def read_peft(folder: Path) -> Adapter:
    """Read an adapter.

    Raises:
        BrickDamagedError: the weights are no whole safetensors file.
        BrickError: it is no plain LoRA adapter of a llama model, or holds a pickle instead.
    """
    config = read_json(folder / CONFIG)
    if config.get("peft_type") != "LORA" or config.get("bias", "none") != "none":
        raise BrickError(f"{folder.name} is no plain LoRA adapter.")
    if used := [key for key in _REFUSED if config.get(key)]:
        raise BrickError(f"{folder.name} uses {', '.join(used)}, which GGUF has no place for.")
    if not (folder / WEIGHTS).is_file():
        raise BrickError(f"{folder.name} has no {WEIGHTS}; pickled weights are never opened.")
    factors = {}
    for name, tensor in read_safetensors(folder / WEIGHTS).items():
        match = _NAME.fullmatch(name)
        if match is None:
            raise BrickError(f"{folder.name}: {name[:120]} is no part of a llama model's layer.")
        factors[int(match[1]), match[2], match[3].lower()] = tensor
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if not isinstance(rank, int) or not isinstance(alpha, int | float) or rank < 1:
        raise BrickError(f"{folder.name}: {CONFIG} does not say rank and alpha.")
    adapter = assemble(named_base(folder), _effective(config, float(alpha), rank), factors)
    if adapter.rank != rank:
        raise BrickError(f"{folder.name}: {CONFIG} says rank {rank}, the weights {adapter.rank}.")
    return adapter


def _effective(config: dict[str, Any], alpha: float, rank: int) -> float:
    """The alpha that gives the same strength as ``alpha / rank``."""
    return alpha * math.sqrt(rank) if config.get("use_rslora") else alpha


def write_peft(adapter: Adapter, folder: Path) -> None:
    """Write an adapter, with its base model's digest beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for (layer, projection), pair in adapter.parts.items():
        part = PROJECTIONS[projection][0]
        place = f"base_model.model.model.layers.{layer}.{part}.{projection}"
        tensors[f"{place}.lora_A.weight"] = pair.down
        tensors[f"{place}.lora_B.weight"] = pair.up
    layers = sorted({layer for layer, _ in adapter.parts})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": None,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted({projection for _, projection in adapter.parts}),
        "layers_to_transform": layers,
        "inference_mode": True,
    }
    write_safetensors(folder / WEIGHTS, tensors)
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    if adapter.base is not None:
        write_note(folder, adapter.base)
