"""Experts are pushed, replaced and popped while others answer, and stay over a restart."""

from __future__ import annotations

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from support.stub_engine import StubHost, adapter_brick

from services.bricks.errors import BrickDamagedError, BrickRevokedError, BrickUnknownError
from services.bricks.updater.installed import Installed
from services.engines.errors import AdapterMismatchError, EngineError
from services.engines.http import HttpEngine
from services.experts import Experts
from services.experts.adapters import host_of
from services.experts.errors import (
    ExpertRefusedError,
    ExpertsUnsupportedError,
    ExpertUnknownError,
)
from services.experts.models import Base, PushedExpert


async def test_a_pushed_expert_is_held_by_the_engine_and_listed(experts, engine):
    await experts.push("amber@1")
    assert [expert.ref for expert in experts.ready()] == ["amber@1"]
    held = engine.held["amber"]
    assert (held.path / "adapter_model.safetensors").is_file()
    assert experts.get("amber").digest == held.digest


async def test_a_bare_name_pushes_the_highest_version(experts, store):
    adapter_brick(store, "amber", 2)
    adapter_brick(store, "amber", 10)
    assert (await experts.push("amber")).ref == "amber@10"


async def test_what_was_pushed_is_there_after_a_restart(tables, store, engine):
    before = Experts(tables, store, lambda: host_of(engine))
    await before.push("amber")
    await before.push("birch")
    await before.pop("birch")
    later = StubHost("http://127.0.0.1:9/v1")
    after = Experts(tables, store, lambda: host_of(later))
    await after.restore()
    assert [expert.id for expert in after.ready()] == ["amber"]
    assert set(later.held) == {"amber"}
    assert after.get("amber").pushed == before.get("amber").pushed


async def test_an_expert_that_cannot_be_held_is_listed_with_the_reason_and_keeps_nobody_back(
    quick, store, engine, experts
):
    await experts.push("amber")
    await experts.push("birch")
    store.remove("amber@1")
    after = Experts(quick, store, lambda: host_of(engine))
    await after.restore()
    assert [expert.id for expert in after.ready()] == ["birch"]
    absent = next(expert for expert in after.all() if expert.id == "amber")
    assert "no brick amber@1" in absent.trouble
    with pytest.raises(ExpertUnknownError):
        after.get("amber")
    adapter_brick(store, "amber")
    await after.restore()
    assert len(after.ready()) == 2


async def test_pushing_a_version_over_another_leaves_running_requests_alone(experts, store, engine):
    await experts.push("amber@1")
    adapter_brick(store, "amber", 2)
    with experts.using("amber") as running:
        await experts.push("amber@2")
        assert running.ref == "amber@1"
    assert experts.get("amber").ref == "amber@2"


async def test_a_pop_refuses_new_requests_at_once_and_waits_for_the_last(experts, engine):
    await experts.push("amber")
    await experts.push("birch")
    with experts.using("amber"):
        popping = asyncio.ensure_future(experts.pop("amber"))
        await asyncio.sleep(0.05)
        with pytest.raises(ExpertUnknownError):
            experts.get("amber")
        assert "amber" in engine.held
        assert experts.get("birch").ready
    await popping
    assert set(engine.held) == {"birch"}


async def test_a_request_that_does_not_end_does_not_keep_a_pop_for_ever(experts, engine):
    await experts.push("amber")
    with experts.using("amber"):
        await experts.pop("amber")
    assert "amber" not in engine.held


async def test_a_place_that_the_engine_did_not_give_up_is_given_up_later(
    experts, engine, monkeypatch
):
    await experts.push("amber")

    async def away(_name):
        raise EngineError("The server is away.")

    with monkeypatch.context() as broken:
        broken.setattr(engine, "let_go", away)
        await experts.pop("amber")
        await experts.restore()
    assert (experts.all(), set(engine.held)) == ((), {"amber"})
    await experts.restore()
    assert engine.held == {}


async def test_a_pop_that_nobody_waits_for_any_more_loses_no_place(experts, engine):
    await experts.push("amber")
    with experts.using("amber"):
        popping = asyncio.create_task(experts.pop("amber"))
        await asyncio.sleep(0.05)
        popping.cancel()
        await asyncio.gather(popping, return_exceptions=True)
    assert set(engine.held) == {"amber"}
    await experts.restore()
    assert engine.held == {}


async def test_what_is_pushed_again_meanwhile_is_not_taken_away(experts, engine, monkeypatch):
    await experts.push("amber")

    async def away(_name):
        raise EngineError("The server is away.")

    with monkeypatch.context() as broken:
        broken.setattr(engine, "let_go", away)
        await experts.pop("amber")
    await experts.push("amber")
    await experts.restore()
    assert set(engine.held) == {"amber"}


async def test_changes_come_one_after_the_other(experts, store):
    for version in range(2, 6):
        adapter_brick(store, "amber", version)
    await asyncio.gather(*(experts.push(f"amber@{n}") for n in (2, 3, 4, 5)), experts.push("birch"))
    assert {expert.id for expert in experts.ready()} == {"amber", "birch"}
    await asyncio.gather(experts.pop("amber"), experts.pop("birch"))
    assert experts.all() == ()


async def test_popping_what_is_not_there_is_an_error(experts):
    with pytest.raises(ExpertUnknownError):
        await experts.pop("amber")


@pytest.mark.parametrize("ref", ["other", "amber@7"])
async def test_a_brick_that_is_not_in_the_store_is_not_pushed(experts, ref):
    with pytest.raises(BrickUnknownError):
        await experts.push(ref)


async def test_a_damaged_brick_is_not_pushed(experts, store, engine):
    blob = store.path("amber@1", "peft/adapter_model.safetensors")
    blob.chmod(0o600)
    blob.write_bytes(b"other")
    with pytest.raises(BrickDamagedError):
        await experts.push("amber")
    assert engine.held == {}


@pytest.mark.parametrize("name", ["caretier", "base", "auto"])
async def test_an_expert_cannot_take_the_name_of_another_model(experts, store, name):
    adapter_brick(store, name)
    with pytest.raises(ExpertRefusedError):
        await experts.push(name)


async def test_only_adapters_that_are_not_retired_are_pushed(experts, store):
    sources = [{"name": "x", "date": "2026-01-01", "licence": "CC0"}]
    more = {"kind": "knowledge", "sources": sources, "base": None, "rank": None}
    adapter_brick(store, "facts", **more)
    adapter_brick(store, "gone", lineage={"operation": "retired"})
    for ref in ("facts", "gone"):
        with pytest.raises(ExpertRefusedError):
            await experts.push(ref)


async def test_what_its_publisher_took_back_is_not_pushed_and_answers_no_more(
    experts, store, engine
):
    await experts.push("amber")
    await experts.push("birch")
    Installed(store.folder).revoke({"amber@1": "It harms."})
    await experts.restore()
    assert [expert.id for expert in experts.ready()] == ["birch"]
    assert "It harms." in next(expert for expert in experts.all() if expert.id == "amber").trouble
    assert set(engine.held) == {"birch"}
    await experts.restore()
    with pytest.raises(BrickRevokedError):
        await experts.push("amber@1")
    adapter_brick(store, "amber", 2)
    assert (await experts.push("amber")).ready


async def test_an_adapter_of_another_base_is_refused_and_what_was_there_stays(experts, store):
    await experts.push("amber@1")
    adapter_brick(store, "amber", 2, base=f"sha256:{'c' * 64}")
    with pytest.raises(AdapterMismatchError):
        await experts.push("amber@2")
    assert experts.get("amber").ref == "amber@1"


async def test_a_brick_without_the_engines_form_is_refused_with_what_to_do(
    experts, store, tmp_path
):
    path = tmp_path / "a.gguf"
    path.write_bytes(b"x")
    made = store.get("amber@1").model_dump(mode="json")
    store.make({**made, "id": "half"}, {"a.gguf": (path, "gguf")})
    with pytest.raises(ExpertRefusedError) as refused:
        await experts.push("half")
    assert "convert" in refused.value.advice


async def test_an_engine_that_fails_changes_nothing(experts, engine, quick):
    engine.refuses = EngineError("out of memory")
    with pytest.raises(EngineError):
        await experts.push("amber")
    with quick.reading() as session:
        assert session.get(PushedExpert, "amber") is None


async def test_a_push_that_cannot_be_written_down_is_taken_back(
    experts, store, engine, monkeypatch
):
    def full(_expert) -> None:
        raise OSError

    await experts.push("amber@1")
    adapter_brick(store, "amber", 2)
    monkeypatch.setattr(experts, "_write", full)
    for ref in ("amber@2", "birch@1"):
        with pytest.raises(OSError):  # noqa: PT011 - it has no words
            await experts.push(ref)
    assert set(engine.held) == {"amber"}
    assert engine.held["amber"].digest == experts.get("amber").digest
    assert experts.get("amber").ref == "amber@1"


async def test_without_an_engine_that_holds_adapters_nothing_is_pushed(quick, store):
    for engine in (None, HttpEngine("http://127.0.0.1:9/v1", "x")):
        experts = Experts(quick, store, lambda engine=engine: host_of(engine))
        with pytest.raises(ExpertsUnsupportedError):
            await experts.push("amber")


async def test_a_version_of_another_brick_is_not_pushed_under_a_name(experts):
    with pytest.raises(ExpertRefusedError):
        await experts.push("birch@1", "amber")


def test_models_and_migrations_agree(tables):
    names = set(Base.metadata.tables)
    with tables.engine.connect() as connection:
        include = {"include_object": lambda _o, name, kind, *_: kind != "table" or name in names}
        context = MigrationContext.configure(connection, opts=include)
        assert compare_metadata(context, Base.metadata) == []
