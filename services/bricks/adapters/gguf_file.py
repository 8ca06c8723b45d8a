"""Read a GGUF file that may be hostile, and write one.

Every length is bounded before anything is read or set aside for it, every offset is checked against
the file's own length, and nothing in the file is run. `gguf.GGUFReader` trusts a file's counts, so
a header of a few bytes can keep it busy for hours.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt
from gguf import (
    GGML_QUANT_SIZES,
    GGUF_DEFAULT_ALIGNMENT,
    GGUF_MAGIC,
    GGMLQuantizationType,
    GGUFValueType,
    GGUFWriter,
)

from services.bricks.adapters.tensors import STORED, Promise, Tensor
from services.bricks.adapters.whole import written_whole
from services.bricks.errors import BrickDamagedError

MAX_FIELDS = 4096
MAX_TENSORS = 65_536
MAX_STRING = 4 * 1024 * 1024
"""Bytes of one text; the longest real ones are chat templates."""
MAX_ITEMS = 4_000_000
"""Of a list; vocabularies are the longest, with some hundred thousand words."""
MAX_HEADER = 256 * 1024 * 1024
MAX_DIMENSIONS = 4
MAX_NUMBERS = 1 << 40

_PLAIN = {
    GGUFValueType.UINT8: "B",
    GGUFValueType.INT8: "b",
    GGUFValueType.UINT16: "H",
    GGUFValueType.INT16: "h",
    GGUFValueType.UINT32: "I",
    GGUFValueType.INT32: "i",
    GGUFValueType.FLOAT32: "f",
    GGUFValueType.BOOL: "?",
    GGUFValueType.UINT64: "Q",
    GGUFValueType.INT64: "q",
    GGUFValueType.FLOAT64: "d",
}


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
                return cls(path, *_Header(file, path).read())
        except _ImpossibleError as error:
            raise BrickDamagedError(f"{path.name} is no whole GGUF file: {error}.") from None
        except OSError as error:
            raise BrickDamagedError(f"{path.name} cannot be read: {error.strerror}.") from None

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a field."""
        return self.fields[key].value if key in self.fields else default


class _ImpossibleError(Exception):
    """What a header says that cannot be."""


class _Header:
    """One pass over a header."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path
        self._length = os.fstat(file.fileno()).st_size

    def read(self) -> tuple[dict[str, Field], dict[str, Tensor]]:
        magic, version = self._numbers("II")
        if magic != GGUF_MAGIC:
            raise _ImpossibleError("it does not begin with GGUF")
        if version not in {2, 3}:
            raise _ImpossibleError(f"version {version} of the format is not known")
        tensors, fields = self._numbers("QQ")
        if fields > MAX_FIELDS or tensors > MAX_TENSORS:
            raise _ImpossibleError(f"it claims {fields} fields and {tensors} tensors")
        held: dict[str, Field] = {}
        for _ in range(fields):
            key = self._text()
            if key in held:
                raise _ImpossibleError(f"the field {key[:80]} is there twice")
            held[key] = self._field()
        return held, self._tensors(tensors, held)

    def _take(self, size: int) -> bytes:
        if size > MAX_HEADER or self._file.tell() + size > min(self._length, MAX_HEADER):
            raise _ImpossibleError("it ends before its header does")
        return self._file.read(size)

    def _numbers(self, letters: str) -> tuple[Any, ...]:
        return struct.unpack("<" + letters, self._take(struct.calcsize("<" + letters)))

    def _text(self) -> str:
        (size,) = self._numbers("Q")
        if size > MAX_STRING:
            raise _ImpossibleError(f"it claims a text of {size} bytes")
        try:
            return self._take(size).decode()
        except UnicodeDecodeError:
            raise _ImpossibleError("a text is not UTF-8") from None

    def _type(self) -> GGUFValueType:
        (number,) = self._numbers("I")
        try:
            return GGUFValueType(number)
        except ValueError:
            raise _ImpossibleError(f"there is no type of value {number}") from None

    def _field(self) -> Field:
        kind = self._type()
        if kind is not GGUFValueType.ARRAY:
            return Field(self._value(kind), kind)
        items = self._type()
        (count,) = self._numbers("Q")
        if count > MAX_ITEMS:
            raise _ImpossibleError(f"it claims a list of {count} items")
        if items is GGUFValueType.ARRAY:
            raise _ImpossibleError("a list holds lists")
        if items is GGUFValueType.STRING:
            return Field([self._text() for _ in range(count)], kind, items)
        return Field(list(self._numbers(f"{count}{_PLAIN[items]}")), kind, items)

    def _value(self, kind: GGUFValueType) -> Any:
        return self._text() if kind is GGUFValueType.STRING else self._numbers(_PLAIN[kind])[0]

    def _tensors(self, count: int, fields: Mapping[str, Field]) -> dict[str, Tensor]:
        told = [self._told() for _ in range(count)]
        step = fields["general.alignment"].value if "general.alignment" in fields else None
        step = GGUF_DEFAULT_ALIGNMENT if step is None else step
        if not isinstance(step, int) or not 8 <= step <= 1 << 16 or step & (step - 1):  # noqa: PLR2004
            raise _ImpossibleError(f"an alignment of {step} bytes")
        start = -(-self._file.tell() // step) * step
        tensors: dict[str, Tensor] = {}
        end = 0
        whole = np.memmap(self._path, np.uint8, "r") if told else np.empty(0, np.uint8)
        for name, kind, shape, size, offset in sorted(told, key=lambda t: t[-1]):
            if name in tensors:
                raise _ImpossibleError(f"the tensor {name[:80]} is there twice")
            if offset % step or offset < end or start + offset + size > self._length:
                raise _ImpossibleError(f"the tensor {name[:80]} lies outside the file")
            end = offset + size
            raw = whole[start + offset : start + end]
            tensors[name] = Tensor(kind.name, shape, _shaped(raw, kind, shape))
        return {t[0]: tensors[t[0]] for t in told}

    def _told(self) -> tuple[str, GGMLQuantizationType, tuple[int, ...], int, int]:
        """Name, type, shape (rows first), bytes and offset of a tensor."""
        name = self._text()
        (dimensions,) = self._numbers("I")
        if not 1 <= dimensions <= MAX_DIMENSIONS:
            raise _ImpossibleError(f"a tensor of {dimensions} dimensions")
        lengths = self._numbers(f"{dimensions}Q")
        number, offset = self._numbers("IQ")
        if not all(lengths) or math.prod(lengths) > MAX_NUMBERS:
            raise _ImpossibleError(f"the tensor {name[:80]} has the shape {lengths}")
        try:
            kind = GGMLQuantizationType(number)
        except ValueError:
            raise _ImpossibleError(f"there is no type of tensor {number}") from None
        if lengths[0] % GGML_QUANT_SIZES[kind][0]:
            raise _ImpossibleError(f"the tensor {name[:80]} ends within a block")
        return name, kind, lengths[::-1], _bytes(kind, lengths), offset


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
