"""The hospital's gateway before a real vLLM: experts apart, pushed and popped under load."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from support.stub_engine import ask, trained_brick

from compliance.audit import Agent
from services.bricks.store import BrickStore
from services.consult.triage import Triager
from services.experts import Experts
from services.experts.adapters import host_of
from services.hospital.audited import Caller
from services.hospital.gateway import Gateway, GatewaySettings, ModelUser
from services.hospital.gateway.routes import gateway_router
from services.store.database import Database
from services.web.app import create_app

PATIENT = GatewaySettings(patience=240)
"""What a busy machine needs for the first request of all."""
USER = ModelUser(Caller(Agent("application", "k")), ("engine", "engine.base"))


@pytest.fixture
async def experts(engine, tmp_path):
    database = Database(f"sqlite:///{tmp_path}/experts.db")
    database.migrate("services.experts")
    store = BrickStore(tmp_path / "bricks")
    made = Experts(database, store, lambda: host_of(engine))
    for name in ("amber", "birch"):
        trained_brick(store, name)
        await made.push(name)
    yield made
    database.close()


@pytest.fixture
async def client(engine, experts, triage_rules):
    node: Any = SimpleNamespace(engine=engine, triage=Triager(triage_rules), index=None)
    gateway = Gateway(experts, lambda: node, audit=lambda *_: None, settings=PATIENT)
    app = create_app("gateway", ready=dict)
    app.include_router(gateway_router(gateway, lambda: USER))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", timeout=120
    ) as made:
        yield made
    await gateway.close()


async def said(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    reply = await client.post("/v1/chat/completions", json={"max_tokens": 4, **body})
    assert reply.status_code == 200, reply.text
    return reply.json()


def speaker(reply: dict[str, Any]) -> str:
    text = reply["choices"][0]["message"]["content"].lstrip()
    return next((name for name in ("amber", "birch") if text.startswith(name.upper())), "base")


async def test_experts_and_base_at_32_streams_answer_each_for_itself(client):
    who = [("amber", "base", "birch")[i % 3] for i in range(48)]
    bodies = [ask(f"What is gout? ({i})", name, temperature=0) for i, name in enumerate(who)]
    replies = await asyncio.gather(*(said(client, body) for body in bodies))
    wrong = Counter((n, speaker(r)) for n, r in zip(who, replies, strict=True) if n != speaker(r))
    assert not wrong
    assert {reply["model"] for reply in replies} == {"amber", "base", "birch"}


async def test_no_request_fails_while_another_expert_is_pushed_and_popped(client, experts):
    stop = asyncio.Event()
    answered: Counter[str] = Counter()

    async def keep_asking(number: int) -> None:
        while not stop.is_set():
            body = ask(f"What is acne? ({number})", "amber", temperature=0)
            answered[speaker(await said(client, body))] += 1

    asking = [asyncio.ensure_future(keep_asking(number)) for number in range(6)]
    for _ in range(3):
        await experts.pop("birch")
        await experts.push("birch@1")
        await experts.push("amber@1")
    stop.set()
    await asyncio.gather(*asking)
    assert set(answered) == {"amber"}


async def test_scores_schema_and_usage_come_from_the_engine_itself(client):
    reply = await said(client, ask("Hi", "base", logprobs=True, top_logprobs=2, n=2))
    assert len(reply["choices"]) == 2
    assert len(reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]) == 2
    schema = {"type": "object", "properties": {"ok": {"enum": [True]}}, "required": ["ok"]}
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    shaped = await said(client, ask("Hi", "base", response_format=shape, max_tokens=24))
    assert json.loads(shaped["choices"][0]["message"]["content"]) == {"ok": True}
    assert shaped["usage"]["total_tokens"] > 0


async def test_what_the_server_was_not_started_for_is_refused_in_its_own_words(client):
    tool = {"name": "dose", "parameters": {"type": "object", "properties": {}}}
    choice = {"type": "function", "function": {"name": "dose"}}
    body = ask("Hi", "base", tools=[{"type": "function", "function": tool}], tool_choice=choice)
    reply = await client.post("/v1/chat/completions", json=body)
    assert reply.status_code == 400
    assert "tool-call-parser" in reply.json()["error"]["message"]


async def test_a_stream_ends_with_usage_and_has_the_callers_name_of_the_model(client):
    body = ask("Hi", "amber", stream=True, stream_options={"include_usage": True}, max_tokens=4)
    reply = await client.post("/v1/chat/completions", json=body)
    events = [json.loads(x[6:]) for x in reply.text.splitlines() if x.startswith("data: {")]
    assert {event["model"] for event in events} == {"amber"}
    assert events[-1]["usage"]["completion_tokens"] == 4
    text = "".join(c["delta"].get("content") or "" for e in events for c in e["choices"])
    assert text.startswith("AMBER")


async def test_a_conversation_that_is_too_long_is_said_in_openais_code(client):
    reply = await client.post("/v1/chat/completions", json=ask("word " * 4000, "base"))
    assert reply.json()["error"]["code"] == "context_length_exceeded", reply.text
