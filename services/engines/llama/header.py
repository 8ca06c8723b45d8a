"""Read the header of a GGUF file: its fields and the shapes of its tensors, no weights.

The file may come from anywhere, so every count and length is held against a limit and against the
file's own size before anything is read or set aside for it.

    header = read_header(Path("adapter.gguf"))
    header.fields["general.architecture"]             # "llama"
    header.tensors["blk.0.attn_q.weight.lora_a"]      # (576, 8)
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

Field = str | int | float | bool

MAGIC = b"GGUF"
VERSIONS = frozenset({2, 3})
STRING, ARRAY = 8, 9
SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
MAX_FIELDS, MAX_TENSORS, MAX_DIMENSIONS = 4096, 65536, 4
MAX_ITEMS = 4_000_000
"""Longest array that is stepped over; the largest vocabularies have a quarter of a million."""
MAX_NAME, MAX_TEXT = 512, 1 << 20
"""Longest key and longest text, in bytes."""


class BrokenHeaderError(ValueError):
    """The file is no GGUF file, or its header says what cannot be."""


@dataclass(frozen=True)
class Header:
    """Fields with one value (arrays are left out) and the shape of each tensor, fastest first."""

    fields: Mapping[str, Field]
    tensors: Mapping[str, tuple[int, ...]]


def read_header(path: Path) -> Header:
    """Read the header.

    Raises:
        BrokenHeaderError: it is not one that can be trusted to mean what it says.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return _Reader(file, path.stat().st_size).header()


class _Reader:
    """Steps through a file and refuses to leave it."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size

    def header(self) -> Header:
        if self._take(len(MAGIC)) != MAGIC or self._number("I") not in VERSIONS:
            raise BrokenHeaderError("It is not a GGUF file of version 2 or 3.")
        tensors, fields = self._count(MAX_TENSORS), self._count(MAX_FIELDS)
        found: dict[str, Field] = {}
        for _ in range(fields):
            name, value = self._text(MAX_NAME), self._value(self._number("I"))
            if name in found:
                raise BrokenHeaderError(f"It gives {name} twice.")
            if value is not None:
                found[name] = value
        return Header(found, dict(self._tensor() for _ in range(tensors)))

    def _tensor(self) -> tuple[str, tuple[int, ...]]:
        name = self._text(MAX_NAME)
        count = self._number("I")
        if count > MAX_DIMENSIONS:
            raise BrokenHeaderError(f"{name} has {count} dimensions.")
        shape = tuple(self._number("Q") for _ in range(count))
        self._take(struct.calcsize("<IQ"))  # type and offset
        return name, shape

    def _value(self, kind: int) -> Field | None:
        """The value, or None for an array, which is stepped over."""
        if kind == STRING:
            return self._text(MAX_TEXT)
        if kind != ARRAY:
            value: Field = struct.unpack("<" + _format(kind), self._take(_width(kind)))[0]
            return value
        item, count = self._number("I"), self._count(MAX_ITEMS)
        if item != STRING:
            self._skip(count * _width(item))
            return None
        for _ in range(count):
            self._skip(self._number("Q"))
        return None

    def _text(self, limit: int) -> str:
        try:
            return self._take(self._count(limit)).decode()
        except UnicodeDecodeError as error:
            raise BrokenHeaderError("A text of it is not UTF-8.") from error

    def _count(self, limit: int) -> int:
        count = self._number("Q")
        if count > limit:
            raise BrokenHeaderError(f"It announces {count} where {limit} is the most.")
        return count

    def _number(self, kind: str) -> int:
        number: int = struct.unpack("<" + kind, self._take(struct.calcsize("<" + kind)))[0]
        return number

    def _take(self, length: int) -> bytes:
        taken = self._file.read(length)
        if len(taken) != length:
            raise BrokenHeaderError("It ends within its header.")
        return taken

    def _skip(self, length: int) -> None:
        if self._file.tell() + length > self._size:
            raise BrokenHeaderError("It ends within its header.")
        self._file.seek(length, 1)


def _format(kind: int) -> str:
    if kind not in SCALARS:
        raise BrokenHeaderError(f"It has a field of the unknown type {kind}.")
    return SCALARS[kind]


def _width(kind: int) -> int:
    return struct.calcsize("<" + _format(kind))
