"""A stand-in for a model that is not here: its shape with random weights, as a GGUF file.

How much memory a model takes and how quickly it runs depends on its shape and on the form of its
weights, not on their values. So both can be measured on a machine before gigabytes are fetched.
What it writes means nothing and is never shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, GGUFWriter, TokenType

from services.advisor.shape import Shape

Kind = GGMLQuantizationType
_SEED = 20261126
_SCALE = np.float16(0.002).tobytes()
_TILE = 4096
"""Blocks that are drawn; larger tensors repeat them."""
_BLOCKS: dict[Kind, tuple[int, int, tuple[int, ...]]] = {
    Kind.F16: (1, 2, ()),
    Kind.Q8_0: (32, 34, (0,)),
    Kind.Q4_0: (32, 18, (0,)),
    Kind.Q4_K: (256, 144, (0, 2)),
    Kind.Q5_K: (256, 176, (0, 2)),
    Kind.Q6_K: (256, 210, (208,)),
}
"""Weights of a block, its bytes, and where in it the half-precision scales stand."""
_PLAIN = {"F16": Kind.F16, "Q8_0": Kind.Q8_0, "Q4_0": Kind.Q4_0}
_MIXED = {"Q4_K_M": Kind.Q4_K, "Q5_K_M": Kind.Q5_K}
FORMS = (*_PLAIN, *_MIXED)
"""Forms of weights that a stand-in can have."""


def write_stand_in(path: Path, shape: Shape, form: str, context: int) -> None:
    """Write a file of the shape's size with random weights.

    Args:
        path: the file; it is overwritten.
        shape: of one feed-forward layer with three matrices (no mixture).
        form: one of FORMS; rows must be multiples of 256 for the K forms.
        context: tokens that the file says it was trained for.
    """
    writer = GGUFWriter(path, "llama")
    _describe(writer, shape, context)
    for name, rows, columns in _tensors(shape):
        kind = _kind(name, form, shape)
        writer.add_tensor(name, _weights(kind, rows, columns), raw_dtype=kind)
    for name in ("output_norm", *(f"blk.{i}.{n}_norm" for i in range(shape.layers) for n in _N)):
        writer.add_tensor(f"{name}.weight", np.ones(shape.width, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


_N = ("attn", "ffn")


def _describe(writer: GGUFWriter, shape: Shape, context: int) -> None:
    writer.add_name("stand-in")
    writer.add_context_length(context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head)
    writer.add_value_length(shape.head)
    writer.add_rope_dimension_count(shape.head)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([*_bytes(), *(f"w{i}" for i in range(shape.vocabulary - 256))])
    writer.add_token_types([TokenType.NORMAL] * shape.vocabulary)
    writer.add_token_merges(["w 0"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)


def _bytes() -> list[str]:
    """The 256 bytes as byte-level vocabularies spell them: visible ones stand for themselves."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = iter(range(0x100, 0x200))
    return [chr(byte if byte in visible else next(hidden)) for byte in range(256)]


def _tensors(shape: Shape) -> Iterator[tuple[str, int, int]]:
    """Name, rows and columns of every matrix."""
    out, kept = shape.heads * shape.head, shape.kv_heads * shape.head
    yield "token_embd.weight", shape.vocabulary, shape.width
    if not shape.tied:
        yield "output.weight", shape.vocabulary, shape.width
    for i in range(shape.layers):
        yield f"blk.{i}.attn_q.weight", out, shape.width
        yield f"blk.{i}.attn_k.weight", kept, shape.width
        yield f"blk.{i}.attn_v.weight", kept, shape.width
        yield f"blk.{i}.attn_output.weight", shape.width, out
        yield f"blk.{i}.ffn_gate.weight", shape.hidden, shape.width
        yield f"blk.{i}.ffn_up.weight", shape.hidden, shape.width
        yield f"blk.{i}.ffn_down.weight", shape.width, shape.hidden


def _kind(name: str, form: str, shape: Shape) -> Kind:
    """As llama.cpp mixes them: the K forms keep some tensors finer."""
    if form not in _MIXED:
        return _PLAIN[form]
    if name == "output.weight" or (shape.tied and name == "token_embd.weight"):
        return Kind.Q6_K
    half = name.startswith("blk.") and int(name.split(".")[1]) % 2 == 0
    fine = half and ("attn_v" in name or "ffn_down" in name)
    return Kind.Q6_K if fine else _MIXED[form]


def _weights(kind: Kind, rows: int, columns: int) -> npt.NDArray[np.uint8]:
    weights, size, scales = _BLOCKS[kind]
    blocks = columns // weights
    random = np.random.default_rng(_SEED)
    if kind == Kind.F16:
        drawn = random.normal(0, 0.02, _TILE).astype(np.float16).view(np.uint8)
    else:
        tile = random.integers(0, 256, (_TILE, size), np.uint8)
        for at in scales:
            tile[:, at : at + 2] = np.frombuffer(_SCALE, np.uint8)
        drawn = tile.reshape(-1)
    return np.resize(drawn, (rows, blocks * size))
