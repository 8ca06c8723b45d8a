"""Adapters on llama.cpp: loaded once, swapped per request, never mixed up."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time

import gguf
import numpy as np
import psutil
import pytest

from services.engines.bench.adapter import write_adapter
from services.engines.bench.swap import measure_swap
from services.engines.errors import (
    AdapterMismatchError,
    AdapterUnknownError,
    EngineUnavailableError,
)
from services.engines.llama import LlamaEngine, file_digest
from services.engines.protocol import Budget, Prompt
from services.engines.settings import embedded_model

NAMES = (None, "amber", "birch")
BUDGET = Budget(tokens=3, seconds=120)
STORY = Prompt("", "Tell a very long story.")


def prompt(name: str | None, question: str = "What is the heart for?") -> Prompt:
    return Prompt("Be brief.", question, adapter=name)


@pytest.fixture
async def engine(adapter_files):
    engine = LlamaEngine(embedded_model(), threads=1, context=512, queue=100, contexts=2)
    for adapter in adapter_files.values():
        await engine.hold(adapter)
    yield engine
    await engine.close()


def crippled(path, *, kind="lora", family="llama", rank=8, base=None):
    """An adapter file that is not what it should be."""
    writer = gguf.GGUFWriter(str(path), family)
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", kind)
    if base:
        writer.add_string("caretier.base", base)
    writer.add_float32("adapter.lora.alpha", float(rank))
    writer.add_tensor("blk.0.attn_q.weight.lora_a", np.zeros((rank, 64), np.float32))
    writer.add_tensor("blk.0.attn_q.weight.lora_b", np.zeros((64, rank), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


async def test_an_adapter_changes_the_answer_and_the_base_stays_as_it_was(engine, ask):
    said = [await ask(engine, prompt(name)) for name in (*NAMES, None)]
    assert [text.partition(":")[0] for text in said[1:3]] == ["AMBER", "BIRCH"]
    assert ":" not in said[0]
    assert said[0] == said[3]


async def test_requests_in_a_crowd_are_answered_as_if_each_were_alone(engine):
    wanted = {name: await engine.complete(prompt(name), BUDGET, scores=True) for name in NAMES}
    crowd = NAMES * 4
    found = await asyncio.gather(*[engine.complete(prompt(n), BUDGET, scores=True) for n in crowd])
    assert found == [wanted[name] for name in crowd]


async def test_an_adapter_that_changes_nothing_leaves_the_scores_to_the_bit(engine, tmp_path):
    model = embedded_model()
    zero = write_adapter(model, tmp_path / "zero.gguf", name="zero", seed=3, strength=0.0)
    await engine.hold(zero)
    base = await engine.complete(prompt(None), BUDGET, scores=True)
    assert await engine.complete(prompt("zero"), BUDGET, scores=True) == base


async def test_what_is_held_is_listed_by_name(engine, adapter_files):
    assert engine.adapters() == (adapter_files["amber"], adapter_files["birch"])
    assert engine.health().adapters == 2


async def test_an_unknown_adapter_is_refused_and_never_answered_by_the_base(engine, ask):
    with pytest.raises(AdapterUnknownError):
        await ask(engine, prompt("cedar"))
    unused = LlamaEngine(embedded_model(), context=512)
    with pytest.raises(AdapterUnknownError):
        await ask(unused, prompt("amber"))
    await unused.close()


async def test_a_running_request_keeps_its_adapter_until_it_ends(engine, ask):
    story = engine.generate(dataclasses.replace(STORY, adapter="amber"), Budget(40, 120))
    async with contextlib.aclosing(story) as pieces:
        await anext(pieces)
        leaving = asyncio.create_task(engine.let_go("amber"))
        for _ in range(500):
            await asyncio.sleep(0.01)
            if len(engine.adapters()) == 1:
                break
        assert not leaving.done()
        with pytest.raises(AdapterUnknownError):
            await ask(engine, prompt("amber"))
        assert [piece async for piece in pieces]
    await asyncio.wait_for(leaving, 30)


async def test_letting_go_of_an_unknown_name_is_no_error(engine):
    await engine.let_go("cedar")
    await engine.let_go("amber")
    await engine.let_go("amber")
    assert [a.name for a in engine.adapters()] == ["birch"]


async def test_another_version_takes_the_place_of_one_that_is_in_use(engine, adapter_files, ask):
    first, wanted = await ask(engine, prompt("amber")), await ask(engine, prompt("birch"))
    newer = dataclasses.replace(adapter_files["birch"], name="amber")
    running = [asyncio.create_task(ask(engine, prompt("amber"), 20)) for _ in range(4)]
    await asyncio.sleep(0.05)
    await engine.hold(newer)
    assert await ask(engine, prompt("amber")) == wanted
    assert all(said.startswith(first) for said in await asyncio.gather(*running))


async def test_loading_and_unloading_others_under_load_disturbs_nobody(engine, adapter_files):
    wanted = {name: await engine.complete(prompt(name), BUDGET, scores=True) for name in NAMES}
    crowd = NAMES * 3
    running = [asyncio.create_task(engine.complete(prompt(n), BUDGET, scores=True)) for n in crowd]
    changes = 0
    while not all(task.done() for task in running):
        await engine.hold(dataclasses.replace(adapter_files["birch"], name=f"other{changes % 3}"))
        await engine.let_go(f"other{(changes + 1) % 3}")
        changes += 1
    assert [await task for task in running] == [wanted[name] for name in crowd]
    assert changes > 5


async def test_holding_the_same_content_again_loads_nothing(engine, adapter_files, monkeypatch):
    monkeypatch.setattr(engine._loaded.weights, "load_adapter", None)
    await engine.hold(adapter_files["amber"])


async def test_an_adapter_of_another_base_is_refused(engine, adapter_files):
    foreign = dataclasses.replace(adapter_files["amber"], base="sha256:" + "0" * 64)
    with pytest.raises(AdapterMismatchError):
        await engine.hold(foreign)
    assert len(engine.adapters()) == 2


async def test_a_file_that_is_not_what_its_digest_says_is_refused(engine, adapter_files, tmp_path):
    path = tmp_path / "changed.gguf"
    path.write_bytes(adapter_files["amber"].path.read_bytes()[:-1] + b"\0")
    with pytest.raises(AdapterMismatchError, match="not what its name says"):
        await engine.hold(dataclasses.replace(adapter_files["amber"], path=path))


async def test_a_missing_file_is_unavailable(engine, adapter_files, tmp_path):
    gone = dataclasses.replace(adapter_files["amber"], path=tmp_path / "gone.gguf")
    with pytest.raises(EngineUnavailableError):
        await engine.hold(gone)


@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        ({"kind": "prompt"}, "no LoRA"),
        ({"family": "gpt2"}, "architecture"),
        ({"rank": 2}, "rank"),
        ({"base": "sha256:" + "0" * 64}, "another base"),
        ({}, "tensors"),
    ],
)
async def test_a_header_that_does_not_fit_is_refused(engine, adapter_files, tmp_path, flaw, said):
    path = crippled(tmp_path / "bad.gguf", **flaw)
    adapter = dataclasses.replace(
        adapter_files["amber"], name="bad", path=path, digest=file_digest(path)
    )
    with pytest.raises(AdapterMismatchError, match=said):
        await engine.hold(adapter)
    assert await engine.complete(prompt("amber"), BUDGET)


async def test_a_file_whose_tensors_were_cut_off_is_refused(engine, adapter_files, tmp_path):
    path = tmp_path / "cut.gguf"
    path.write_bytes(adapter_files["amber"].path.read_bytes()[:-1000])
    cut = dataclasses.replace(
        adapter_files["amber"], name="cut", path=path, digest=file_digest(path)
    )
    with pytest.raises(AdapterMismatchError, match="tensors"):
        await engine.hold(cut)


async def test_a_model_is_no_adapter(engine, adapter_files):
    adapter = dataclasses.replace(
        adapter_files["amber"], path=embedded_model(), digest=file_digest(embedded_model())
    )
    with pytest.raises(AdapterMismatchError):
        await engine.hold(adapter)


async def test_closing_while_an_adapter_is_loaded_or_unloaded_ends_in_order(adapter_files):
    amber, birch = adapter_files.values()
    for _ in range(5):
        engine = LlamaEngine(embedded_model(), threads=1, context=256)
        await engine.hold(amber)
        changes = [engine.hold(birch), engine.let_go("amber"), engine.close(), engine.hold(amber)]
        ended = await asyncio.wait_for(asyncio.gather(*changes, return_exceptions=True), 30)
        assert all(e is None or isinstance(e, EngineUnavailableError) for e in ended)
        assert engine.adapters() == ()


async def test_held_and_let_go_many_times_memory_does_not_grow(engine, tmp_path):
    model = embedded_model()
    large = write_adapter(model, tmp_path / "large.gguf", name="large", seed=1, rank=16)

    async def rounds(count: int) -> int:
        for number in range(count):
            await engine.hold(large)
            if number % 10 == 0:
                await engine.complete(prompt("large"), Budget(1, 120))
            await engine.let_go("large")
        return psutil.Process().memory_info().rss

    before = await rounds(5)
    assert await rounds(25) - before < 40_000_000  # 25 copies would be 90 MB


def test_a_swap_takes_less_than_five_milliseconds(adapter_files):
    adapters = tuple(adapter_files.values())
    row = measure_swap(embedded_model(), adapters, rounds=30, threads=1, clock=time.thread_time)
    assert row.best_ms < 5, row
