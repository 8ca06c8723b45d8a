"""Adapters come and go at vLLM's server, here a stand-in, while requests run."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from dataclasses import replace

import pytest

from services.engines.errors import (
    AdapterMismatchError,
    AdapterUnknownError,
    EngineError,
    EngineUnavailableError,
)
from services.engines.protocol import Budget, Prompt
from services.engines.vllm.metrics import EngineCollector, read_figures


async def ask(engine, adapter=None):
    return (await engine.complete(Prompt("", "?", adapter=adapter), Budget(seconds=5))).text


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - of no event
            await asyncio.sleep(0.01)


async def test_the_base_model_is_asked_through_an_adapter_that_changes_nothing(engine, fake):
    assert (await ask(engine)).startswith("caretier-general@")
    assert "base" not in fake.asked


async def test_an_adapter_answers_under_a_name_that_tells_its_content(engine, make, fake):
    await engine.hold(make())
    name = await ask(engine, "cardiology")
    assert name.startswith("cardiology@")
    assert name.split("@")[1] in fake.loaded[name]


async def test_streams_go_to_the_adapter_too(engine, make):
    await engine.hold(make())
    prompt = Prompt("", "?", adapter="cardiology")
    async with contextlib.aclosing(engine.generate(prompt, Budget())) as stream:
        assert "".join([p async for p in stream]).startswith("cardiology@")


async def test_an_adapter_that_is_not_held_is_unknown_and_the_base_does_not_answer_for_it(
    engine, fake
):
    with pytest.raises(AdapterUnknownError):
        await ask(engine, "cardiology")
    assert fake.asked == []


@pytest.mark.parametrize("name", ["base", "caretier-general", "cardiology@1234"])
async def test_names_of_the_server_are_no_names_of_adapters(engine, make, name):
    await engine.hold(make())
    with pytest.raises(AdapterUnknownError):
        await ask(engine, name)


async def test_another_version_takes_the_place_of_the_first(engine, make, fake):
    await engine.hold(make(number=1))
    first = await ask(engine, "cardiology")
    await engine.hold(make(number=2))
    assert await ask(engine, "cardiology") != first
    await until(lambda: first not in fake.loaded)
    assert [a.digest for a in engine.adapters()] == ["sha256:2"]


async def test_a_request_ends_with_the_version_that_it_began_with(engine, make, fake):
    await engine.hold(make(number=1))
    fake.gate.clear()
    running = asyncio.create_task(ask(engine, "cardiology"))
    await until(lambda: fake.asked)
    await engine.hold(make(number=2))
    assert fake.asked[0] in fake.loaded, "the old version went while it was in use"
    fake.gate.set()
    assert await running == fake.asked[0]
    await until(lambda: fake.asked[0] not in fake.loaded)


async def test_letting_go_waits_for_the_last_request_and_takes_no_new_one(engine, make, fake):
    await engine.hold(make())
    fake.gate.clear()
    running = asyncio.create_task(ask(engine, "cardiology"))
    await until(lambda: fake.asked)
    going = asyncio.create_task(engine.let_go("cardiology"))
    await asyncio.sleep(0.05)
    assert not going.done()
    with pytest.raises(AdapterUnknownError):
        await ask(engine, "cardiology")
    fake.gate.set()
    assert await running == fake.asked[0]
    await going
    assert not any(name.startswith("cardiology") for name in fake.loaded)


async def test_an_adapter_goes_also_when_whoever_let_it_go_does_not_wait(engine, make, fake):
    await engine.hold(make())
    fake.gate.clear()
    running = asyncio.create_task(ask(engine, "cardiology"))
    await until(lambda: fake.asked)
    going = asyncio.create_task(engine.let_go("cardiology"))
    await asyncio.sleep(0.02)
    going.cancel()
    fake.gate.set()
    await running
    await until(lambda: fake.asked[0] not in fake.loaded)


async def test_an_adapter_that_the_server_does_not_unload_is_counted(
    engine, make, fake, caplog, monkeypatch
):
    async def refuse(*_):
        raise EngineError("It cannot be unloaded.")

    await engine.hold(make())
    monkeypatch.setattr(engine._calls, "unload", refuse)
    await engine.let_go("cardiology")
    assert engine.kept == 1
    assert "did not unload cardiology" in caplog.text


async def test_letting_go_of_an_unknown_name_is_no_error(engine):
    await engine.let_go("nobody")


async def test_an_adapter_that_is_held_again_while_it_goes_stays(engine, make, fake):
    await engine.hold(make())
    fake.gate.clear()
    running = asyncio.create_task(ask(engine, "cardiology"))
    await until(lambda: fake.asked)
    going = asyncio.create_task(engine.let_go("cardiology"))
    await asyncio.sleep(0.02)
    await engine.hold(make())
    fake.gate.set()
    await asyncio.gather(running, going)
    assert await ask(engine, "cardiology") == fake.asked[0]


async def test_one_content_under_two_names_stays_for_the_other(engine, make, fake):
    first = make("first")
    await engine.hold(first)
    await engine.hold(replace(first, name="second"))
    await engine.let_go("first")
    fake.loaded = {k: v for k, v in fake.loaded.items() if not k.startswith("second")}
    engine.doubt()
    assert (await ask(engine, "second")).startswith("second@")


async def test_what_changes_in_the_given_folder_changes_nothing(engine, make):
    adapter = make()
    await engine.hold(adapter)
    (adapter.path / "adapter_model.safetensors").write_bytes(b"other")
    engine.doubt()
    assert (await ask(engine, "cardiology")).startswith("cardiology@")


async def test_a_copy_that_somebody_took_away_is_made_again(engine, make, fake, tmp_path):
    await engine.hold(make())
    shutil.rmtree(tmp_path / "engine" / "adapters")
    fake.loaded.clear()
    engine.doubt()
    assert (await ask(engine, "cardiology")).startswith("cardiology@")


async def test_a_copy_is_not_made_again_of_other_content(engine, make, fake, tmp_path):
    adapter = make()
    await engine.hold(adapter)
    shutil.rmtree(tmp_path / "engine" / "adapters")
    (adapter.path / "adapter_model.safetensors").write_bytes(b"other")
    fake.loaded.clear()
    engine.doubt()
    with pytest.raises(EngineUnavailableError, match="not what they were"):
        await ask(engine, "cardiology")
    assert (await ask(engine)).startswith("caretier-general@")


async def test_two_engines_with_folders_of_their_own_share_what_is_the_same(
    open_engine, make, tmp_path
):
    one, two = open_engine(), open_engine(folder=tmp_path / "other")
    await one.hold(make())
    await two.hold(make())
    assert await ask(one, "cardiology") == await ask(two, "cardiology")
    await one.close()
    await two.close()


async def test_an_adapter_of_another_base_is_refused_before_the_server_sees_it(engine, make, fake):
    with pytest.raises(AdapterMismatchError, match="another model"):
        await engine.hold(make(base="sha256:" + "cd" * 32))
    assert len(fake.loaded) == 1


async def test_a_rank_that_the_server_does_not_take_is_refused(engine, make):
    with pytest.raises(AdapterMismatchError, match="rank 64"):
        await engine.hold(make(rank=64))


async def test_no_adapter_is_held_where_the_base_is_not_known(open_engine, make, tmp_path):
    engine = open_engine(base=None, model=tmp_path)
    with pytest.raises(AdapterMismatchError, match="not known which model"):
        await engine.hold(make())
    await engine.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: (path / "adapter_model.safetensors").unlink(),
        lambda path: (path / "adapter_config.json").write_text("{"),
        lambda path: (path / "adapter_config.json").write_text("[]"),
        lambda path: (path / "adapter_config.json").write_text('{"peft_type": "IA3"}'),
    ],
)
async def test_what_is_no_adapter_is_refused(engine, make, spoil):
    adapter = make()
    spoil(adapter.path)
    with pytest.raises(EngineError, match="adapter"):
        await engine.hold(adapter)


async def test_a_version_that_does_not_load_leaves_the_one_before(engine, make, fake):
    await engine.hold(make(number=1))
    first = await ask(engine, "cardiology")
    fake.refuses = {"cardiology"}
    with pytest.raises(EngineError, match="shapes"):
        await engine.hold(make(number=2))
    assert await ask(engine, "cardiology") == first


async def test_a_server_that_was_started_anew_gets_its_adapters_again(engine, make, fake):
    await engine.hold(make())
    before = engine._doubts
    fake.loaded.clear()
    await until(lambda: engine._doubts > before)
    assert (await ask(engine, "cardiology")).startswith("cardiology@")
    assert (await ask(engine)).startswith("caretier-general@")


async def test_a_refused_request_makes_the_engine_look_again(open_engine, make, fake):
    engine = open_engine(beat_seconds=60)
    await engine.hold(make())
    await until(lambda: engine._figures)
    fake.loaded.clear()
    with pytest.raises(EngineUnavailableError):
        await ask(engine, "cardiology")
    assert (await ask(engine, "cardiology")).startswith("cardiology@")
    await engine.close()


async def test_one_adapter_that_is_lost_does_not_take_the_others_along(engine, make, fake):
    await engine.hold(make("good"))
    await engine.hold(make("bad"))
    fake.refuses = {"bad"}
    fake.loaded.clear()
    engine.doubt()
    assert (await ask(engine, "good")).startswith("good@")
    with pytest.raises(EngineUnavailableError, match="lost bad"):
        await ask(engine, "bad")


async def test_a_server_without_adapters_is_asked_by_the_base_models_name(open_engine, make, fake):
    fake.lora = False
    engine = open_engine()
    assert await ask(engine) == "base"
    with pytest.raises(EngineError, match="without adapters"):
        await engine.hold(make())
    await engine.close()


@pytest.mark.parametrize("switch", ["lora", "updating"])
async def test_a_server_with_adapters_that_takes_none_is_not_used(open_engine, fake, switch):
    fake.loaded["somebody"] = "/theirs"
    setattr(fake, switch, False)
    engine = open_engine()
    with pytest.raises(EngineUnavailableError, match="might answer with an adapter's words"):
        await ask(engine)
    assert fake.asked == []
    await engine.close()


async def test_a_server_that_gets_adapters_from_elsewhere_is_doubted(open_engine, fake):
    fake.updating = False
    engine = open_engine()
    assert await ask(engine) == "base"
    fake.loaded["somebody"] = "/theirs"
    await until(lambda: engine._doubts)
    with pytest.raises(EngineUnavailableError):
        await ask(engine)
    await engine.close()


async def test_two_engines_share_a_server_without_taking_one_anothers_content(
    open_engine, make, fake
):
    one, two = open_engine(), open_engine()
    await one.hold(make(number=1))
    await two.hold(make(number=2))
    assert await ask(one, "cardiology") != await ask(two, "cardiology")
    await one.let_go("cardiology")
    assert (await ask(two, "cardiology")).startswith("cardiology@")
    await one.close()
    await two.close()


async def test_where_the_server_sees_the_folder_elsewhere_it_is_told_that_path(
    open_engine, tmp_path, fake
):
    (tmp_path / "seen").symlink_to(tmp_path / "engine")
    engine = open_engine(seen_as=tmp_path / "seen")
    await ask(engine)
    assert all(path.startswith(str(tmp_path / "seen")) for path in fake.loaded.values())
    await engine.close()


async def test_figures_of_all_its_engines_are_summed(engine):
    await until(lambda: engine.figures)
    collector = EngineCollector(lambda: engine)
    shown = {m.name: m.samples[0].value for m in collector.collect()}
    assert shown["caretier_engine_up"] == 1
    assert shown["caretier_engine_running"] == 3
    assert shown["caretier_engine_prompt_tokens"] == 90
    assert shown["caretier_engine_slots"] == 3


def test_what_cannot_be_read_of_the_figures_is_nothing():
    assert read_figures("vllm:num_requests_running{ 2") == read_figures("")


def test_an_engine_without_a_server_shows_no_figures():
    assert list(EngineCollector(lambda: None).collect()) == []


async def test_a_server_that_is_away_is_shown_as_down(open_engine):
    engine = open_engine()
    shown = {m.name: m.samples[0].value for m in EngineCollector(lambda: engine).collect()}
    assert shown["caretier_engine_up"] == 0
    await engine.close()


async def test_a_closed_engine_says_so(open_engine, make):
    engine = open_engine()
    await engine.start()
    await engine.close()
    await engine.close()
    with pytest.raises(EngineUnavailableError, match="closed"):
        await ask(engine)
    with pytest.raises(EngineUnavailableError, match="closed"):
        await engine.hold(make())
