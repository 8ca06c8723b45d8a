"""A llama model's numbers: a GGUF header's fields, and Transformers' ``config.json``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from gguf import GGUFValueType

from services.bricks.adapters.gguf_file import Field, GgufFile
from services.bricks.adapters.rope import WEIGHT, stretch_from
from services.bricks.errors import BrickError

_COUNT, _FLOAT, _TEXT = GGUFValueType.UINT32, GGUFValueType.FLOAT32, GGUFValueType.STRING
_COUNTS = {
    "block_count": "num_hidden_layers",
    "context_length": "max_position_embeddings",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "vocab_size": "vocab_size",
}
_EPSILON = "attention.layer_norm_rms_epsilon"
_TURN = "rope.freq_base"
_USUAL_TURN = 10_000.0


def header_of(config: dict[str, Any], name: str) -> dict[str, Field]:
    """The header's fields of a model by its ``config.json``.

    Raises:
        BrickError: it uses something that is not converted here: another activation, or biases.
    """
    told = dict(config)
    told.setdefault("num_key_value_heads", told.get("num_attention_heads"))
    rope = told.get("rope_parameters") or told.get("rope_scaling") or {}
    odd = [key for key in ("attention_bias", "mlp_bias") if told.get(key)]
    if told.get("hidden_act", "silu") != "silu":
        odd.append(f"activation {told['hidden_act']}")
    if odd:
        raise BrickError(f"{name} uses {', '.join(odd)}: it is not converted.")
    fields = {
        "general.architecture": Field("llama", _TEXT),
        "general.type": Field("model", _TEXT),
        "general.name": Field(name, _TEXT),
    }
    for key, theirs in _COUNTS.items():
        if not isinstance(told.get(theirs), int) or told[theirs] < 1:
            raise BrickError(f"{name}: config.json does not say {theirs}.")
        fields[f"llama.{key}"] = Field(told[theirs], _COUNT)
    head = told.get("head_dim") or told["hidden_size"] // told["num_attention_heads"]
    fields["llama.rope.dimension_count"] = Field(head, _COUNT)
    if head * told["num_attention_heads"] != told["hidden_size"]:
        fields |= {f"llama.attention.{k}_length": Field(head, _COUNT) for k in ("key", "value")}
    turn = rope.get("rope_theta") or told.get("rope_theta") or _USUAL_TURN
    fields[f"llama.{_TURN}"] = Field(float(turn), _FLOAT)
    fields[f"llama.{_EPSILON}"] = Field(float(told.get("rms_norm_eps", 1e-6)), _FLOAT)
    return fields


def config_of(held: GgufFile, rows: int, kind: str, *, tied: bool) -> dict[str, Any]:
    """``config.json`` of a model by its header.

    Args:
        held: the model's file.
        rows: of its embedding, that is words of its vocabulary.
        kind: of the numbers, as PyTorch names it.
        tied: the embedding is also the output.

    Raises:
        BrickError: the header lacks a number, or positions are scaled.
    """
    config: dict[str, Any] = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
    for key, theirs in _COUNTS.items():
        config[theirs] = held.get(f"llama.{key}")
    config["vocab_size"] = rows
    config["num_key_value_heads"] = config["num_key_value_heads"] or config["num_attention_heads"]
    if missing := [key for key, value in config.items() if not value]:
        raise BrickError(f"{held.path.name} does not say its {', '.join(missing)}.")
    head = held.get("llama.attention.key_length")
    config["head_dim"] = head or config["hidden_size"] // config["num_attention_heads"]
    turn = held.get(f"llama.{_TURN}", _USUAL_TURN)
    config |= {
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "rms_norm_eps": _short(held.get(f"llama.{_EPSILON}", 1e-6)),
        "rope_theta": _short(turn),
        "rope_parameters": {"rope_theta": _short(turn), "rope_type": "default"}
        | _stretched(held, config["head_dim"], _short(turn)),
        "tie_word_embeddings": tied,
        "dtype": kind,
        "use_cache": True,
    }
    for theirs, key in {"bos": "bos", "eos": "eos", "pad": "padding"}.items():
        config[f"{theirs}_token_id"] = held.get(f"tokenizer.ggml.{key}_token_id")
    return config


def _stretched(held: GgufFile, head: int, turn: float) -> dict[str, Any]:
    divisors = held.tensors.get(WEIGHT)
    if held.get("llama.rope.scaling.type", "none") == "none" and divisors is None:
        return {}
    found = stretch_from(divisors.floats(), head, turn) if divisors is not None else None
    if found is None:
        raise BrickError(f"{held.path.name} stretches its positions: it is not converted.")
    return asdict(found) | {"rope_type": "llama3"}


def _short(number: float) -> float:
    """The number as a person wrote it, before it was rounded to 32 bits."""
    return float(str(np.float32(number)))
