"""Train a small adapter on examples, in the environment with torch (`services.engines.torch_side`).

    run_module("services.bricks.adapters.train", request, refused=BrickError)

The request names the base model's folder (``base``), the folder to write (``out``) and the
``examples`` (each ``system``, ``user``, ``answer``); `Recipe` holds the rest. Only the answers'
tokens are learned from. What is written is PEFT's own form, with the base model's digest beside.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.bricks.adapters.base import Base
from services.bricks.adapters.peft_folder import read_peft, write_peft
from services.bricks.errors import BrickError
from services.engines.torch_side import Say, answer

IGNORED = -100
"""The label of a token that is not learned from, as torch's cross-entropy counts it."""


@dataclass(frozen=True)
class Recipe:
    """How an adapter is trained.

    Attributes:
        rank, alpha: its width, and the strength ``alpha / rank`` with which it is added.
        modules: the projections it changes, in Transformers' names.
        layers: the numbers of the layers it changes; empty means all.
        steps, batch, rate: of AdamW with a linear warm-up over a tenth of the steps.
        seed: of weights and order; equal seeds give equal adapters on one machine.
        threads: of the CPU.
        tokens: of an example at most; a longer one is cut.
    """

    rank: int = 8
    alpha: float = 16.0
    modules: tuple[str, ...] = ("q_proj", "v_proj")
    layers: tuple[int, ...] = ()
    steps: int = 40
    batch: int = 8
    rate: float = 2e-3
    seed: int = 0
    threads: int = 1
    tokens: int = 256


def train(request: dict[str, Any], say: Say) -> dict[str, Any]:
    """Train and save an adapter; the result is its loss before and after, and its size in bytes.

    Raises:
        BrickError: the request names no examples, or a value is not one of a recipe's.
    """
    known = {f.name for f in fields(Recipe)}
    given: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in request["recipe"].items()
    }
    if unknown := sorted(set(given) - known):
        raise BrickError(f"A recipe has no {', '.join(unknown)}.")
    if not request["examples"]:
        raise BrickError("There are no examples to learn from.")
    recipe, out = Recipe(**given), Path(request["out"])
    base = Path(request["base"])
    with TemporaryDirectory() as folder:
        losses = _fit(base, Path(folder), recipe, request["examples"], say)
        # written anew: PEFT's own configuration names folders of this machine
        write_peft(replace(read_peft(Path(folder)), base=Base.of(base).digest), out)
    return {"loss": [losses[0], losses[-1]], "recipe": asdict(recipe)}


def _model(base: Path, recipe: Recipe) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    return get_peft_model(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
        LoraConfig(
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            target_modules=list(recipe.modules),
            layers_to_transform=list(recipe.layers) or None,
            lora_dropout=0.0,
            task_type="CAUSAL_LM",
        ),
    )


def _fit(
    base: Path, out: Path, recipe: Recipe, examples: list[dict[str, str]], say: Say
) -> list[float]:
    import torch
    from transformers import AutoTokenizer

    model, tokenizer = _model(base, recipe), AutoTokenizer.from_pretrained(base)
    rows = [row_of(tokenizer, example, recipe.tokens) for example in examples]
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=recipe.rate)
    losses = []
    for step in range(recipe.steps):
        picked = [rows[(step * recipe.batch + i) % len(rows)] for i in range(recipe.batch)]
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * min(1.0, (step + 1) / max(1, recipe.steps // 10))
        loss = model(**batch_of(torch, picked, tokenizer.pad_token_id or 0)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss))
        say(f"step {step + 1} of {recipe.steps}: loss {losses[-1]:.4f}")
    model.half().save_pretrained(out)
    return losses


def row_of(tokenizer: Any, example: dict[str, str], limit: int) -> tuple[list[int], list[int]]:
    """Tokens of a conversation and the labels: the answer's tokens alone."""
    turns = [{"role": role, "content": example[role]} for role in ("system", "user")]
    asked = tokenizer.apply_chat_template(
        [turn for turn in turns if turn["content"]], tokenize=False, add_generation_prompt=True
    )
    start = tokenizer(asked, add_special_tokens=False).input_ids
    told = tokenizer(example["answer"] + tokenizer.eos_token, add_special_tokens=False).input_ids
    return (start + told)[:limit], ([IGNORED] * len(start) + told)[:limit]


def batch_of(torch: Any, rows: list[tuple[list[int], list[int]]], padding: int) -> dict[str, Any]:
    """Rows filled up to the longest, as tensors that a model of Transformers takes."""
    longest = max(len(tokens) for tokens, _ in rows)

    def filled(values: list[int], fill: int) -> list[int]:
        return values + [fill] * (longest - len(values))

    return {
        "input_ids": torch.tensor([filled(tokens, padding) for tokens, _ in rows]),
        "labels": torch.tensor([filled(labels, IGNORED) for _, labels in rows]),
        "attention_mask": torch.tensor([filled([1] * len(tokens), 0) for tokens, _ in rows]),
    }


if __name__ == "__main__":
    answer(train)
