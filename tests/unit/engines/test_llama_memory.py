"""A memory budget decides how many contexts stand over one set of weights."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from services.engines.errors import EngineUnavailableError
from services.engines.llama import LlamaEngine
from services.engines.llama.header import Header, read_header
from services.engines.llama.memory import Sizes, contexts_that_fit
from services.engines.protocol import Budget, Prompt
from services.engines.settings import embedded_model

MEGABYTE = 1_000_000
MEASURE = """
import sys, psutil
from pathlib import Path
from services.engines.llama.loaded import Loaded
from services.engines.protocol import Authoring, EngineCard
from services.engines.llama import file_digest
rss = lambda: psutil.Process().memory_info().rss
def load(contexts):
    model = Path(sys.argv[1])
    card = EngineCard("m", file_digest(model), 2048, Authoring.NONE)
    return Loaded(model, card, contexts=contexts, threads=1, prefixes=None)
load(1).close()
one = load(1); single = rss(); one.close()
three = load(3); print(rss() - single); three.close()
"""


@pytest.fixture(scope="module")
def sizes():
    model = embedded_model()
    return Sizes.of(read_header(model), model.stat().st_size)


def test_keys_and_values_are_two_halves_for_each_layer_and_head(sizes):
    assert sizes.cache(1) == 2 * 2 * 30 * 3 * 64
    assert sizes.cache(2048) == 2048 * sizes.cache(1)


def test_a_context_takes_what_was_computed(sizes):
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, str(embedded_model())],
        capture_output=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert int(ran.stdout) / 2 == pytest.approx(sizes.context(2048), rel=0.25)


def test_as_many_contexts_as_asked_where_there_is_room(sizes):
    assert contexts_that_fit(embedded_model(), 2048, 3, None) == 3
    assert sizes.contexts(2048, asked=3, budget=1000 * MEGABYTE) == 3


def test_fewer_contexts_where_there_is_less_room(sizes):
    room = sizes.weights + 2 * sizes.context(2048)
    assert sizes.contexts(2048, asked=8, budget=room) == 2
    assert sizes.contexts(2048, asked=8, budget=room - 1) == 1


def test_a_budget_that_holds_no_context_says_what_is_needed(sizes):
    with pytest.raises(EngineUnavailableError, match=r"needs \d+ MB") as raised:
        sizes.contexts(2048, asked=1, budget=100 * MEGABYTE)
    assert "CARETIER_ENGINE_MEMORY" in raised.value.advice


def test_a_header_without_sizes_is_no_usable_model():
    with pytest.raises(EngineUnavailableError):
        Sizes.of(Header({"general.architecture": "llama"}, {}), 1)


def test_the_engine_keeps_to_the_budget():
    engine = LlamaEngine(embedded_model(), context=512, contexts=8, memory=130 * MEGABYTE)
    assert 1 <= engine.health().contexts < 8
    asyncio.run(engine.close())
    with pytest.raises(EngineUnavailableError):
        LlamaEngine(embedded_model(), memory=50 * MEGABYTE)


def test_a_broken_file_is_found_out_where_it_must_be_measured(tmp_path):
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(EngineUnavailableError):
        LlamaEngine(tmp_path / "bad.gguf", memory=10**9)


async def test_contexts_answer_side_by_side_as_one_does_alone():
    prompts = [Prompt("Be brief.", f"What is {what}?") for what in ("gout", "asthma", "a cold")]
    engine = LlamaEngine(embedded_model(), threads=1, context=256, contexts=3)
    alone = [await engine.complete(p, Budget(4, 120), scores=True) for p in prompts]
    running = asyncio.gather(*[engine.complete(p, Budget(4, 120), scores=True) for p in prompts])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert engine.health().requests == 3
    assert await running == alone
    await engine.close()
