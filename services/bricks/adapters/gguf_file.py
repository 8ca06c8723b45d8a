"""Read a GGUF file that may be hostile, and write one.

Its header is read as `services.engines.gguf_header` does; every offset is checked against the
file's own length, and nothing in the file is run.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from gguf import (
    GGML_QUANT_SIZES,
    GGUF_DEFAULT_ALIGNMENT,
    GGMLQuantizationType,
    GGUFValueType,
    GGUFWriter,
)

from services.bricks.adapters.tensors import STORED, Promise, Tensor
from services.bricks.adapters.whole import written_whole
from services.bricks.errors import BrickDamagedError
from services.engines.gguf_header import (
    BrokenHeaderError,
    GgufHeader,
    Place,
    read_gguf_header,
)

MAX_NUMBERS = 1 << 40
"""Of a tensor."""


@dataclass(frozen=True)
class Field:
    """A value of the header, with the type it is written as and, of a list, that of its items."""

    value: Any
    type: GGUFValueType
    items: GGUFValueType | None = None


@dataclass(frozen=True)
class GgufFile:
    """The header's fields and the tensors, whose bytes are mapped, not read."""

    path: Path
    fields: dict[str, Field]
    tensors: dict[str, Tensor]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read the header and check that all tensors lie in the file.

        Raises:
            BrickDamagedError: it is no GGUF file, is cut short, or a count, length or offset in it
                cannot be true.
        """
        try:
            with path.open("rb") as file:
                header = read_gguf_header(file, lists=True)
                length = os.fstat(file.fileno()).st_size
            return cls(path, _fields(header), _tensors(path, header, length))
        except BrokenHeaderError as error:
            raise BrickDamagedError(f"{path.name} is no whole GGUF file: {error}.") from None
        except OSError as error:
            raise BrickDamagedError(f"{path.name} cannot be read: {error.strerror}.") from None

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a field."""
        return self.fields[key].value if key in self.fields else default


def _fields(header: GgufHeader) -> dict[str, Field]:
    return {
        name: Field(
            held.value,
            GGUFValueType(held.kind),
            None if held.items is None else GGUFValueType(held.items),
        )
        for name, held in header.fields.items()
    }


def _tensors(path: Path, header: GgufHeader, length: int) -> dict[str, Tensor]:
    """The tensors of a file of so many bytes, in the order of its header."""
    told = [(place, *_kind_and_size(place)) for place in header.tensors]
    start = -(-header.size // (step := _alignment(header))) * step
    whole = np.memmap(path, np.uint8, "r") if told else np.empty(0, np.uint8)
    tensors: dict[str, Tensor] = {}
    end = 0
    for place, kind, size in sorted(told, key=lambda one: one[0].offset):
        if place.name in tensors:
            raise BrokenHeaderError(f"the tensor {place.name[:80]} is there twice")
        last = start + place.offset + size
        if place.offset % step or place.offset < end or last > length:
            raise BrokenHeaderError(f"the tensor {place.name[:80]} lies outside the file")
        end = place.offset + size
        raw, shape = whole[last - size : last], place.lengths[::-1]
        tensors[place.name] = Tensor(kind.name, shape, _shaped(raw, kind, shape))
    return {place.name: tensors[place.name] for place in header.tensors}


def _alignment(header: GgufHeader) -> int:
    held = header.fields.get("general.alignment")
    step = GGUF_DEFAULT_ALIGNMENT if held is None else held.value
    if not isinstance(step, int) or not 8 <= step <= 1 << 16 or step & (step - 1):  # noqa: PLR2004
        raise BrokenHeaderError(f"an alignment of {step} bytes")
    return step


def _kind_and_size(place: Place) -> tuple[GGMLQuantizationType, int]:
    """Type and bytes of a tensor."""
    if not all(place.lengths) or math.prod(place.lengths) > MAX_NUMBERS:
        raise BrokenHeaderError(f"the tensor {place.name[:80]} has the shape {place.lengths}")
    try:
        kind = GGMLQuantizationType(place.kind)
    except ValueError:
        raise BrokenHeaderError(f"there is no type of tensor {place.kind}") from None
    if place.lengths[0] % GGML_QUANT_SIZES[kind][0]:
        raise BrokenHeaderError(f"the tensor {place.name[:80]} ends within a block")
    return kind, _bytes(kind, place.lengths)


def _shaped(
    raw: npt.NDArray[np.uint8], kind: GGMLQuantizationType, shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    if kind.name in STORED:
        return raw.view(STORED[kind.name]).reshape(shape)
    return raw.reshape(*shape[:-1], -1)


def write_gguf(
    path: Path, fields: Mapping[str, Field], tensors: Mapping[str, Tensor | Promise]
) -> None:
    """Write a file; what stood there stays until the new one is whole.

    Args:
        path: of the file.
        fields: of the header, with ``general.architecture``.
        tensors: by name; each is made, written and let go before the next one.

    Raises:
        BrickNotWrittenError: there is no room for it.
    """
    architecture = fields["general.architecture"].value
    with written_whole(path) as made, closing(GGUFWriter(made, architecture)) as writer:
        for key, field in fields.items():
            if key != "general.architecture":
                writer.add_key_value(key, field.value, field.type, field.items)
        for name, tensor in tensors.items():
            kind = GGMLQuantizationType[tensor.kind]
            size = _bytes(kind, tensor.shape)
            writer.add_tensor_info(name, tensor.shape, np.dtype(np.void), size, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor in tensors.values():
            writer.write_tensor_data(np.ascontiguousarray(tensor.make().raw))


def _bytes(kind: GGMLQuantizationType, shape: tuple[int, ...]) -> int:
    block, size = GGML_QUANT_SIZES[kind]
    return math.prod(shape) // block * size
