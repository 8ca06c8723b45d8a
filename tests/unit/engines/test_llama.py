"""llama.cpp with the real embedded model."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import pytest

from services.engines.errors import (
    ContextOverflowError,
    EngineBusyError,
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
)
from services.engines.llama import LlamaEngine, file_digest
from services.engines.open import open_engine
from services.engines.protocol import Authoring, Budget, Prompt
from services.engines.settings import EngineSettings, embedded_model

PROMPT = Prompt(system="Answer in one word.", user="What is the colour of blood?")
SHORT = Budget(tokens=6, seconds=120)


@pytest.fixture(scope="module")
def llama():
    """The embedded model in a small context, loaded once; its settings must not change."""
    engine = LlamaEngine(embedded_model(), threads=1, context=512, queue=1)
    yield engine
    asyncio.run(engine.close())


async def words(engine: LlamaEngine, prompt: Prompt = PROMPT, budget: Budget = SHORT) -> str:
    async with contextlib.aclosing(engine.generate(prompt, budget)) as stream:
        return "".join([piece async for piece in stream])


async def test_the_embedded_model_writes_the_same_words_each_time(llama):
    first = await words(llama)
    assert first.strip()
    assert await words(llama) == first


async def test_no_more_tokens_than_the_budget(llama):
    pieces = 0
    async for _ in llama.generate(Prompt("", "Tell a long story."), Budget(tokens=3, seconds=120)):
        pieces += 1
    assert 0 < pieces <= 3


async def test_the_time_budget_ends_it(llama):
    with pytest.raises(EngineTimeoutError):
        await words(llama, budget=Budget(tokens=100, seconds=0.0))


async def test_a_prompt_that_does_not_fit_is_refused_before_it_is_run(llama):
    with pytest.raises(ContextOverflowError):
        await words(llama, Prompt("", "word " * 600))


async def test_leaving_early_frees_the_engine_for_the_next(llama):
    story = llama.generate(Prompt("", "Tell a long story."), Budget(tokens=300, seconds=120))
    async with contextlib.aclosing(story) as stream:
        async for _ in stream:
            break
    began = time.monotonic()
    assert await words(llama, budget=Budget(tokens=1, seconds=120)) is not None
    assert time.monotonic() - began < 60


async def test_one_more_than_may_wait_is_refused(llama):
    async def run() -> str:
        return await words(llama, budget=Budget(tokens=2, seconds=120))

    done = await asyncio.gather(*(run() for _ in range(4)), return_exceptions=True)
    refused = [d for d in done if isinstance(d, EngineBusyError)]
    assert len(refused) == 2
    assert all(isinstance(d, (str, EngineBusyError)) for d in done)
    assert isinstance(await run(), str)


async def test_a_failure_of_the_library_does_not_come_out(llama, monkeypatch):
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("llama_decode returned -1: Ana has asthma")

    monkeypatch.setattr(llama._load(), "run", broken)
    with pytest.raises(EngineError) as raised:
        await words(llama)
    assert "Ana" not in raised.value.message


def test_the_card_carries_the_digest_of_the_weights(llama, tmp_path):
    assert llama.card.digest == file_digest(embedded_model())
    assert llama.card.authoring is Authoring.NONE
    file = tmp_path / "x"
    file.write_bytes(b"abc")
    assert file_digest(file) == (
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_a_missing_file_is_found_out_at_once(tmp_path):
    with pytest.raises(EngineUnavailableError):
        LlamaEngine(tmp_path / "none.gguf")


async def test_a_file_that_is_no_model_is_a_typed_error(tmp_path):
    file = tmp_path / "bad.gguf"
    file.write_bytes(b"GGUF" + bytes(200))
    engine = LlamaEngine(file)
    try:
        with pytest.raises(EngineUnavailableError):
            await words(engine)
    finally:
        await engine.close()


async def test_a_context_that_the_model_was_not_trained_for_is_refused():
    engine = LlamaEngine(embedded_model(), context=1_000_000)
    with pytest.raises(EngineUnavailableError, match="trained for"):
        await words(engine)
    await engine.close()


async def test_a_file_that_changed_after_it_was_named_is_not_loaded(tmp_path):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"one")
    engine = LlamaEngine(file)
    file.write_bytes(b"another")
    with pytest.raises(EngineUnavailableError, match="changed"):
        await words(engine)
    await engine.close()


async def test_closing_twice_is_fine_and_then_it_is_unavailable(tmp_path):
    file = tmp_path / "any.gguf"
    file.write_bytes(b"x")
    engine = LlamaEngine(file)
    await engine.close()
    await engine.close()
    with pytest.raises(EngineUnavailableError):
        await words(engine)


@pytest.mark.parametrize(("kind", "name"), [("llama", "SmolLM2"), ("http", "caretier")])
def test_settings_open_the_engine_that_they_name(kind, name):
    engine = open_engine(EngineSettings(kind=kind))
    assert engine is not None
    assert engine.card.name.startswith(name)
    assert engine.card.authoring is Authoring.NONE


def test_settings_open_several_contexts_within_a_budget(monkeypatch, tmp_path):
    monkeypatch.setenv("CARETIER_ENGINE_CONTEXTS", "4")
    monkeypatch.setenv("CARETIER_ENGINE_MEMORY", "200")
    engine = open_engine(EngineSettings(context=1024), shared=["You answer briefly."])
    assert isinstance(engine, LlamaEngine)
    assert 1 <= engine.health().contexts < 4
    assert engine._shared == {"You answer briefly."}


def test_no_engine_is_a_choice():
    assert open_engine(EngineSettings(kind="none")) is None


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("CARETIER_ENGINE_KIND", "http")
    monkeypatch.setenv("CARETIER_ENGINE_AUTHORING", "phrase")
    monkeypatch.setenv("CARETIER_ENGINE_API_KEY", "secret")
    settings = EngineSettings()
    assert (settings.kind, settings.authoring) == ("http", Authoring.PHRASE)
    assert "secret" not in repr(settings)
