"""The estimate of memory against what the system shows for real models in the real engine."""

from __future__ import annotations

import pytest

from services.advisor.bench import quantise
from services.advisor.catalogue import Catalogue
from services.advisor.errors import TrialError
from services.advisor.memory import on_card, on_processor
from services.advisor.shape import Shape
from services.advisor.stand_in import write_stand_in
from services.advisor.trial import try_model
from services.engines.settings import embedded_model

pytestmark = pytest.mark.xdist_group("models")
WITHIN = 0.15
EMBEDDED = Catalogue.load().model("smollm2-135m-instruct").shape
WIDE = Shape(
    layers=3, width=1024, hidden=4096, heads=16, kv_heads=4, head=64, vocabulary=20000, tied=True
)


def quantised(path, form):
    """The embedded model in another form."""
    quantise(embedded_model(), path, form)
    return path


def off(file, shape, form, context):
    """How far the estimate is from what is seen once the context is full."""
    seen = try_model(file, context=context, threads=1, fill=True, rounds=1).resident
    told = on_processor(shape, form, file.stat().st_size, context=context).resident
    return abs(told / seen - 1)


@pytest.mark.parametrize("context", [512, 1536])
def test_the_embedded_models_memory_is_known_within_fifteen_percent(context):
    assert off(embedded_model(), EMBEDDED, "Q4_1", context) < WITHIN


@pytest.mark.parametrize("form", ["Q8_0", "Q4_0"])
def test_so_is_that_of_its_other_forms(tmp_path, form):
    file = quantised(tmp_path / "model.gguf", form)
    assert off(file, EMBEDDED, form, 512) < WITHIN


def test_so_is_that_of_another_shape(tmp_path):
    file = tmp_path / "model.gguf"
    write_stand_in(file, WIDE, "Q4_K_M", 2048)
    assert off(file, WIDE, "Q4_K_M", 768) < WITHIN


def test_a_broken_file_is_a_sentence_not_a_traceback(tmp_path):
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(TrialError, match=r"broken\.gguf"):
        try_model(file, context=512, threads=1)


def test_what_the_system_can_take_back_is_not_needed():
    memory = on_processor(WIDE, "Q4_0", 40_000_000, context=1024)
    assert memory.mapped > 0
    assert memory.resident == memory.needed + memory.mapped


def test_two_contexts_have_their_own_cache_and_share_the_weights():
    one, two = (on_processor(WIDE, "Q8_0", 40_000_000, context=1024, contexts=n) for n in (1, 2))
    assert two.cache == 2 * one.cache
    assert two.weights == one.weights


def test_on_a_card_the_weights_are_in_half_precision():
    shape = Catalogue.load().model("llama-3.1-8b-instruct").shape
    assert on_card(shape, context=8192).weights == pytest.approx(16.06e9, rel=0.01)
    assert on_card(shape, context=8192).cache == 8192 * 32 * 8 * 128 * 2 * 2
