"""Adapters that are in use at a node are held, chosen by what a question is about, and let go."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.stub_engine import BASE, adapter_brick

from services.bricks.updater.installed import Installed
from services.engines.errors import EngineError
from services.engines.protocol import Authoring
from services.experts import Gate
from services.experts.in_use import AdaptersInUse

LUNGS, HEART = "Why do I need an inhaler for asthma?", "Is my blood pressure too high?"


class Nowhere:
    """Embeds every text at one place, so that meaning decides nothing."""

    def encode(self, texts):
        return np.full((len(texts), 4), 0.5, np.float32)


@pytest.fixture
def installed(store):
    return Installed(store.folder)


@pytest.fixture
def use(store, installed):
    """Makes a version of an adapter and puts it in use."""

    def used(name, version=1, **fields):
        ref = adapter_brick(store, name, version, **fields).ref
        installed.activate(ref)
        return ref

    return used


@pytest.fixture
def writing(engine):
    """An engine whose words are used."""
    engine.card = dataclasses.replace(engine.card, digest=BASE, authoring=Authoring.PHRASE)
    return engine


@pytest.fixture
def adapters(store, installed, writing):
    return AdaptersInUse(store, installed, writing, lambda: Gate(Nowhere(), 0.1))


async def chosen(adapters, text, language="en"):
    manifest = await adapters.choose(text, language)
    return manifest and manifest.ref


async def test_the_adapter_of_the_questions_domain_is_chosen_and_no_other(adapters, use):
    use("lungs", domain="respiratory")
    use("heart", domain="cardiology")
    assert await chosen(adapters, LUNGS) == "lungs@1"
    assert await chosen(adapters, HEART) == "heart@1"
    assert await chosen(adapters, "Does my kidney need dialysis?") is None


async def test_an_adapter_is_not_asked_in_a_language_that_it_was_not_made_for(adapters, use):
    use("lungs", domain="respiratory", languages=("es",))
    assert await chosen(adapters, LUNGS) is None
    assert await chosen(adapters, "¿Para qué sirve un inhalador?", "es") == "lungs@1"


async def test_the_one_general_adapter_takes_what_no_other_does_but_two_take_nothing(adapters, use):
    use("plain", domain="general")
    use("lungs", domain="respiratory")
    assert await chosen(adapters, HEART) == "plain@1"
    assert await chosen(adapters, LUNGS) == "lungs@1"
    use("plainer", domain="general")
    await adapters.refresh()
    assert await chosen(adapters, HEART) is None


async def test_a_later_version_is_held_before_the_former_is_let_go(adapters, use, writing):
    use("lungs", domain="respiratory")
    assert await adapters.refresh()
    assert not await adapters.refresh()
    use("lungs", 2, domain="respiratory")
    assert await adapters.refresh()
    assert set(writing.held) == {"lungs@2"}
    assert await chosen(adapters, LUNGS) == "lungs@2"


async def test_what_is_taken_back_answers_no_more_and_its_former_version_does(
    adapters, use, writing, installed
):
    use("lungs", domain="respiratory")
    use("lungs", 2, domain="respiratory")
    await adapters.refresh()
    installed.revoke({"lungs@2": "unsafe"})
    await adapters.refresh()
    assert set(writing.held) == {"lungs@1"}
    installed.revoke({"lungs@1": "unsafe"})
    await adapters.refresh()
    assert (writing.held, await chosen(adapters, LUNGS)) == ({}, None)


async def test_an_adapter_of_another_model_is_left_out_with_the_reason(adapters, use, writing):
    use("lungs", domain="respiratory", base=f"sha256:{'c' * 64}")
    use("heart", domain="cardiology")
    await adapters.refresh()
    assert set(writing.held) == {"heart@1"}
    assert "another model" in adapters.left_out["lungs@1"]
    assert await chosen(adapters, LUNGS) is None


async def test_a_damaged_adapter_is_left_out_until_it_is_mended(adapters, use, store, writing):
    ref = use("lungs", domain="respiratory")
    path = store.path(ref, "peft/adapter_model.safetensors")
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(b"x" * len(whole))
    await adapters.refresh()
    assert (set(writing.held), list(adapters.left_out)) == (set(), [ref])
    path.write_bytes(whole)
    assert await adapters.refresh()
    assert (set(writing.held), adapters.left_out) == ({ref}, {})


async def test_one_that_the_engine_refuses_keeps_no_other_back(adapters, use, writing):
    use("lungs", domain="respiratory")
    writing.refuses = EngineError("There is no memory.")
    await adapters.refresh()
    assert adapters.left_out == {"lungs@1": "There is no memory."}
    assert await chosen(adapters, LUNGS) is None


@pytest.mark.parametrize("engine_there", [True, False], ids=["engine", "none"])
async def test_where_no_model_writes_no_adapter_is_loaded(store, use, engine, engine_there):
    ref = use("lungs", domain="respiratory")
    adapters = AdaptersInUse(
        store, Installed(store.folder), engine if engine_there else None, lambda: None
    )
    await adapters.refresh()
    assert ("own words" if engine_there else "No engine") in adapters.left_out[ref]
    assert (engine.held, await chosen(adapters, LUNGS)) == ({}, None)


async def test_where_experts_are_pushed_nothing_that_an_operator_pushed_is_touched(
    store, use, writing
):
    ref = use("lungs", domain="respiratory")
    writing.held["heart"] = "pushed"
    adapters = AdaptersInUse(store, Installed(store.folder), writing, lambda: None, pushed=True)
    await adapters.refresh()
    assert "an operator pushes" in adapters.left_out[ref]
    assert (writing.held, await chosen(adapters, LUNGS)) == ({"heart": "pushed"}, None)


async def test_where_it_is_not_known_what_is_in_use_the_base_model_answers(
    adapters, use, writing, installed
):
    use("lungs", domain="respiratory")
    await adapters.refresh()
    installed.path.write_text("{")
    await adapters.refresh()
    assert (writing.held, list(adapters.left_out)) == ({}, ["*"])
    assert not await adapters.refresh()
    assert await chosen(adapters, LUNGS) is None
