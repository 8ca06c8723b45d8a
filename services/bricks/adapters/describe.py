"""What a file or folder of weights is, as far as it can be told without running anything of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from services.bricks.adapters.base import MERGED, Base, folder_digest, named_base
from services.bricks.adapters.convert import is_adapter, read_adapter
from services.bricks.adapters.errors import reading
from services.bricks.adapters.gguf_file import GgufFile
from services.bricks.adapters.peft_folder import WEIGHTS, read_peft
from services.bricks.adapters.safetensors_file import read_safetensors
from services.bricks.adapters.tensors import Tensor
from services.bricks.errors import BrickError
from services.engines.digest import file_digest


def describe(path: Path, base: Path | None = None, *, right: bool = False) -> dict[str, Any]:
    """Look at every header, length and offset; with a base model, at whether an adapter fits it.

    Args:
        path: a GGUF file, or a folder in the form of Transformers or PEFT.
        base: the model that an adapter is to fit.
        right: the adapter names none, and a person says that this is it.

    Returns:
        What it is, in plain values: ``what``, ``form``, ``digest``, ``base``, ``bytes``,
        ``weights`` by kind, and of an adapter ``rank``, ``alpha``, ``projections``, ``layers``.

    Raises:
        BrickDamagedError: a file is not whole, or a length in it cannot be true.
        BrickError: it is no weights at all, or an adapter that cannot be used.
        AdapterMismatchError: the adapter belongs to another model.
    """
    with reading(path):
        return _described(path, base, right=right)


def _described(path: Path, base: Path | None, *, right: bool) -> dict[str, Any]:
    adapter = is_adapter(path)
    weights = _weights(path)
    told: dict[str, Any] = {
        "what": "adapter" if adapter else "model",
        "form": "gguf" if path.is_file() else "peft" if adapter else "transformers",
        "digest": _digest(path, adapter=adapter),
        "base": named_base(path),
        "bytes": sum(t.raw.nbytes for t in weights.values()),
        "weights": dict(Counter(t.kind for t in weights.values())),
    }
    if not adapter:
        return told | _of_model(path)
    if base is not None:
        model = Base.of(base)
        held = read_adapter(path, model, right=right)
        told |= {"base": model.digest, "fits": True}
    elif path.is_dir():
        held = read_peft(path)
    else:
        rows = {shape[0] for n, shape in _shapes(weights) if n.endswith("lora_a")}
        return told | {"rank": max(rows, default=0)}
    projections = sorted({projection for _, projection in held.parts})
    layers = sorted({layer for layer, _ in held.parts})
    return told | {
        "rank": held.rank,
        "alpha": held.alpha,
        "projections": projections,
        "layers": layers,
    }


def _digest(path: Path, *, adapter: bool) -> str:
    if path.is_file():
        return file_digest(path)
    return file_digest(path / WEIGHTS) if adapter else folder_digest(path)


def _shapes(weights: dict[str, Tensor]) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, tensor.shape) for name, tensor in weights.items()]


def _weights(path: Path) -> dict[str, Tensor]:
    if path.is_file():
        return GgufFile.open(path).tensors
    files = sorted(path.glob("*.safetensors"))
    if not files:
        raise BrickError(f"{path.name} holds no safetensors file; pickles are never opened.")
    return {name: t for file in files for name, t in read_safetensors(file).items()}


def _of_model(path: Path) -> dict[str, Any]:
    """Whether it can be converted, and of a merged one what it was merged into."""
    told: dict[str, Any] = {}
    if path.is_file():
        held = GgufFile.open(path)
        told["architecture"] = held.get("general.architecture")
        if MERGED in held.fields:
            told["merged_into"] = held.get(MERGED)
    try:
        told["layers"] = Base.of(path).layers
    except BrickError as error:
        return told | {"convertible": False, "why_not": error.message}
    return told | {"convertible": True}
