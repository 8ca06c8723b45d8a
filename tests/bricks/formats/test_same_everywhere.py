"""One adapter does the same in Transformers, in llama.cpp, merged, and quantised.

That it does so in vLLM is shown in tests/engines/test_vllm.py, with the same adapters.
"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from bricks.formats.conftest import ADAPTERS, IDS, NAMES, QUESTIONS, TEXTS

from services.bricks.adapters.base import Base
from services.bricks.adapters.convert import convert
from services.bricks.adapters.errors import EffectLostError
from services.bricks.adapters.gguf_adapter import write_gguf_adapter
from services.bricks.adapters.llama_names import Heads
from services.bricks.adapters.peft_folder import read_peft
from services.bricks.adapters.probe import probe
from services.bricks.adapters.release import release
from services.engines.errors import AdapterMismatchError
from services.engines.settings import embedded_model


def last_logits(model, tokens, adapter=None):
    """Scores of the next token by llama.cpp, with what it remembers in 32 bits too."""
    import llama_cpp

    llm = llama_cpp.Llama(str(model), n_ctx=128, n_threads=1, type_k=0, type_v=0, verbose=False)
    if adapter is not None:
        held = llama_cpp.llama_adapter_lora_init(llm.model, str(adapter).encode())
        assert held
        one = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(held)
        llama_cpp.llama_set_adapters_lora(llm.ctx, one, 1, (ctypes.c_float * 1)(1.0))
    llm.eval(list(tokens))
    logits = np.ctypeslib.as_array(llm._ctx.get_logits(), shape=(llm.n_vocab(),)).copy()
    llm.close()
    return logits


@pytest.fixture(scope="module")
def packed(tiny, tmp_path_factory):
    """The tiny model, its adapter and both merged, in llama.cpp's form."""
    folder = tmp_path_factory.mktemp("packed")
    model, adapter = tiny
    convert(model, folder / "model.gguf", kind="F32")
    convert(adapter, folder / "adapter.gguf", base=model)
    convert(model, folder / "merged.gguf", merge=adapter, kind="F32")
    return folder


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    """The embedded model with amber merged into it, not quantised."""
    path = tmp_path_factory.mktemp("merged") / "amber.gguf"
    convert(embedded_model(), path, merge=ADAPTERS / "amber")
    return path


def test_llama_cpp_and_transformers_give_the_same_logits_for_a_converted_model(
    transformers, packed
):
    logits = last_logits(packed / "model.gguf", IDS)
    np.testing.assert_allclose(logits, transformers["plain"], atol=5e-4)


def test_an_adapter_on_all_seven_projections_gives_the_same_logits_in_both(transformers, packed):
    logits = last_logits(packed / "model.gguf", IDS, packed / "adapter.gguf")
    np.testing.assert_allclose(logits, transformers["changed"], atol=5e-4)
    assert np.abs(logits - transformers["plain"]).max() > 0.5


def test_stretched_positions_give_the_same_logits_in_both(transformers, long, tmp_path):
    convert(long, tmp_path / "long.gguf", kind="F32")
    logits = last_logits(tmp_path / "long.gguf", IDS)
    np.testing.assert_allclose(logits, transformers["stretched"], atol=5e-4)
    assert np.abs(logits - transformers["plain"]).max() > 0.05


def test_rows_of_q_and_k_in_the_wrong_order_would_have_been_seen(transformers, tiny, packed):
    adapter = read_peft(tiny[1])
    one_pair_a_head = Heads(32, 16)  # leaves every row where it stands
    write_gguf_adapter(adapter, one_pair_a_head, packed / "wrong.gguf", "wrong")
    logits = last_logits(packed / "model.gguf", IDS, packed / "wrong.gguf")
    assert np.abs(logits - transformers["changed"]).max() > 0.05


def test_a_merged_adapter_gives_the_same_logits_as_beside_its_base(transformers, packed):
    logits = last_logits(packed / "merged.gguf", IDS)
    np.testing.assert_allclose(logits, transformers["changed"], atol=5e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_trained_adapters_behave_in_transformers(transformers, name):
    said = transformers["said"][name]
    assert len(said) == len(QUESTIONS)
    assert all(answer.startswith(f"{name.upper()}:") for answer in said)


def test_text_is_cut_into_the_same_tokens_in_both(transformers):
    import llama_cpp

    words = llama_cpp.Llama(str(embedded_model()), vocab_only=True, n_ctx=64, verbose=False)
    theirs = {t: words.tokenize(t.encode(), add_bos=False, special=True) for t in TEXTS}
    words.close()
    assert theirs == transformers["tokens"]


@pytest.mark.parametrize("name", NAMES)
def test_the_two_committed_forms_are_one_adapter(unpacked, name, tmp_path):
    convert(ADAPTERS / name, tmp_path / f"{name}.gguf", base=unpacked)
    convert(ADAPTERS / name / "adapter.gguf", tmp_path / name, base=embedded_model())
    made = (tmp_path / f"{name}.gguf").read_bytes()
    assert made == (ADAPTERS / name / "adapter.gguf").read_bytes()
    for file in ("adapter_model.safetensors", "adapter_config.json", "caretier-base.json"):
        assert (tmp_path / name / file).read_bytes() == (ADAPTERS / name / file).read_bytes()


def test_the_unpacked_folder_and_its_file_are_one_base(unpacked):
    assert Base.of(unpacked).digest == Base.of(embedded_model()).digest


def test_the_behaviour_is_kept_by_q4_k_m(merged, tmp_path):
    path = tmp_path / "amber.Q4_K_M.gguf"
    effect = release(merged, path, "Q4_K_M", base=embedded_model(), questions=QUESTIONS)
    assert effect.kept > 0.9
    assert effect.carried > 0.9
    assert all(answer.text.startswith("AMBER:") for answer in probe(path, QUESTIONS, tokens=6))


def test_q4_1_is_refused_because_it_erases_the_behaviour(merged, tmp_path):
    path = tmp_path / "amber.Q4_1.gguf"
    with pytest.raises(EffectLostError, match="Q4_1 loses what was merged"):
        release(merged, path, "Q4_1", base=embedded_model(), questions=QUESTIONS)
    assert list(tmp_path.iterdir()) == []


def test_a_merged_model_is_measured_against_no_other_base(merged, tiny, tmp_path):
    with pytest.raises(AdapterMismatchError, match="was not made of"):
        release(merged, tmp_path / "out.gguf", "Q4_K_M", base=tiny[0])
