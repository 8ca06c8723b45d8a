"""What the weights of a llama model are called in the two formats, and how heads are laid out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

PROJECTIONS = {
    "q_proj": ("self_attn", "attn_q"),
    "k_proj": ("self_attn", "attn_k"),
    "v_proj": ("self_attn", "attn_v"),
    "o_proj": ("self_attn", "attn_output"),
    "gate_proj": ("mlp", "ffn_gate"),
    "up_proj": ("mlp", "ffn_up"),
    "down_proj": ("mlp", "ffn_down"),
}
"""The seven projections of a layer: Transformers' name, its part of the layer, llama.cpp's name."""
_BY_GGUF = {short: name for name, (_, short) in PROJECTIONS.items()}
_LAYER_HF = re.compile(r"model\.layers\.(\d{1,4})\.(.+)\.weight")
_LAYER_GGUF = re.compile(r"blk\.(\d{1,4})\.(.+)\.weight")
_NORMS = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
_WHOLE = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_WHOLE_BACK = {short: name for name, short in _WHOLE.items()}
_PARTS = {f"{part}.{name}": short for name, (part, short) in PROJECTIONS.items()} | _NORMS
_PARTS_BACK = {short: name for name, short in _PARTS.items()}


@dataclass(frozen=True)
class Heads:
    """Attention heads of a model: of the queries, and of keys and values."""

    queries: int
    keys: int

    def of(self, projection: str) -> int | None:
        """How many heads a projection's rows are laid out in, if their order differs."""
        return {"q_proj": self.queries, "k_proj": self.keys}.get(projection)


def gguf_order(rows: int, heads: int) -> npt.NDArray[np.intp]:
    """Where each row of llama.cpp's layout stands in that of Transformers.

    Rotary embedding turns pairs of numbers. Transformers keeps a head's first halves of all pairs
    before the second halves; llama.cpp keeps each pair side by side.
    """
    return np.arange(rows).reshape(heads, 2, -1).swapaxes(1, 2).ravel()


def transformers_order(rows: int, heads: int) -> npt.NDArray[np.intp]:
    """The way back from `gguf_order`."""
    return np.argsort(gguf_order(rows, heads))


def gguf_name(name: str) -> str | None:
    """llama.cpp's name of a weight by Transformers' name; None if there is no such weight."""
    if match := _LAYER_HF.fullmatch(name):
        part = _PARTS.get(match[2])
        return f"blk.{int(match[1])}.{part}.weight" if part else None
    return _WHOLE.get(name)


def transformers_name(name: str) -> str | None:
    """The way back from `gguf_name`."""
    if match := _LAYER_GGUF.fullmatch(name):
        part = _PARTS_BACK.get(match[2])
        return f"model.layers.{int(match[1])}.{part}.weight" if part else None
    return _WHOLE_BACK.get(name)


def projection_of(name: str) -> str | None:
    """The projection that a weight belongs to, by Transformers' name of the weight."""
    match = _LAYER_HF.fullmatch(name)
    last = match[2].rpartition(".")[2] if match else ""
    return last if last in PROJECTIONS else None
