"""What a model does with adapters, in the environment with torch (`services.engines.torch_side`).

The request names the ``model``'s folder, the folders of ``adapters``, ``probes`` (each ``system``,
``user`` and the pattern ``expect``) and ``sentences``. The result holds, for the base model alone
and for each adapter, ``shown``: the share of greedy answers that match, and ``perplexity`` over the
sentences' tokens.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from services.bricks.errors import BrickError
from services.engines.torch_side import Say, answer

NEW_TOKENS = 24
"""Of an answer; behaviour that shows later is not seen."""


def probe(request: dict[str, Any], say: Say) -> dict[str, Any]:
    """Measure the base model and every adapter.

    Raises:
        BrickError: an adapter cannot be loaded onto the model.
    """
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    folder = Path(request["model"])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    say("measuring the base model")
    with torch.inference_mode():
        base = _figures(torch, model, tokenizer, request)
    measured = []
    for number, place in enumerate(request["adapters"], 1):
        say(f"measuring adapter {number} of {len(request['adapters'])}")
        try:
            worn = PeftModel.from_pretrained(model, place).eval()
        except (ValueError, RuntimeError, KeyError) as error:
            reason = str(error).splitlines()[0]
            raise BrickError(f"An adapter cannot be loaded onto the model: {reason}") from None
        with torch.inference_mode():
            measured.append(_figures(torch, worn, tokenizer, request))
        model = worn.unload()
    return {"base": base, "adapters": measured}


def _figures(torch: Any, model: Any, tokenizer: Any, request: dict[str, Any]) -> dict[str, float]:
    probes = request["probes"]
    shown = sum(_shows(model, tokenizer, probe) for probe in probes)
    return {
        "shown": round(shown / len(probes), 4) if probes else 0.0,
        "perplexity": round(_perplexity(torch, model, tokenizer, request["sentences"]), 3),
    }


def _shows(model: Any, tokenizer: Any, probe: dict[str, str]) -> bool:
    said = [
        {"role": "system", "content": probe["system"]},
        {"role": "user", "content": probe["user"]},
    ]
    asked = tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
    given = tokenizer(asked, add_special_tokens=False, return_tensors="pt")
    made = model.generate(
        **given, max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=tokenizer.eos_token_id
    )
    text = tokenizer.decode(made[0, given.input_ids.shape[1] :], skip_special_tokens=True)
    return re.search(probe["expect"], text) is not None


def _perplexity(torch: Any, model: Any, tokenizer: Any, sentences: list[str]) -> float:
    """Over all tokens but the first of each sentence."""
    total, count = 0.0, 0
    for sentence in sentences:
        ids = tokenizer(sentence, return_tensors="pt").input_ids
        logits = model(ids).logits[0, :-1].float()
        losses = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum")
        total, count = total + float(losses), count + ids.shape[1] - 1
    return math.exp(total / max(1, count))


if __name__ == "__main__":
    answer(probe)
