"""A llama model in llama.cpp's form, whatever form its files have.

    write_model(open_model(folder), Path("model.gguf"), "BF16")
    write_model(with_adapter(open_model(base), adapter), Path("merged.gguf"), "BF16")

Weights are made one by one as they are written, so a model need not fit into memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gguf import GGUFValueType, LlamaFileType

from services.bricks.adapters.adapter import Adapter
from services.bricks.adapters.base import FIELD, MERGED, Base, read_json
from services.bricks.adapters.errors import reading
from services.bricks.adapters.gguf_file import Field, GgufFile, write_gguf
from services.bricks.adapters.llama_config import header_of
from services.bricks.adapters.llama_names import (
    PROJECTIONS,
    gguf_name,
    gguf_order,
    projection_of,
    transformers_name,
)
from services.bricks.adapters.rope import WEIGHT, stretch_of
from services.bricks.adapters.safetensors_file import read_safetensors
from services.bricks.adapters.tensors import STORED, Floats, Promise, Tensor
from services.bricks.adapters.tokenizer_files import tokenizer_fields
from services.bricks.errors import BrickError

_FILE_TYPE = {
    "F32": LlamaFileType.ALL_F32,
    "F16": LlamaFileType.MOSTLY_F16,
    "BF16": LlamaFileType.MOSTLY_BF16,
}
_MATRIX = 2
_LAYER = (*(short for _, short in PROJECTIONS.values()), "attn_norm", "ffn_norm")


@dataclass(frozen=True)
class Model:
    """A model that can be written.

    Attributes:
        base: what it is, or was made of.
        fields: of its header, with the tokenizer.
        weights: by llama.cpp's names, in llama.cpp's order of rows.
        adapters: merged into the weights as they are written.
    """

    base: Base
    fields: dict[str, Field]
    weights: dict[str, Tensor]
    adapters: tuple[Adapter, ...] = ()

    def written(self, kind: str) -> dict[str, Tensor | Promise]:
        """Its weights as they are to be written: matrices of one kind, all else in 32 bits."""
        told: dict[str, Tensor | Promise] = {}
        for name, tensor in self.weights.items():
            wanted = kind if len(tensor.shape) == _MATRIX else "F32"
            told[name] = Promise(wanted, tensor.shape, partial(self._number, name, wanted))
        return told

    def _number(self, name: str, kind: str) -> Tensor:
        tensor = self.weights[name]
        added = [d for d in (self._delta(name, a) for a in self.adapters) if d is not None]
        if tensor.kind == kind and not added:
            return tensor
        return Tensor.of(sum(added, tensor.floats()), kind)

    def _delta(self, name: str, adapter: Adapter) -> Floats | None:
        theirs = transformers_name(name) or ""
        projection = projection_of(theirs)
        if projection is None:
            return None
        delta = adapter.delta(int(name.split(".")[1]), projection)
        heads = self.base.heads.of(projection)
        return delta[gguf_order(len(delta), heads)] if delta is not None and heads else delta


def open_model(path: Path) -> Model:
    """Open a GGUF file or a folder in Transformers' form.

    Raises:
        BrickDamagedError: a file is not whole.
        BrickError: it is no llama model, or uses something that is not converted.
    """
    base = Base.of(path)
    if path.is_file():
        held = GgufFile.open(path)
        return Model(base, held.fields, held.tensors)
    with reading(path):
        return _open_folder(path, base)


def _open_folder(path: Path, base: Base) -> Model:
    config = read_json(path / "config.json")
    fields = header_of(config, path.name)
    weights = _weights_of(path, base)
    stretch = stretch_of(config, path.name)
    if stretch is not None:
        divisors = stretch.divisors(base.head, fields["llama.rope.freq_base"].value)
        weights[WEIGHT] = Tensor.of(divisors, "F32")
    if not config.get("tie_word_embeddings", False) and "output.weight" not in weights:
        raise BrickError(f"{path.name} has no output weights, and does not use its embedding.")
    rows = weights["token_embd.weight"].shape[0]
    return Model(base, fields | tokenizer_fields(path, rows), weights)


def _weights_of(folder: Path, base: Base) -> dict[str, Tensor]:
    weights = {}
    for path in sorted(folder.glob("*.safetensors")):
        for theirs, tensor in read_safetensors(path).items():
            name = gguf_name(theirs)
            if name is None:
                raise BrickError(f"{folder.name} has a weight {theirs[:80]}: it is not converted.")
            heads = base.heads.of(projection_of(theirs) or "")
            weights[name] = tensor.rows(gguf_order(tensor.shape[0], heads)) if heads else tensor
    complete(folder.name, base, weights)
    return weights


def complete(name: str, base: Base, weights: dict[str, Tensor]) -> None:
    """Refuse a model that lacks a layer's weight, or has one of a wrong shape.

    Args:
        name: of the model, for the message.
        base: its numbers.
        weights: by llama.cpp's names.

    Raises:
        BrickError: naming the weight.
    """
    if "token_embd.weight" not in weights or "output_norm.weight" not in weights:
        raise BrickError(f"{name} has no embedding or no last norm.")
    for layer in range(base.layers):
        for part in _LAYER:
            if f"blk.{layer}.{part}.weight" not in weights:
                raise BrickError(f"{name} has no {part} in layer {layer}.")
    for place, tensor in weights.items():
        projection = projection_of(transformers_name(place) or "")
        if projection and tensor.shape != base.shape(projection):
            raise BrickError(f"{name}: {place} has the shape {tensor.shape}.")


def with_adapter(model: Model, adapter: Adapter, *, right: bool = False) -> Model:
    """The model with an adapter merged into its weights; it is then a model of its own.

    Raises:
        AdapterMismatchError: the adapter was trained on another model.
    """
    adapter.check(model.base, right=right)
    return replace(model, adapters=(*model.adapters, adapter))


def write_model(model: Model, path: Path, kind: str) -> None:
    """Write a GGUF file whose matrices are ``F32``, ``F16`` or ``BF16``.

    Raises:
        BrickError: it is to be another kind; `services.bricks.adapters.quantise` makes those.
    """
    if kind not in STORED:
        raise BrickError(f"Weights are written as {', '.join(STORED)}; {kind} is made of those.")
    number = GGUFValueType.UINT32
    fields = model.fields | {"general.file_type": Field(int(_FILE_TYPE[kind]), number)}
    fields.pop(FIELD, None)
    said = MERGED if model.adapters else FIELD
    fields[said] = Field(model.base.digest, GGUFValueType.STRING)
    write_gguf(path, fields, model.written(kind))
