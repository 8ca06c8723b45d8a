"""A llama model of a few kilobytes with random weights, in Transformers' form."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from services.bricks.adapters.adapter import Adapter, Pair
from services.bricks.adapters.base import Base
from services.bricks.adapters.llama_names import PROJECTIONS
from services.bricks.adapters.safetensors_file import write_safetensors
from services.bricks.adapters.tensors import Tensor

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": 2,
    "max_position_embeddings": 128,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "hidden_act": "silu",
}
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def make_tokenizer(folder: Path) -> int:
    """Write a byte-level tokenizer with two merges; returns how many words it has."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*SPECIAL, *letters, "Ġt", "Ġth"]
    model = models.BPE(
        {word: i for i, word in enumerate(words)}, [("Ġ", "t"), ("Ġt", "h")], ignore_merges=False
    )
    made = Tokenizer(model)
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(w, special=True, normalized=False) for w in SPECIAL])
    made.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": SPECIAL[1],
        "eos_token": {"__type": "AddedToken", "content": SPECIAL[2]},
        "unk_token": SPECIAL[0],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return len(words)


def make_model(folder: Path, kind: str = "BF16", **changed: object) -> Path:
    """Write the model; ``changed`` are other values of its configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    words = make_tokenizer(folder)
    config = CONFIG | {"vocab_size": words} | changed
    (folder / "config.json").write_text(json.dumps(config))
    numbers = np.random.default_rng(7)

    def random(*shape: int) -> Tensor:
        return Tensor.of(numbers.normal(0, 0.3, shape).astype(np.float32), kind)

    weights = {"model.embed_tokens.weight": random(words, 64), "model.norm.weight": random(64)}
    for layer in range(2):
        place = f"model.layers.{layer}"
        for projection, (part, _) in PROJECTIONS.items():
            weights[f"{place}.{part}.{projection}.weight"] = random(*SHAPES[projection])
        for norm in ("input_layernorm", "post_attention_layernorm"):
            weights[f"{place}.{norm}.weight"] = random(64)
    write_safetensors(folder / "model.safetensors", weights)
    return folder


SHAPES = {
    "q_proj": (64, 64),
    "k_proj": (32, 64),
    "v_proj": (32, 64),
    "o_proj": (64, 64),
    "gate_proj": (96, 64),
    "up_proj": (96, 64),
    "down_proj": (64, 96),
}


def make_adapter(base: Base, kind: str = "F32", rank: int = 4, seed: int = 3) -> Adapter:
    """A random adapter on all seven projections of each layer."""
    numbers = np.random.default_rng(seed)

    def random(*shape: int) -> Tensor:
        return Tensor.of(numbers.normal(0, 0.3, shape).astype(np.float32), kind)

    parts = {}
    for layer in range(base.layers):
        for projection in PROJECTIONS:
            rows, columns = base.shape(projection)
            parts[layer, projection] = Pair(down=random(rank, columns), up=random(rows, rank))
    return Adapter(base.digest, rank, 8.0, parts)
