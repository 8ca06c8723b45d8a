"""Read the header of a GGUF file: its fields, and where its tensors lie; no weights.

The file may come from anywhere, so every count and length is held against a limit and against the
file's own size before anything is read or set aside for it. `gguf.GGUFReader` trusts a file's
counts, so that a header of a few bytes can keep it busy for hours. Needs nothing but the standard
library.

    with path.open("rb") as file:
        header = read_gguf_header(file)
    header.fields["general.architecture"].value       # "llama"
    header.tensors[0].name, header.tensors[0].lengths # "blk.0.attn_q.weight", (576, 576)
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

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
"""Letters of `struct` by the numbers of the format."""
MAX_FIELDS, MAX_TENSORS, MAX_DIMENSIONS = 4096, 65_536, 4
MAX_ITEMS = 4_000_000
"""Of a list; vocabularies are the longest, with some hundred thousand words."""
MAX_NAME, MAX_TEXT = 512, 4 << 20
"""Bytes of a name and of a text; the longest real ones are chat templates."""
MAX_HEADER = 256 << 20
"""Bytes that are read of a header at most."""


class BrokenHeaderError(ValueError):
    """The file is no GGUF file, or its header says what cannot be."""


@dataclass(frozen=True)
class Value:
    """A value of a field.

    Attributes:
        value: a number, truth value or text; a list of them, or None where lists are stepped over.
        kind: number of its type in the format; items: of a list's items, else None.
    """

    value: Any
    kind: int
    items: int | None = None


@dataclass(frozen=True)
class Place:
    """Where a tensor lies.

    Attributes:
        lengths: of its dimensions, the fastest first.
        kind: number of its type in the format.
        offset: in bytes, from where the tensors begin.
    """

    name: str
    lengths: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True)
class GgufHeader:
    """Fields by name, tensors in their order, and how many bytes the header has."""

    fields: Mapping[str, Value]
    tensors: tuple[Place, ...]
    size: int


def read_gguf_header(file: BinaryIO, *, lists: bool = False) -> GgufHeader:
    """Read the header of an open file, from its beginning.

    Args:
        file: the file.
        lists: whether lists are read too, and not stepped over.

    Raises:
        BrokenHeaderError: it is not one that can be trusted to mean what it says.
        OSError: the file cannot be read.
    """
    return _Reader(file, lists=lists).header()


class _Reader:
    """Steps through a file and refuses to leave it."""

    def __init__(self, file: BinaryIO, *, lists: bool) -> None:
        self._file, self._lists = file, lists
        self._size = os.fstat(file.fileno()).st_size

    def header(self) -> GgufHeader:
        if self._take(len(MAGIC)) != MAGIC:
            raise BrokenHeaderError("it does not begin with GGUF")
        (version,) = self._numbers("I")
        if version not in VERSIONS:
            raise BrokenHeaderError(f"version {version} of the format is not known")
        tensors, fields = self._numbers("QQ")
        if fields > MAX_FIELDS or tensors > MAX_TENSORS:
            raise BrokenHeaderError(f"it claims {fields} fields and {tensors} tensors")
        found: dict[str, Value] = {}
        for _ in range(fields):
            name = self._text(MAX_NAME)
            if name in found:
                raise BrokenHeaderError(f"the field {name[:80]} is there twice")
            found[name] = self._field()
        places = tuple(self._place() for _ in range(tensors))
        return GgufHeader(found, places, self._file.tell())

    def _place(self) -> Place:
        name = self._text(MAX_NAME)
        (count,) = self._numbers("I")
        if not 1 <= count <= MAX_DIMENSIONS:
            raise BrokenHeaderError(f"a tensor of {count} dimensions")
        lengths = self._numbers(f"{count}Q")
        kind, offset = self._numbers("IQ")
        return Place(name, lengths, kind, offset)

    def _field(self) -> Value:
        kind = self._kind()
        if kind != ARRAY:
            return Value(self._value(kind), kind)
        items = self._kind()
        (count,) = self._numbers("Q")
        if count > MAX_ITEMS:
            raise BrokenHeaderError(f"it claims a list of {count} items")
        if items == ARRAY:
            raise BrokenHeaderError("a list holds lists")
        if self._lists:
            return Value(self._list(items, count), kind, items)
        if items != STRING:
            self._skip(count * struct.calcsize("<" + SCALARS[items]))
        else:
            for _ in range(count):
                self._skip(*self._numbers("Q"))
        return Value(None, kind, items)

    def _list(self, items: int, count: int) -> list[Any]:
        if items == STRING:
            return [self._text(MAX_TEXT) for _ in range(count)]
        return list(self._numbers(f"{count}{SCALARS[items]}"))

    def _value(self, kind: int) -> Any:
        return self._text(MAX_TEXT) if kind == STRING else self._numbers(SCALARS[kind])[0]

    def _kind(self) -> int:
        number: int = self._numbers("I")[0]
        if number not in SCALARS and number not in {STRING, ARRAY}:
            raise BrokenHeaderError(f"there is no type of value {number}")
        return number

    def _text(self, most: int) -> str:
        (size,) = self._numbers("Q")
        if size > most:
            raise BrokenHeaderError(f"it claims a text of {size} bytes")
        try:
            return self._take(size).decode()
        except UnicodeDecodeError:
            raise BrokenHeaderError("a text is not UTF-8") from None

    def _numbers(self, letters: str) -> tuple[Any, ...]:
        return struct.unpack("<" + letters, self._take(struct.calcsize("<" + letters)))

    def _take(self, size: int) -> bytes:
        self._stay(size)
        return self._file.read(size)

    def _skip(self, size: int) -> None:
        self._stay(size)
        self._file.seek(size, os.SEEK_CUR)

    def _stay(self, size: int) -> None:
        if size > MAX_HEADER or self._file.tell() + size > min(self._size, MAX_HEADER):
            raise BrokenHeaderError("it ends before its header does")
