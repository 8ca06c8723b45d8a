"""A file from elsewhere cannot make its reader wait, fill the memory, or read beyond its end."""

from __future__ import annotations

import json
import struct
import time

import pytest
from support.tiny_llama import make_adapter

from services.bricks.adapters.describe import describe
from services.bricks.adapters.gguf_adapter import write_gguf_adapter
from services.bricks.adapters.gguf_file import GgufFile
from services.bricks.adapters.safetensors_file import read_safetensors
from services.bricks.errors import BrickDamagedError, BrickError

HUGE = 1 << 60
MAGIC = b"GGUF"


def text(word: str) -> bytes:
    return struct.pack("<Q", len(word)) + word.encode()


def head(tensors: int = 0, fields: int = 0, version: int = 3) -> bytes:
    return MAGIC + struct.pack("<IQQ", version, tensors, fields)


def tensor(name: str, lengths: tuple[int, ...], kind: int, offset: int) -> bytes:
    return (
        text(name)
        + struct.pack("<I", len(lengths))
        + struct.pack(f"<{len(lengths)}Q", *lengths)
        + struct.pack("<IQ", kind, offset)
    )


HOSTILE = {
    "nothing": (b"", "ends before"),
    "another format": (b"PK\x03\x04" + bytes(60), "does not begin"),
    "an unknown version": (head(version=9), "version 9"),
    "big-endian": (MAGIC + struct.pack(">IQQ", 3, 0, 0), "version"),
    "countless fields": (head(fields=HUGE), "claims"),
    "countless tensors": (head(tensors=HUGE), "claims"),
    "an endless key": (head(fields=1) + struct.pack("<Q", HUGE), "text of"),
    "an endless text": (head(fields=1) + text("a") + struct.pack("<IQ", 8, HUGE), "text of"),
    "a text that is cut": (head(fields=1) + text("a") + struct.pack("<IQ", 8, 900), "ends before"),
    "an endless list": (head(fields=1) + text("a") + struct.pack("<IIQ", 9, 4, HUGE), "list of"),
    "a list that is cut": (
        head(fields=1) + text("a") + struct.pack("<IIQ", 9, 4, 3_000_000),
        "ends before",
    ),
    "lists of lists": (head(fields=1) + text("a") + struct.pack("<IIQ", 9, 9, 1), "holds lists"),
    "an unknown type": (head(fields=1) + text("a") + struct.pack("<I", 77), "type of value"),
    "a key that is no text": (head(fields=1) + struct.pack("<Q", 2) + b"\xff\xfe", "UTF-8"),
    "a key twice": (head(fields=2) + 2 * (text("a") + struct.pack("<IB", 0, 1)), "twice"),
    "an odd alignment": (
        head(fields=1) + text("general.alignment") + struct.pack("<II", 4, 3),
        "alignment",
    ),
    "an alignment that is text": (
        head(fields=1) + text("general.alignment") + struct.pack("<I", 8) + text("32"),
        "alignment",
    ),
    "no dimensions": (head(tensors=1) + text("t") + struct.pack("<I", 0), "dimensions"),
    "many dimensions": (head(tensors=1) + text("t") + struct.pack("<I", 2000), "dimensions"),
    "an empty tensor": (head(tensors=1) + tensor("t", (0, 4), 0, 0), "shape"),
    "a product that overflows": (head(tensors=1) + tensor("t", (1 << 32, 1 << 32), 0, 0), "shape"),
    "an unknown type of tensor": (head(tensors=1) + tensor("t", (4,), 99, 0), "type of tensor"),
    "a block that is cut": (head(tensors=1) + tensor("t", (33,), 2, 0), "block"),
    "an offset beyond the end": (head(tensors=1) + tensor("t", (4,), 0, 1 << 40), "outside"),
    "an offset that overflows": (head(tensors=1) + tensor("t", (4,), 0, (1 << 64) - 32), "outside"),
    "an odd offset": (head(tensors=1) + tensor("t", (4,), 0, 5) + bytes(200), "outside"),
    "a tensor longer than the file": (head(tensors=1) + tensor("t", (1 << 20,), 0, 0), "outside"),
    "tensors on one another": (
        head(tensors=2) + tensor("t", (32,), 0, 0) + tensor("u", (32,), 0, 32) + bytes(400),
        "outside",
    ),
    "a tensor twice": (
        head(tensors=2) + tensor("t", (8,), 0, 0) + tensor("t", (8,), 0, 32) + bytes(400),
        "twice",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_gguf_file_that_lies_is_refused_at_once(tmp_path, case):
    content, said = HOSTILE[case]
    path = tmp_path / "hostile.gguf"
    path.write_bytes(content)
    began = time.monotonic()
    with pytest.raises(BrickDamagedError, match=said):
        GgufFile.open(path)
    assert time.monotonic() - began < 2


def test_a_gguf_file_that_is_cut_anywhere_is_refused_or_whole_to_its_end(base, tmp_path):
    write_gguf_adapter(make_adapter(base), base.heads, tmp_path / "a.gguf", "a")
    whole = (tmp_path / "a.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in [*range(0, 2400, 7), len(whole) - 1]:
        cut.write_bytes(whole[:length])
        with pytest.raises(BrickDamagedError):
            GgufFile.open(cut)


def test_a_gguf_file_with_any_byte_of_its_header_changed_is_read_or_refused(base, tmp_path):
    write_gguf_adapter(make_adapter(base), base.heads, tmp_path / "a.gguf", "a")
    whole = (tmp_path / "a.gguf").read_bytes()
    path = tmp_path / "flipped.gguf"
    for place in range(0, 1200, 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            described = describe(path)
        except BrickError:
            continue
        assert described["form"] == "gguf"


def written(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


SAFETENSORS = {
    "nothing": b"",
    "a pickle": b"\x80\x04\x95" + bytes(40),
    "a zip file, as torch writes": b"PK\x03\x04" + bytes(40),
    "an endless header": written({}, length=1 << 62),
    "a header longer than the file": written({}, length=4000),
    "no JSON": struct.pack("<Q", 4) + b"{{{{",
    "offsets beyond the end": written(
        {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, bytes(8)
    ),
    "offsets backwards": written(
        {"a": {"dtype": "F32", "shape": [4], "data_offsets": [16, 0]}}, bytes(16)
    ),
    "a shape that does not fit": written(
        {"a": {"dtype": "F32", "shape": [5], "data_offsets": [0, 16]}}, bytes(16)
    ),
    "a shape that overflows": written(
        {"a": {"dtype": "F32", "shape": [1 << 62, 4], "data_offsets": [0, 16]}}, bytes(16)
    ),
    "tensors on one another": written(
        {
            "a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
            "b": {"dtype": "F32", "shape": [4], "data_offsets": [8, 24]},
        },
        bytes(24),
    ),
    "bytes that no tensor names": written(
        {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, bytes(64)
    ),
}


@pytest.mark.parametrize("case", SAFETENSORS)
def test_a_safetensors_file_that_lies_is_refused(tmp_path, case):
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(SAFETENSORS[case])
    with pytest.raises(BrickDamagedError, match="no whole safetensors file"):
        read_safetensors(path)


def test_a_safetensors_file_of_a_type_without_use_here_is_refused(tmp_path):
    path = tmp_path / "whole.safetensors"
    told = {"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}
    path.write_bytes(written(told, bytes(8)))
    with pytest.raises(BrickError, match="I64"):
        read_safetensors(path)


def test_a_folder_of_pickles_is_not_opened(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(BrickError, match="never opened"):
        describe(tmp_path / "model")
