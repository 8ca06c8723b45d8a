"""A model is the same in both forms; what cannot be said in the other one is refused."""

from __future__ import annotations

import errno
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from support.tiny_llama import make_adapter, make_model
from tokenizers import Tokenizer

from compliance.errors import BadInputError
from services.bricks.adapters.base import FIELD, MERGED, Base
from services.bricks.adapters.convert import convert
from services.bricks.adapters.gguf_adapter import write_gguf_adapter
from services.bricks.adapters.gguf_file import GgufFile, write_gguf
from services.bricks.adapters.model import open_model, write_model
from services.bricks.adapters.peft_folder import write_peft
from services.bricks.adapters.rope import Stretch
from services.bricks.adapters.safetensors_file import read_safetensors, write_safetensors
from services.bricks.adapters.unpack import unpack
from services.bricks.errors import BrickError, BrickNotWrittenError
from services.engines.errors import AdapterMismatchError


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16"])
def test_a_model_is_equal_to_the_bit_after_a_round_through_both_forms(tmp_path, kind):
    folder = make_model(tmp_path / "tiny", kind)
    convert(folder, tmp_path / "tiny.gguf", kind=kind)
    convert(tmp_path / "tiny.gguf", tmp_path / "back")
    before = read_safetensors(folder / "model.safetensors")
    after = read_safetensors(tmp_path / "back" / "model.safetensors")
    assert set(before) == set(after)
    assert all(np.array_equal(before[name].raw, after[name].raw) for name in before)
    assert Base.of(tmp_path / "back").digest == Base.of(folder).digest


def test_numbers_and_tokenizer_come_back_as_they_were(folder, tmp_path):
    convert(folder, tmp_path / "tiny.gguf")
    convert(tmp_path / "tiny.gguf", tmp_path / "back")
    before, after = (
        json.loads((f / "config.json").read_text()) for f in (folder, tmp_path / "back")
    )
    assert {k: after[k] for k in before} == before
    assert (after["bos_token_id"], after["eos_token_id"]) == (1, 2)
    words = [Tokenizer.from_file(str(f / "tokenizer.json")) for f in (folder, tmp_path / "back")]
    for text in ("that 120/80 is", "<|im_start|>user\nñ ½ ²", "  \n\t", ""):
        assert words[0].encode(text).ids == words[1].encode(text).ids
        assert words[1].decode(words[1].encode(text).ids, skip_special_tokens=False) == text
    template = (folder / "chat_template.jinja").read_text()
    assert (tmp_path / "back" / "chat_template.jinja").read_text() == template


def test_a_model_of_several_weight_files_is_read_whole(folder, base, tmp_path):
    weights = read_safetensors(folder / "model.safetensors")
    names = sorted(weights)
    other = make_model(tmp_path / "sharded")
    (other / "model.safetensors").unlink()
    write_safetensors(
        other / "model-00001-of-00002.safetensors", {n: weights[n] for n in names[:9]}
    )
    write_safetensors(
        other / "model-00002-of-00002.safetensors", {n: weights[n] for n in names[9:]}
    )
    whole, parts = open_model(folder), open_model(other)
    assert set(whole.weights) == set(parts.weights)
    write_model(whole, tmp_path / "whole.gguf", "BF16")
    write_model(replace(parts, fields=whole.fields, base=base), tmp_path / "parts.gguf", "BF16")
    one, other = (GgufFile.open(tmp_path / f"{n}.gguf").tensors for n in ("whole", "parts"))
    assert all(np.array_equal(one[name].raw, other[name].raw) for name in one)


def test_merging_adds_the_adapters_product_to_the_weights(folder, base, tmp_path):
    adapter = make_adapter(base)
    write_peft(adapter, tmp_path / "a")
    convert(folder, tmp_path / "merged.gguf", merge=tmp_path / "a", kind="F32")
    held = GgufFile.open(tmp_path / "merged.gguf")
    before = read_safetensors(folder / "model.safetensors")
    place = "model.layers.1.mlp.up_proj.weight"
    pair = adapter.parts[1, "up_proj"]
    wanted = before[place].floats() + 2.0 * pair.up.floats() @ pair.down.floats()
    np.testing.assert_allclose(held.tensors["blk.1.ffn_up.weight"].floats(), wanted, rtol=1e-6)
    unpack(tmp_path / "merged.gguf", tmp_path / "back")
    after = read_safetensors(tmp_path / "back" / "model.safetensors")
    place = "model.layers.0.self_attn.q_proj.weight"
    pair = adapter.parts[0, "q_proj"]
    wanted = before[place].floats() + 2.0 * pair.up.floats() @ pair.down.floats()
    np.testing.assert_allclose(after[place].floats(), wanted, rtol=1e-6)


def test_a_merged_model_is_a_model_of_its_own_and_says_what_it_was_made_of(folder, base, tmp_path):
    write_gguf_adapter(make_adapter(base), base.heads, tmp_path / "a.gguf", "a")
    convert(folder, tmp_path / "merged.gguf", merge=tmp_path / "a.gguf")
    held = GgufFile.open(tmp_path / "merged.gguf")
    assert held.get(MERGED) == base.digest
    assert held.get(FIELD) is None
    assert Base.of(tmp_path / "merged.gguf").digest != base.digest
    with pytest.raises(AdapterMismatchError):
        convert(tmp_path / "merged.gguf", tmp_path / "twice.gguf", merge=tmp_path / "a.gguf")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model_type": "gemma2"}, "gemma2"),
        ({"attention_bias": True}, "attention_bias"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 8.0}}, "yarn"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "llama3"),
        ({"tie_word_embeddings": False}, "no output weights"),
        ({"hidden_act": "gelu"}, "activation gelu"),
        ({"num_attention_heads": 0}, "queries"),
        ({"num_hidden_layers": 3}, "layer 2"),
        ({"intermediate_size": 128}, "shape"),
    ],
)
def test_a_model_that_is_built_otherwise_is_refused_with_the_reason(tmp_path, changed, said):
    folder = make_model(tmp_path / "odd", **changed)
    with pytest.raises(BrickError, match=said):
        convert(folder, tmp_path / "odd.gguf")
    assert not (tmp_path / "odd.gguf").exists()


def test_a_tokenizer_that_cuts_text_in_an_unknown_way_is_refused(folder, tmp_path):
    told = json.loads((folder / "tokenizer.json").read_text())
    told["pre_tokenizer"]["pretokenizers"].pop(0)
    told["pre_tokenizer"]["pretokenizers"][0]["add_prefix_space"] = True
    (folder / "tokenizer.json").write_text(json.dumps(told))
    with pytest.raises(BrickError, match="cuts text"):
        convert(folder, tmp_path / "odd.gguf")


def test_a_tokenizer_of_another_kind_is_refused(folder, tmp_path):
    told = json.loads((folder / "tokenizer.json").read_text())
    told["model"]["type"] = "Unigram"
    (folder / "tokenizer.json").write_text(json.dumps(told))
    with pytest.raises(BrickError, match="Unigram"):
        convert(folder, tmp_path / "odd.gguf")


def test_a_gguf_model_with_an_unknown_weight_is_refused(folder, tmp_path):
    convert(folder, tmp_path / "tiny.gguf")
    held = GgufFile.open(tmp_path / "tiny.gguf")
    extra = {**held.tensors, "blk.0.attn_q.bias": held.tensors["output_norm.weight"]}
    write_gguf(tmp_path / "odd.gguf", held.fields, extra)
    with pytest.raises(BrickError, match=r"attn_q\.bias"):
        convert(tmp_path / "odd.gguf", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_equal_models_give_equal_files(folder, tmp_path):
    for name in ("one", "two"):
        write_model(open_model(folder), tmp_path / f"{name}.gguf", "BF16")
    assert (tmp_path / "one.gguf").read_bytes() == (tmp_path / "two.gguf").read_bytes()


def test_a_quantised_kind_is_not_written_by_converting(folder, tmp_path):
    with pytest.raises(BrickError, match="Q4_0"):
        convert(folder, tmp_path / "tiny.gguf", kind="Q4_0")


def test_merging_into_a_folder_is_refused(folder, base, tmp_path):
    write_peft(make_adapter(base), tmp_path / "a")
    with pytest.raises(BadInputError, match=r"\.gguf"):
        convert(folder, tmp_path / "out", merge=tmp_path / "a")


def test_positions_stretched_as_in_llama_3_come_back(tmp_path):
    told = asdict(Stretch(32.0))
    folder = make_model(tmp_path / "long", rope_scaling={"rope_type": "llama3", **told})
    convert(folder, tmp_path / "long.gguf")
    divisors = GgufFile.open(tmp_path / "long.gguf").tensors["rope_freqs.weight"].floats()
    assert (divisors[0], divisors[-1]) == (1.0, 32.0)
    convert(tmp_path / "long.gguf", tmp_path / "back")
    config = json.loads((tmp_path / "back" / "config.json").read_text())
    wanted = told | {"rope_type": "llama3", "rope_theta": 10000.0}
    assert config["rope_parameters"] == wanted


def test_positions_stretched_by_other_divisors_are_refused(tmp_path):
    told = asdict(Stretch(8.0, original_max_position_embeddings=32))
    folder = make_model(tmp_path / "long", rope_scaling={"rope_type": "llama3", **told})
    convert(folder, tmp_path / "long.gguf")
    with pytest.raises(BrickError, match="stretches"):
        convert(tmp_path / "long.gguf", tmp_path / "back")


def test_a_full_disk_is_said_and_leaves_what_stood_there(folder, tmp_path, monkeypatch):
    convert(folder, tmp_path / "m.gguf")
    before = (tmp_path / "m.gguf").read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gguf.GGUFWriter.write_tensor_data", full)
    with pytest.raises(BrickNotWrittenError, match="No space left"):
        convert(folder, tmp_path / "m.gguf", kind="F32")
    assert (tmp_path / "m.gguf").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))
