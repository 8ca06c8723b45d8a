"""An adapter is the same in both forms, and is never bound to a model that it is not of."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from support.tiny_llama import make_adapter, make_model

from compliance.errors import BadInputError
from services.bricks.adapters.adapter import Adapter, Pair
from services.bricks.adapters.base import NOTE, Base
from services.bricks.adapters.convert import convert, read_adapter
from services.bricks.adapters.gguf_adapter import read_gguf_adapter, write_gguf_adapter
from services.bricks.adapters.gguf_file import GgufFile
from services.bricks.adapters.llama_names import gguf_order, transformers_order
from services.bricks.adapters.peft_folder import CONFIG, WEIGHTS, read_peft, write_peft
from services.bricks.adapters.tensors import Tensor
from services.bricks.errors import BrickError
from services.engines.errors import AdapterMismatchError


def same(one: Adapter, other: Adapter) -> bool:
    """Equal to the last bit."""
    return (
        (one.base, one.rank, one.alpha) == (other.base, other.rank, other.alpha)
        and set(one.parts) == set(other.parts)
        and all(
            a.kind == b.kind and np.array_equal(a.raw, b.raw)
            for place, pair in one.parts.items()
            for a, b in zip(
                (pair.up, pair.down),
                (other.parts[place].up, other.parts[place].down),
                strict=True,
            )
        )
    )


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16"])
def test_an_adapter_is_equal_to_the_bit_after_a_round_through_both_forms(base, tmp_path, kind):
    adapter = make_adapter(base, kind)
    write_peft(adapter, tmp_path / "peft")
    read = read_peft(tmp_path / "peft")
    write_gguf_adapter(read, base.heads, tmp_path / "a.gguf", "a")
    back = read_gguf_adapter(tmp_path / "a.gguf", base.heads)
    write_peft(back, tmp_path / "again")
    assert same(adapter, read)
    assert same(adapter, back)
    for name in (CONFIG, WEIGHTS, NOTE):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "peft" / name).read_bytes()


def test_all_seven_projections_have_their_names_and_only_rows_of_q_and_k_move(base, tmp_path):
    adapter = make_adapter(base)
    write_gguf_adapter(adapter, base.heads, tmp_path / "a.gguf", "a")
    held = GgufFile.open(tmp_path / "a.gguf")
    parts = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    assert set(held.tensors) == {
        f"blk.{layer}.{part}.weight.lora_{side}"
        for layer in range(2)
        for part in parts
        for side in "ab"
    }
    value = adapter.parts[1, "v_proj"].up.raw
    assert np.array_equal(held.tensors["blk.1.attn_v.weight.lora_b"].raw, value)
    key = adapter.parts[1, "k_proj"].up.raw
    moved = held.tensors["blk.1.attn_k.weight.lora_b"].raw
    # two heads of 16 rows: the pair (0, 8) of a head comes to stand side by side
    assert np.array_equal(moved[:4], key[[0, 8, 1, 9]])
    assert np.array_equal(moved[16:20], key[[16, 24, 17, 25]])
    assert held.get("adapter.lora.alpha") == adapter.alpha


def test_the_order_of_rows_goes_forth_and_back():
    order = gguf_order(576, 9)
    assert sorted(order) == list(range(576))
    assert np.array_equal(order[transformers_order(576, 9)], np.arange(576))


def test_a_rank_stabilised_adapter_keeps_its_strength(base, tmp_path):
    adapter = make_adapter(base)
    write_peft(adapter, tmp_path / "a")
    config = json.loads((tmp_path / "a" / CONFIG).read_text())
    (tmp_path / "a" / CONFIG).write_text(json.dumps(config | {"use_rslora": True}))
    assert read_peft(tmp_path / "a").alpha == pytest.approx(8.0 * 2)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"rank_pattern": {"q_proj": 2}}, "rank_pattern"),
        ({"bias": "all"}, "plain LoRA"),
        ({"peft_type": "IA3"}, "plain LoRA"),
        ({"r": 5}, "rank"),
        ({"lora_alpha": "much"}, "rank and alpha"),
        ({"lora_alpha": -1}, "alpha"),
    ],
)
def test_what_the_other_form_cannot_say_is_refused(base, tmp_path, changed, said):
    write_peft(make_adapter(base), tmp_path / "a")
    config = json.loads((tmp_path / "a" / CONFIG).read_text())
    (tmp_path / "a" / CONFIG).write_text(json.dumps(config | changed))
    with pytest.raises(BrickError, match=said):
        read_peft(tmp_path / "a")


def test_pickled_weights_are_never_opened(base, tmp_path):
    write_peft(make_adapter(base), tmp_path / "a")
    (tmp_path / "a" / WEIGHTS).unlink()
    (tmp_path / "a" / "adapter_model.bin").write_bytes(pickle.dumps({}))
    with pytest.raises(BrickError, match="never opened"):
        read_peft(tmp_path / "a")


def test_an_adapter_of_another_model_is_refused(base, folder, tmp_path):
    write_peft(replace(make_adapter(base), base="sha256:" + "0" * 64), tmp_path / "a")
    with pytest.raises(AdapterMismatchError, match="another model"):
        convert(tmp_path / "a", tmp_path / "a.gguf", base=folder)
    assert not (tmp_path / "a.gguf").exists()


def test_an_adapter_that_names_no_model_is_bound_only_on_a_persons_word(base, folder, tmp_path):
    write_peft(replace(make_adapter(base), base=None), tmp_path / "a")
    with pytest.raises(AdapterMismatchError, match="does not say"):
        read_adapter(tmp_path / "a", base)
    convert(tmp_path / "a", tmp_path / "a.gguf", base=folder, right=True)
    assert read_adapter(tmp_path / "a.gguf", base).base == base.digest


def test_a_persons_word_does_not_outweigh_what_the_adapter_names(base, tmp_path):
    write_peft(replace(make_adapter(base), base="sha256:" + "0" * 64), tmp_path / "a")
    with pytest.raises(AdapterMismatchError):
        read_adapter(tmp_path / "a", base, right=True)


def test_an_adapter_whose_shape_does_not_fit_is_refused_on_any_word(base, tmp_path):
    other = Base.of(make_model(tmp_path / "wide", intermediate_size=128))
    adapter = replace(make_adapter(other), base=None)
    with pytest.raises(BrickError, match="does not fit"):
        adapter.check(base, right=True)


def test_an_adapter_of_a_layer_that_is_not_there_is_refused(base):
    adapter = make_adapter(base)
    parts = {(9, "q_proj"): adapter.parts[0, "q_proj"]}
    with pytest.raises(BrickError, match="layer 9"):
        replace(adapter, parts=parts).check(base)


def test_parts_without_a_partner_or_of_two_ranks_are_refused(base, tmp_path):
    adapter = make_adapter(base)
    narrow = make_adapter(base, rank=2)
    mixed = dict(adapter.parts) | {(0, "q_proj"): narrow.parts[0, "q_proj"]}
    write_gguf_adapter(replace(adapter, parts=mixed), base.heads, tmp_path / "two.gguf", "two")
    with pytest.raises(BrickError, match="ranks"):
        read_gguf_adapter(tmp_path / "two.gguf", base.heads)
    flat = Tensor("F32", (4,), np.zeros(4, np.float32))
    lone = {(0, "v_proj"): Pair(down=flat, up=adapter.parts[0, "v_proj"].up)}
    write_gguf_adapter(replace(adapter, parts=lone), base.heads, tmp_path / "flat.gguf", "flat")
    with pytest.raises(BrickError, match="no matrix"):
        read_gguf_adapter(tmp_path / "flat.gguf", base.heads)


def test_an_adapter_is_converted_only_with_its_base_named(base, tmp_path):
    write_peft(make_adapter(base), tmp_path / "a")
    with pytest.raises(BadInputError, match="--base"):
        convert(tmp_path / "a", tmp_path / "a.gguf")
