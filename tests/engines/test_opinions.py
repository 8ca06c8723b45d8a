"""Second opinions of real experts: adapters of several fields in real engines, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from support.real_experts import CALL, MOST, QUESTION, disagreeing_knowledge, expert_brick
from support.stage import PASSWORD, lay, staffed

from services.bricks.store import BrickStore
from services.consult.node import Node
from services.engines.llama import LlamaEngine
from services.engines.protocol import Authoring
from services.engines.settings import EngineSettings, embedded_model
from services.hospital.app import create
from services.hospital.opinions import DRAFT
from services.hospital.opinions.service import Around

PATIENT = {"seconds": 240.0, "patience": 240.0}
"""What a busy machine needs; the product's own times stand in `services.hospital.opinions`."""


@asynccontextmanager
async def running(hospital) -> AsyncIterator[httpx.AsyncClient]:
    """The hospital on a port of its own, and its clinician signed in."""
    config = uvicorn.Config(create(hospital.settings, hospital), port=0, log_level="error")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    cookies = {"caretier_portal": hospital.accounts.sign_in("ana", PASSWORD)}
    origin = f"http://localhost:{port}"
    try:
        async with httpx.AsyncClient(base_url=origin, cookies=cookies, timeout=600) as client:
            yield client
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
def asked_of(tmp_path):
    """Makes a hospital whose engine holds experts; gives it, a referral and a client."""

    @asynccontextmanager
    async def make(engine, *names: str):
        with staffed(tmp_path) as hospital:
            store = BrickStore(hospital.settings.data / "bricks")
            disagreeing_knowledge(store)
            node = Node.open("hospital", EngineSettings(kind="none"), store.folder)
            node.engine, node._budget = engine, type(node._budget)(120, 240.0)
            node._known = node._learned(node._known.grounder)
            hospital.__dict__["node"] = node
            around = Around(lambda: node, hospital.experts, hospital.auditor.chat, None, **PATIENT)
            hospital.opinions._around = around
            hospital.opinions._turns._patience = PATIENT["patience"]
            async with running(hospital) as client:
                for name in names:
                    expert_brick(store, name)
                    await hospital.experts.push(name)
                yield hospital, lay(hospital, QUESTION, draft=None), client

    return make


@pytest_asyncio.fixture
async def llama():
    made = LlamaEngine(embedded_model(), threads=1, authoring=Authoring.PHRASE)
    yield made
    await made.close()


async def events(client: httpx.AsyncClient, id_: str) -> AsyncIterator[tuple[str, Any, float]]:
    """What the page is told while experts answer, each with the seconds since it was asked."""
    page = await client.get(f"/portal/referrals/{id_}")
    csrf = page.text.partition('name="csrf" content="')[2].partition('"')[0]
    began = time.monotonic()
    address = f"/portal/api/referrals/{id_}/opinions"
    headers = {"x-csrf-token": csrf, "origin": str(client.base_url).rstrip("/")}
    async with client.stream("POST", address, headers=headers) as reply:
        assert reply.status_code == 200, await reply.aread()
        name = ""
        async for line in reply.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                yield name, json.loads(line[6:]), round(time.monotonic() - began, 1)


async def until(so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(60):
        while not so():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def held_to_sources(hospital, told) -> None:
    """Whatever a model wrote: what is shown stands in a source word for word, and is cited."""
    passages = {p.id: p for p in hospital.node.index.passages}
    for one in told.opinions:
        for said in one.sentences:
            assert said.citations
            assert any(said.text in passages[id_].sentences for id_ in said.citations)
        assert bool(one.sentences) == (one.outcome == "said")


async def test_five_experts_answer_or_say_why_not_and_contradict_statement_by_statement(
    asked_of, llama, record_property
):
    names = ("heart", "kidney", "lab", "medicines", "skin")
    async with asked_of(llama, *names) as (hospital, id_, client):
        seen = [one async for one in events(client, id_)]
        told = hospital.opinions.last(id_)
        page = (await client.get(f"/portal/referrals/{id_}")).text
    record_property("seconds", [(name, at) for name, _, at in seen])
    assert [name for name, _, _ in seen] == ["began", "opinion"] * 5 + ["round"]
    held_to_sources(hospital, told)
    by = {one.by: one for one in told.opinions}
    assert by["heart"].sentences[0].text == MOST.format(3)
    assert by["kidney"].sentences[0].text == MOST.format(2)
    assert by["medicines"].sentences[-1].text == CALL
    assert by["skin"].outcome == "unsourced"
    assert (by["heart"].own, by["medicines"].own) == (True, False)
    found = {(one.kind, one.first, one.second) for one in told.disagreements}
    assert ("numbers", "heart", "kidney") in found
    assert told.verdict == "contradict"
    assert "Gave no opinion" in page
    assert "AMBER" not in page
    assert "Without a choice Skin takes its questions: it was put in place last." in page


async def test_an_expert_that_does_not_know_is_told_to_have_said_nothing(asked_of, llama):
    async with asked_of(llama, "lab") as (hospital, _, client):
        id_ = lay(hospital, "What is marsh fever?", draft=None)
        seen = [said async for name, said, _ in events(client, id_) if name == "opinion"]
        assert seen == [{"by": "lab", "outcome": "silent"}]
        assert hospital.opinions.last(id_).verdict == "none"


async def test_who_leaves_ends_what_the_experts_still_do_and_nothing_is_kept(asked_of, llama):
    async with asked_of(llama, "heart", "kidney", "medicines") as (hospital, id_, client):
        coming = events(client, id_)
        assert (await anext(coming))[0] == "began"
        await until(lambda: llama.health().requests == 1)
        await coming.aclose()
        await until(lambda: llama.health().requests == 0)
        turns = hospital.opinions._turns._own
        assert (turns.running, turns.waiting) == (0, 0)
        assert hospital.opinions.last(id_) is None


async def test_an_expert_that_is_taken_away_or_too_slow_is_named_and_the_others_answer(
    asked_of, llama
):
    async with asked_of(llama, "heart", "kidney", "medicines") as (hospital, id_, client):
        coming = events(client, id_)
        assert (await anext(coming))[1] == {"by": "heart"}
        await hospital.experts.pop("medicines")
        rest = [one async for one in coming]
        told = hospital.opinions.last(id_)
        outcomes = {one.by: one.outcome for one in told.opinions}
        assert outcomes == {"heart": "said", "kidney": "said", "medicines": "gone"}
        assert rest[-1][0] == "round"
        around = hospital.opinions._around
        hospital.opinions._around = Around(around.node, around.experts, around.audit, None, 0.01)
        seen = [said async for name, said, _ in events(client, id_) if name == "opinion"]
        assert {one["outcome"] for one in seen} == {"time"}
        held_to_sources(hospital, hospital.opinions.last(id_))
        assert hospital.opinions.last(id_).verdict == "none"


async def test_three_experts_of_a_real_vllm_answer_at_once(asked_of, vllm, tmp_path):
    engine = vllm.engine(tmp_path / "vllm", slots=3)
    engine.card = type(engine.card)(
        engine.card.name, engine.card.digest, engine.card.context, Authoring.PHRASE
    )
    await engine.start()
    try:
        async with asked_of(engine, "heart", "kidney", "medicines") as (hospital, id_, client):
            seen = [one async for one in events(client, id_)]
            told = hospital.opinions.last(id_)
    finally:
        await engine.close()
    assert [name for name, _, _ in seen[:3]] == ["began"] * 3
    held_to_sources(hospital, told)
    said = {one.by: one.outcome for one in told.opinions if one.by != DRAFT}
    assert set(said.values()) <= {"said", "unsourced", "silent"}
    assert said["heart"] == said["kidney"] == "said"
    assert told.verdict == "contradict"
