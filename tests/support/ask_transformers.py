"""Asks models by Transformers and PEFT; runs in the environment that has torch."""

from __future__ import annotations

from typing import Any

from services.engines.torch_side import Say, answer


def ask(request: dict[str, Any], _say: Say) -> dict[str, Any]:
    """Answers of a model with each adapter, and last logits of another one without and with one."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    words = AutoTokenizer.from_pretrained(request["model"])
    model = AutoModelForCausalLM.from_pretrained(request["model"], dtype=torch.float32)
    said: dict[str, list[str]] = {}
    for name, folder in request["adapters"].items():
        held = PeftModel.from_pretrained(model, folder)
        said[name] = [_answer(held, words, question) for question in request["questions"]]
        model = held.unload()
    ids = torch.tensor([request["ids"]])
    with torch.no_grad():
        tiny = AutoModelForCausalLM.from_pretrained(request["tiny"], dtype=torch.float32)
        plain = tiny(ids).logits[0, -1].tolist()
        changed = PeftModel.from_pretrained(tiny, request["tiny_adapter"])(ids).logits[0, -1]
        long = AutoModelForCausalLM.from_pretrained(request["long"], dtype=torch.float32)
        stretched = long(ids).logits[0, -1].tolist()
    tokens = {text: words(text).input_ids for text in request["texts"]}
    return {
        "said": said,
        "plain": plain,
        "changed": changed.tolist(),
        "stretched": stretched,
        "tokens": tokens,
    }


def _answer(model: Any, words: Any, question: str) -> str:
    asked = words.apply_chat_template(
        [{"role": "user", "content": question}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    told = model.generate(**asked, max_new_tokens=6, do_sample=False)
    return str(words.decode(told[0, asked["input_ids"].shape[1] :]))


if __name__ == "__main__":
    answer(ask)
