"""Unpack a GGUF model into the folder that Transformers and vLLM read, without torch.

    python -m services.bricks.adapters.unpack                 # the embedded model, for the hospital
    python -m services.bricks.adapters.unpack FILE FOLDER     # any llama model

The folder carries the digest of the file it came from, so that an adapter trained on it is known to
fit the file.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.bricks.adapters.base import Base, named_base, write_note
from services.bricks.adapters.errors import reading
from services.bricks.adapters.gguf_file import GgufFile
from services.bricks.adapters.llama_config import config_of
from services.bricks.adapters.llama_names import (
    Heads,
    gguf_name,
    projection_of,
    transformers_name,
    transformers_order,
)
from services.bricks.adapters.model import complete
from services.bricks.adapters.rope import WEIGHT
from services.bricks.adapters.safetensors_file import write_safetensors
from services.bricks.adapters.tensors import STORED, Tensor
from services.bricks.adapters.tokenizer_files import write_tokenizer
from services.bricks.errors import BrickError
from services.engines.settings import embedded_model, models_folder

EMBEDDED = "smollm2-135m-instruct"
"""Folder of the embedded model in Transformers' form, in the models' folder."""
_TORCH = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def unpack(path: Path, folder: Path) -> None:
    """Write the model's folder; what stood there stays until the new one is whole.

    Quantised weights become bfloat16; plain ones keep their kind.

    Raises:
        BrickError: the file is no llama model, or holds something that is not converted.
    """
    with reading(path):
        held, base = GgufFile.open(path), Base.of(path)
        weights, config = _parts(held, base)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".unpack-") as place:
        made = Path(place) / folder.name
        made.mkdir()
        with reading(path):
            write_tokenizer(held, made)
        write_safetensors(made / "model.safetensors", weights)
        (made / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
        ids = {key: config[key] for key in config if key.endswith("_token_id")}
        (made / "generation_config.json").write_text(json.dumps(ids) + "\n", "utf-8")
        write_note(made, base.digest)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


def _parts(held: GgufFile, base: Base) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights and configuration in Transformers' form."""
    embedding = held.tensors.get("token_embd.weight")
    if embedding is None:
        raise BrickError(f"{held.path.name} has no embedding.")
    first = held.tensors.get("blk.0.ffn_down.weight", embedding).kind
    kind = first if first in STORED else "BF16"
    weights = model_weights(held, base.heads, kind)
    complete(held.path.name, base, {str(gguf_name(name)): t for name, t in weights.items()})
    tied = "lm_head.weight" not in weights
    return weights, config_of(held, embedding.shape[0], _TORCH[kind], tied=tied)


def model_weights(held: GgufFile, heads: Heads, kind: str) -> dict[str, Tensor]:
    """A model's weights by Transformers' names, in Transformers' order of rows.

    Raises:
        BrickError: there is a weight that a llama model does not have.
    """
    weights = {}
    for short, tensor in held.tensors.items():
        if short == WEIGHT:
            continue  # said in the configuration
        name = transformers_name(short)
        if name is None:
            raise BrickError(f"{held.path.name} has a weight {short[:80]}: it is not converted.")
        count = heads.of(projection_of(name) or "")
        plain = tensor if tensor.kind == kind else Tensor.of(tensor.floats(), kind)
        weights[name] = plain.rows(transformers_order(plain.shape[0], count)) if count else plain
    return weights


def unpack_embedded() -> Path:
    """Unpack the embedded model where vLLM is to find it, if that has not been done already."""
    path, folder = embedded_model(), models_folder() / EMBEDDED
    if not (folder / "config.json").is_file() or named_base(folder) != Base.of(path).digest:
        unpack(path, folder)
    return folder


if __name__ == "__main__":
    if len(sys.argv) == 3:  # noqa: PLR2004
        unpack(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        sys.stdout.write(f"{unpack_embedded()}\n")
