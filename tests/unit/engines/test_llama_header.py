"""A GGUF header is read within limits, whatever the file says."""

from __future__ import annotations

import struct

import pytest

from services.engines.gguf_header import MAX_FIELDS, MAX_ITEMS, BrokenHeaderError
from services.engines.llama.header import read_header
from services.engines.settings import embedded_model


def number(value: int, kind: str = "Q") -> bytes:
    return struct.pack("<" + kind, value)


def text(value: bytes) -> bytes:
    return number(len(value)) + value


def header(*fields: bytes, tensors: bytes = b"", count: int | None = None, version: int = 3):
    counts = number(1 if tensors else 0) + number(len(fields) if count is None else count)
    return b"GGUF" + number(version, "I") + counts + b"".join(fields) + tensors


def field(name: bytes, kind: int, value: bytes) -> bytes:
    return text(name) + number(kind, "I") + value


def array(kind: int, count: int, value: bytes, name: bytes = b"a") -> bytes:
    return field(name, 9, number(kind, "I") + number(count) + value)


TENSOR = text(b"w") + number(2, "I") + number(4) + number(3) + number(0, "I") + number(0)
NAME = field(b"n", 8, text(b"v"))


def test_the_embedded_model_tells_its_fields_and_tensors():
    found = read_header(embedded_model())
    assert found.fields["general.architecture"] == "llama"
    assert found.fields["llama.block_count"] == 30
    assert found.tensors["blk.0.attn_v.weight"] == (576, 192)


def test_values_of_each_kind_are_read_and_arrays_stepped_over(tmp_path):
    path = tmp_path / "x.gguf"
    path.write_bytes(
        header(
            field(b"yes", 7, b"\1"),
            field(b"half", 6, struct.pack("<f", 0.5)),
            array(4, 3, bytes(12)),
            array(8, 2, text(b"one") + text(b"two"), b"b"),
            NAME,
            tensors=TENSOR,
        )
    )
    found = read_header(path)
    assert found.fields == {"yes": True, "half": 0.5, "n": "v"}
    assert found.tensors == {"w": (4, 3)}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGUF",
        b"PK\3\4" + bytes(100),
        header(version=9),
        header(NAME)[:-1],
        header(NAME, count=2),
        header(NAME, count=MAX_FIELDS + 1),
        header(NAME, NAME),
        header(field(b"n", 8, number(2**63) + b"v")),
        header(field(b"n" * 1000, 8, text(b"v"))),
        header(field(b"\xff", 8, text(b"v"))),
        header(field(b"n", 77, b"v")),
        header(array(9, 1, bytes(20))),
        header(array(0, 2**62, b"")),
        header(array(4, MAX_ITEMS, b"")),
        header(array(8, 2, text(b"one") + number(2**60))),
        header(tensors=text(b"w") + number(9, "I") + bytes(100)),
        header(tensors=TENSOR[:-1]),
    ],
)
def test_a_header_that_says_what_cannot_be_is_refused(tmp_path, content):
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(BrokenHeaderError):
        read_header(path)
