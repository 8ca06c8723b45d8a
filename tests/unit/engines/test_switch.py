"""Another model takes an engine's place without a request failing."""

from __future__ import annotations

import asyncio
import contextlib
import shutil

import pytest

from services.engines.errors import (
    AdapterMismatchError,
    AdapterUnknownError,
    EngineError,
    EngineUnavailableError,
)
from services.engines.llama import LlamaEngine
from services.engines.protocol import AdapterFile, Authoring, Budget, Completion, EngineCard, Prompt
from services.engines.settings import embedded_model
from services.engines.switch import TRIAL, SwitchingEngine

PROMPT = Prompt("", "Hello?")


class Model:
    """An engine that says its name again and again, and notes what happens to it."""

    def __init__(self, name: str, *, fails: EngineError | None = None) -> None:
        self.card = EngineCard(name, f"sha256:{name}", 512, Authoring.NONE)
        self.fails, self.closed, self.tried = fails, False, 0
        self.held: dict[str, AdapterFile] = {}
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def generate(self, prompt, budget):
        for _ in range(budget.tokens):
            await self.go_on.wait()
            assert not self.closed
            yield self.card.name

    async def complete(self, prompt, budget, *, scores=False):
        self.tried += prompt == TRIAL
        if self.fails:
            raise self.fails
        return Completion(self.card.name, "stop", 1, 1)

    def adapters(self):
        return tuple(self.held.values())

    async def hold(self, adapter):
        if adapter.base != self.card.digest:
            raise AdapterMismatchError("of another model")
        self.held[adapter.name] = adapter

    async def let_go(self, name):
        self.held.pop(name, None)

    async def close(self):
        self.closed = True


def adapter(name: str, base: str, path) -> AdapterFile:
    return AdapterFile(name, path, f"sha256:{name}", f"sha256:{base}", 4)


async def test_new_requests_go_to_the_new_model_after_it_was_tried():
    old, new = Model("old"), Model("new")
    engine = SwitchingEngine(old)
    report = await engine.switch(lambda: new)
    assert new.tried == 1
    assert (report.card, engine.card) == (new.card, new.card)
    assert (await engine.complete(PROMPT, Budget())).text == "new"
    await engine.drained()
    assert (old.closed, new.closed) == (True, False)


async def test_a_running_request_ends_on_the_model_it_began_with(ask):
    old, new = Model("old "), Model("new ")
    engine = SwitchingEngine(old)
    old.go_on.clear()
    running = asyncio.create_task(ask(engine, PROMPT, 3))
    await asyncio.sleep(0)
    await engine.switch(lambda: new)
    assert await ask(engine, PROMPT, 2) == "new new "
    assert not old.closed
    old.go_on.set()
    assert await running == "old old old "
    await engine.drained()
    assert old.closed


@pytest.mark.parametrize("error", [EngineError("says nothing"), EngineUnavailableError("no file")])
async def test_a_model_that_fails_its_trial_is_closed_and_the_old_one_stays(error):
    old, new = Model("old"), Model("new", fails=error)
    engine = SwitchingEngine(old)
    with pytest.raises(type(error)):
        await engine.switch(lambda: new)
    assert (new.closed, old.closed, engine.card.name) == (True, False, "old")


async def test_a_model_that_cannot_be_opened_leaves_the_old_one(tmp_path):
    engine = SwitchingEngine(Model("old"))
    with pytest.raises(EngineUnavailableError):
        await engine.switch(lambda: LlamaEngine(tmp_path / "none.gguf"))
    assert (await engine.complete(PROMPT, Budget())).text == "old"


async def test_adapters_come_along_where_their_base_fits(tmp_path):
    old, new = Model("old"), Model("new")
    fits, other = adapter("fits", "new", tmp_path), adapter("other", "old", tmp_path)
    old.held = {"fits": fits, "other": other}
    engine = SwitchingEngine(old)
    report = await engine.switch(lambda: new)
    assert (report.kept, report.left) == ((fits,), (other,))
    assert engine.adapters() == (fits,)


async def test_adapters_are_held_and_let_go_by_the_present_model(tmp_path):
    old, new = Model("old"), Model("new")
    engine = SwitchingEngine(old)
    await engine.hold(adapter("a", "old", tmp_path))
    await engine.switch(lambda: new)
    with pytest.raises(AdapterMismatchError):
        await engine.hold(adapter("b", "old", tmp_path))
    await engine.hold(adapter("c", "new", tmp_path))
    await engine.let_go("c")
    assert engine.adapters() == ()


async def test_two_switches_at_once_end_on_the_later_one_and_lose_none():
    models = [Model(name) for name in "abc"]
    engine = SwitchingEngine(models[0])
    await asyncio.gather(engine.switch(lambda: models[1]), engine.switch(lambda: models[2]))
    await engine.drained()
    assert engine.card.name == "c"
    assert [model.closed for model in models] == [True, True, False]
    await engine.close()
    assert models[2].closed


async def test_leaving_a_stream_early_lets_the_old_model_close():
    old = Model("old")
    engine = SwitchingEngine(old)
    async with contextlib.aclosing(engine.generate(PROMPT, Budget(100))) as pieces:
        await anext(pieces)
        await engine.switch(lambda: Model("new"))
        assert not old.closed
    await asyncio.wait_for(engine.drained(), 5)
    assert old.closed


async def test_real_models_change_places_under_load_and_no_request_fails(adapter_files, tmp_path):
    same, grown = tmp_path / "same.gguf", tmp_path / "grown.gguf"
    shutil.copy(embedded_model(), same)
    grown.write_bytes(embedded_model().read_bytes() + bytes(32))  # another digest: another base
    options = {"threads": 1, "context": 256, "queue": 50}
    engine = SwitchingEngine(LlamaEngine(embedded_model(), **options))
    await engine.hold(adapter_files["amber"])
    running = [asyncio.create_task(engine.complete(PROMPT, Budget(3, 120))) for _ in range(6)]
    kept = await engine.switch(lambda: LlamaEngine(same, **options))
    running += [asyncio.create_task(engine.complete(PROMPT, Budget(3, 120))) for _ in range(6)]
    left = await engine.switch(lambda: LlamaEngine(grown, **options))
    assert ([a.name for a in kept.kept], [a.name for a in left.left]) == (["amber"], ["amber"])
    assert len({answer.text for answer in await asyncio.gather(*running)}) == 1
    with pytest.raises(AdapterUnknownError):
        await engine.complete(Prompt("", "x", adapter="amber"), Budget(1, 120))
    await engine.close()
