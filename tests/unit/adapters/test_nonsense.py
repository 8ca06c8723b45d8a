"""Values that make no sense end in an error with a sentence, never in one of a library."""

from __future__ import annotations

import json
import random

import pytest
from support.tiny_llama import make_adapter

from compliance.errors import CaretierError
from services.bricks.adapters.convert import convert
from services.bricks.adapters.gguf_adapter import write_gguf_adapter
from services.bricks.adapters.gguf_file import Field, GgufFile, write_gguf
from services.bricks.adapters.peft_folder import CONFIG, write_peft

ODD = (None, True, -1, 0, 1 << 70, 1.5, float("nan"), "x", "", [], [1], {}, {"a": 1})


def places(held, path=()):
    """Every place of a JSON value that can be put something else at."""
    if isinstance(held, dict):
        for key, value in list(held.items())[:40]:
            yield (*path, key)
            yield from places(value, (*path, key))
    elif isinstance(held, list):
        for number, value in enumerate(held[:3]):
            yield (*path, number)
            yield from places(value, (*path, number))


def with_other(held, path, value):
    """A copy with another value at a place."""
    copy = json.loads(json.dumps(held))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return copy


@pytest.mark.parametrize(
    ("name", "least"), [("config.json", 10), ("tokenizer.json", 10), ("tokenizer_config.json", 0)]
)
def test_a_model_with_any_value_of_its_files_changed_is_converted_or_refused(
    folder, tmp_path, name, least
):
    told = json.loads((folder / name).read_text())
    chance = random.Random(5)  # noqa: S311 - a choice, no secret
    refused = 0
    for path in places(told):
        for value in chance.sample(ODD, 2):
            (folder / name).write_text(json.dumps(with_other(told, path, value)))
            try:
                convert(folder, tmp_path / "m.gguf")
            except CaretierError:
                refused += 1
    assert refused >= least


def test_an_adapter_with_any_value_of_its_configuration_changed_is_read_or_refused(
    base, folder, tmp_path
):
    write_peft(make_adapter(base), tmp_path / "a")
    told = json.loads((tmp_path / "a" / CONFIG).read_text())
    for path in places(told):
        for value in ODD:
            (tmp_path / "a" / CONFIG).write_text(json.dumps(with_other(told, path, value)))
            try:
                convert(tmp_path / "a", tmp_path / "a.gguf", base=folder)
            except CaretierError:
                continue


def test_a_gguf_model_with_any_field_changed_is_unpacked_or_refused(folder, tmp_path):
    convert(folder, tmp_path / "m.gguf")
    held = GgufFile.open(tmp_path / "m.gguf")
    others = [
        held.fields[k] for k in ("llama.block_count", "general.name", "tokenizer.ggml.merges")
    ]
    others.append(Field(value=float("nan"), type=held.fields["llama.rope.freq_base"].type))
    refused = 0
    for key in held.fields:
        for other in others:
            fields = held.fields | {key: other}
            if not isinstance(fields["general.architecture"].value, str):
                continue
            write_gguf(tmp_path / "odd.gguf", fields, held.tensors)
            try:
                convert(tmp_path / "odd.gguf", tmp_path / "back")
            except CaretierError:
                refused += 1
    assert refused > 20


def test_a_gguf_adapter_with_any_field_or_shape_changed_is_read_or_refused(base, folder, tmp_path):
    write_gguf_adapter(make_adapter(base), base.heads, tmp_path / "a.gguf", "a")
    held = GgufFile.open(tmp_path / "a.gguf")
    name = "blk.0.attn_q.weight.lora_b"
    for key in held.fields:
        for other in held.fields.values():
            fields = held.fields | {key: other}
            if not isinstance(fields["general.architecture"].value, str):
                continue
            write_gguf(tmp_path / "odd.gguf", fields, held.tensors)
            try:
                convert(tmp_path / "odd.gguf", tmp_path / "back", base=folder)
            except CaretierError:
                continue
    for other in held.tensors.values():
        write_gguf(tmp_path / "odd.gguf", held.fields, held.tensors | {name: other})
        try:
            convert(tmp_path / "odd.gguf", tmp_path / "back", base=folder)
        except CaretierError:
            continue
