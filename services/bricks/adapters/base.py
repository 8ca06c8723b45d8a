"""Which model something was made of.

Every model has one digest: that of the file it was published as. What is made of it without
training (a folder unpacked of it, another quantisation) carries that digest along, and an adapter
names it; so an adapter for two engines is checked against one number.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.bricks.adapters.gguf_file import GgufFile
from services.bricks.adapters.llama_names import Heads
from services.bricks.errors import BrickError
from services.engines.digest import file_digest
from services.engines.errors import AdapterMismatchError

NOTE = "caretier-base.json"
"""Beside weights in Transformers' form: ``{"base": "sha256:…"}``."""
FIELD = "caretier.base"
"""The same in a GGUF file's header."""
MERGED = "caretier.merged-into"
"""In the header of a model of its own: digest of the base that an adapter was merged into."""
MAX_JSON = 64 * 1024 * 1024
"""Bytes of a configuration or tokenizer that is read."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Base:
    """A base model: its digest, its layers, and what its projections look like.

    Attributes:
        hidden: numbers that stand for a token between layers.
        inner: numbers inside a layer's feed-forward part.
        head: numbers of one attention head.
    """

    digest: str
    layers: int
    heads: Heads
    hidden: int
    inner: int
    head: int

    def shape(self, projection: str) -> tuple[int, int]:
        """Rows (out) and columns (in) of a projection."""
        wide, narrow = self.heads.queries * self.head, self.heads.keys * self.head
        return {
            "q_proj": (wide, self.hidden),
            "k_proj": (narrow, self.hidden),
            "v_proj": (narrow, self.hidden),
            "o_proj": (self.hidden, wide),
            "gate_proj": (self.inner, self.hidden),
            "up_proj": (self.inner, self.hidden),
            "down_proj": (self.hidden, self.inner),
        }[projection]

    def expect(self, digest: str | None, what: str) -> None:
        """Refuse what names another base model, or none.

        Raises:
            AdapterMismatchError: it does.
        """
        if digest is None:
            raise AdapterMismatchError(
                f"{what} does not say which model it was trained on.",
                remedy="If you know that it is this one, say so with --base-is-right.",
            )
        if digest != self.digest:
            raise AdapterMismatchError(f"{what} was trained on another model ({digest[:19]}…).")

    @classmethod
    def of(cls, path: Path) -> Base:
        """Read it of a GGUF file or of a folder in Transformers' form.

        Raises:
            BrickError: it is neither, or no llama model.
        """
        return _of_gguf(GgufFile.open(path)) if path.is_file() else _of_folder(path)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        BrickError: it is missing, too long or none.
    """
    try:
        if path.stat().st_size > MAX_JSON:
            raise BrickError(f"{path.name} is longer than {MAX_JSON} bytes.")
        held = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BrickError(f"There is no {path.name} in {path.parent.name}.") from None
    except (OSError, ValueError, RecursionError):
        raise BrickError(f"{path.name} cannot be read as JSON.") from None
    if not isinstance(held, dict):
        raise BrickError(f"{path.name} is no JSON object.")
    return held


def named_base(path: Path) -> str | None:
    """The base digest that a GGUF file or a folder states, if it does."""
    if path.is_file():
        told = GgufFile.open(path).get(FIELD)
    else:
        told = read_json(path / NOTE).get("base") if (path / NOTE).is_file() else None
    return told if isinstance(told, str) and _DIGEST.fullmatch(told) else None


def write_note(folder: Path, digest: str) -> None:
    """State the base beside weights in Transformers' form."""
    (folder / NOTE).write_text(json.dumps({"base": digest}) + "\n", encoding="utf-8")


def folder_digest(folder: Path) -> str:
    """SHA-256 over the digests of a folder's configuration and weights, by their names."""
    whole = hashlib.sha256()
    for path in sorted([*folder.glob("*config.json"), *folder.glob("*.safetensors")]):
        whole.update(f"{path.name} {file_digest(path)}\n".encode())
    return "sha256:" + whole.hexdigest()


def _of_gguf(held: GgufFile) -> Base:
    name = str(held.get("general.architecture"))
    if name != "llama" or held.get("general.type", "model") != "model":
        raise BrickError(f"{held.path.name} is no llama model, but {name}: it is not converted.")
    heads = held.get("llama.attention.head_count")
    hidden = held.get("llama.embedding_length")
    return _checked(
        held.path.name,
        named_base(held.path) or file_digest(held.path),
        layers=held.get("llama.block_count"),
        queries=heads,
        keys=held.get("llama.attention.head_count_kv", heads),
        hidden=hidden,
        inner=held.get("llama.feed_forward_length"),
        head=held.get("llama.attention.key_length"),
    )


def _of_folder(folder: Path) -> Base:
    told = read_json(folder / "config.json")
    if told.get("model_type") != "llama":
        raise BrickError(
            f"{folder.name} is no llama model, but {told.get('model_type')}: it is not converted."
        )
    heads = told.get("num_attention_heads")
    return _checked(
        folder.name,
        named_base(folder) or folder_digest(folder),
        layers=told.get("num_hidden_layers"),
        queries=heads,
        keys=told.get("num_key_value_heads") or heads,
        hidden=told.get("hidden_size"),
        inner=told.get("intermediate_size"),
        head=told.get("head_dim"),
    )


def _checked(name: str, digest: str, **told: Any) -> Base:
    if told["head"] is None and isinstance(told["hidden"], int) and told["queries"]:
        told["head"] = told["hidden"] // told["queries"]
    for key, value in told.items():
        if not isinstance(value, int) or not 0 < value < 1 << 24:
            raise BrickError(f"{name} says nothing usable of its {key}: {value!r}.")
    heads = Heads(told.pop("queries"), told.pop("keys"))
    return Base(digest=digest, heads=heads, **told)
