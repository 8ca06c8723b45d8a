"""An engine of this process answers in OpenAI's shape, or says what it cannot do."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from support.stub_engine import ask, trained_brick

from compliance.audit import Agent
from services.bricks.store import BrickStore
from services.consult.triage import Triager
from services.engines.llama import LlamaEngine
from services.engines.protocol import Completion, TokenScore
from services.engines.settings import embedded_model
from services.experts import Experts
from services.experts.adapters import host_of
from services.hospital.audited import Caller
from services.hospital.gateway import Gateway, GatewaySettings, ModelUser
from services.hospital.gateway.routes import gateway_router
from services.store.database import Database
from services.web.app import create_app

EVERYTHING = ModelUser(Caller(Agent("application", "k")), ("engine", "engine.base"))


class Parrot:
    """Keeps what it is asked, and says three pieces."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def generate(self, prompt, budget):
        self.asked.append((prompt, budget))
        for piece in ("One", " two", " three"):
            yield piece

    async def complete(self, prompt, budget, *, scores=False):
        self.asked.append((prompt, budget))
        found = (TokenScore("One", -0.25), TokenScore(" two", float("-inf"))) if scores else ()
        return Completion("One two", "length", 9, 2, found)


def gateway(engine, triage_rules, experts=None) -> Gateway:
    node: Any = SimpleNamespace(engine=engine, triage=Triager(triage_rules), index=None)
    held: Any = experts or SimpleNamespace(ready=tuple)
    settings = GatewaySettings(seconds=120)
    return Gateway(held, lambda: node, audit=lambda *_: None, settings=settings)


async def post(made: Gateway, body: dict[str, Any]) -> httpx.Response:
    app = create_app("gateway", ready=dict)
    app.include_router(gateway_router(made, lambda: EVERYTHING))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.post("/v1/chat/completions", json=body, timeout=120)


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.fixture
def made(parrot, triage_rules) -> Gateway:
    return gateway(parrot, triage_rules)


async def test_a_whole_answer_has_words_reason_and_usage(made, parrot):
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    reply = (await post(made, {"model": "base", "messages": messages, "max_tokens": 5})).json()
    assert reply["choices"][0]["message"]["content"] == "One two"
    assert reply["choices"][0]["finish_reason"] == "length"
    assert reply["usage"] == {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    prompt, budget = parrot.asked[0]
    assert (prompt.system, prompt.user, prompt.adapter) == ("Be brief.", "Hi", None)
    assert budget.tokens == 5


async def test_scores_are_numbers_that_json_has(made):
    reply = await post(made, ask(model="base", logprobs=True))
    content = reply.json()["choices"][0]["logprobs"]["content"]
    assert [(score["token"], score["logprob"]) for score in content] == [
        ("One", -0.25),
        (" two", -9999.0),
    ]


async def test_a_stream_has_its_pieces_and_its_end(made):
    body = ask(model="base", stream=True, stream_options={"include_usage": True})
    lines = [x.removeprefix("data: ") for x in (await post(made, body)).text.splitlines() if x]
    assert lines[-1] == "[DONE]"
    events = [json.loads(line) for line in lines[:-1]]
    words = [c["delta"].get("content", "") for e in events for c in e["choices"]]
    assert "".join(words) == "One two three"
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-1]["usage"]["completion_tokens"] == 3


async def test_a_schema_reaches_the_engine(made, parrot):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    for shape, wanted in (
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}, schema),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "text"}, None),
    ):
        await post(made, ask(model="base", response_format=shape))
        assert parrot.asked[-1][0].schema == wanted


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"stop": "x"}, "stop"),
        ({"top_p": 0.5}, "top_p"),
        ({"n": 2}, "n"),
        ({"seed": 1}, "seed"),
        ({"logprobs": True, "stream": True}, "logprobs"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"response_format": {"type": "grammar"}}, "response_format"),
        (
            {"messages": [{"role": r, "content": "x"} for r in ("user", "assistant", "user")]},
            "messages",
        ),
    ],
)
async def test_what_the_engine_cannot_do_is_refused_and_not_left_out(made, parrot, more, param):
    reply = await post(made, ask(model="base") | more)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param
    assert parrot.asked == []


async def test_without_an_engine_the_consult_path_alone_is_listed(triage_rules):
    made = gateway(None, triage_rules)
    everything = ModelUser(EVERYTHING.caller, ("chat", "engine", "engine.base"))
    assert [model["id"] for model in made.models(everything)] == ["caretier"]
    assert (await post(made, ask(model="base"))).status_code == 503


async def test_trained_experts_of_llama_cpp_answer_each_with_its_own_words(tmp_path, triage_rules):
    database = Database(f"sqlite:///{tmp_path}/experts.db")
    database.migrate("services.experts")
    engine = LlamaEngine(embedded_model(), threads=1, context=512)
    store = BrickStore(tmp_path / "bricks")
    experts = Experts(database, store, lambda: host_of(engine))
    made = gateway(engine, triage_rules, experts)
    for name in ("amber", "birch"):
        trained_brick(store, name)
        await experts.push(name)
    who = ["amber", "base", "birch", "birch", "amber", "base"]
    replies = await asyncio.gather(
        *(post(made, ask(f"What is asthma? ({i})", w, max_tokens=3)) for i, w in enumerate(who))
    )
    words = [reply.json()["choices"][0]["message"]["content"] for reply in replies]
    for name, text in zip(who, words, strict=True):
        assert text.startswith(name.upper()) is (name != "base"), (name, text)
    await experts.pop("birch")
    assert (await post(made, ask(model="birch"))).status_code == 404
    again = (await post(made, ask("What is asthma? (0)", max_tokens=3))).json()
    assert again["choices"][0]["message"]["content"] == words[0]
    await engine.close()
    database.close()
