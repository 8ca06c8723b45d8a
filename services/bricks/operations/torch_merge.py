"""Merge adapters with PEFT, in the environment with torch (`services.engines.torch_side`).

The request names the ``model``'s folder, the folders of ``adapters``, their ``weights``, PEFT's
``combination`` and its ``density``, the ``rank`` of the result, a ``seed`` and the folder ``out``.
All combinations work on the products B·A and are cut back to the rank by their singular values:
PEFT's own ``linear`` adds A and B apart, and its cross terms are in no adapter.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from services.bricks.errors import BrickError
from services.engines.torch_side import Say, answer

MERGED = "merged"
"""Name of the merged adapter inside PEFT."""


def merge(request: dict[str, Any], say: Say) -> dict[str, Any]:
    """Merge and save.

    Raises:
        BrickError: PEFT cannot merge them.
    """
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    torch.manual_seed(request["seed"])
    torch.set_num_threads(1)
    folder, out = Path(request["model"]), Path(request["out"])
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    names = [f"a{number}" for number in range(len(request["adapters"]))]
    say("loading adapters")
    worn = PeftModel.from_pretrained(model, request["adapters"][0], adapter_name=names[0])
    for name, place in zip(names[1:], request["adapters"][1:], strict=True):
        worn.load_adapter(place, adapter_name=name)
    say("merging the products")
    try:
        worn.add_weighted_adapter(
            names,
            request["weights"],
            MERGED,
            combination_type=request["combination"],
            svd_rank=request["rank"],
            svd_full_matrices=False,
            density=request["density"],
        )
    except (ValueError, RuntimeError) as error:
        raise BrickError(f"They cannot be merged: {str(error).splitlines()[0]}") from None
    for name, weight in worn.named_parameters():
        if f".{MERGED}." in name:
            weight.data = weight.data.half()
    worn.save_pretrained(str(out), selected_adapters=[MERGED])
    for path in (out / MERGED).iterdir():  # PEFT makes a folder of the adapter's name
        shutil.move(path, out / path.name)
    return {}


if __name__ == "__main__":
    answer(merge)
