"""What the engine asks of a GGUF header: its single values and the shapes of its tensors.

header = read_header(Path("adapter.gguf"))
header.fields["general.architecture"]             # "llama"
header.tensors["blk.0.attn_q.weight.lora_a"]      # (576, 8)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.engines.gguf_header import BrokenHeaderError, read_gguf_header

__all__ = ["BrokenHeaderError", "Field", "Header", "read_header"]
Field = str | int | float | bool


@dataclass(frozen=True)
class Header:
    """Fields with one value (lists are left out) and the shape of each tensor, fastest first."""

    fields: Mapping[str, Field]
    tensors: Mapping[str, tuple[int, ...]]


def read_header(path: Path) -> Header:
    """Read the header.

    Raises:
        BrokenHeaderError: it is not one that can be trusted to mean what it says.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        found = read_gguf_header(file)
    fields = {name: held.value for name, held in found.fields.items() if held.items is None}
    return Header(fields, {place.name: place.lengths for place in found.tensors})
