"""Whole answers, scores and schemas of the HTTP engine."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from services.engines.errors import (
    AdapterUnknownError,
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
)
from services.engines.http import HttpEngine
from services.engines.protocol import Budget, Completion, Prompt, TokenScore

PROMPT = Prompt(system="Be brief.", user="What is asthma?")
ANSWER = {
    "choices": [{"message": {"content": "It is."}, "finish_reason": "length"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2},
}


def engine(reply: Any, asked: list[dict] | None = None) -> HttpEngine:
    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(json.loads(request.content))
        return reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)

    return HttpEngine("http://engine.test/v1/", "base", transport=httpx.MockTransport(answer))


def scored(**token: Any) -> dict:
    choice = {**ANSWER["choices"][0], "logprobs": {"content": [token]}}
    return {**ANSWER, "choices": [choice]}


async def test_a_whole_answer_says_why_it_ended_and_what_it_used():
    answer = await engine(ANSWER).complete(PROMPT, Budget())
    assert answer == Completion("It is.", "length", 9, 2)


async def test_scores_come_with_the_answer_when_they_are_asked_for():
    asked: list[dict] = []
    made = engine(scored(token="It", logprob=-0.5), asked)
    answer = await made.complete(PROMPT, Budget(), scores=True)
    assert answer.scores == (TokenScore("It", -0.5),)
    assert asked[0]["logprobs"] is True
    await made.complete(PROMPT, Budget())
    assert "logprobs" not in asked[1]


async def test_a_schema_goes_to_the_server_as_it_is():
    asked: list[dict] = []
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    await engine(ANSWER, asked).complete(Prompt("", "?", schema=schema), Budget())
    wanted = asked[0]["response_format"]
    assert wanted["type"] == "json_schema"
    assert wanted["json_schema"]["schema"] == schema


@pytest.mark.parametrize("missing", ["usage", "content", "finish_reason"])
async def test_what_a_server_leaves_out_is_taken_for_nothing(missing):
    answer: dict[str, Any] = json.loads(json.dumps(ANSWER))
    if missing == "usage":
        del answer["usage"]
    elif missing == "content":
        answer["choices"][0]["message"]["content"] = None
    else:
        del answer["choices"][0]["finish_reason"]
    assert isinstance(await engine(answer).complete(PROMPT, Budget()), Completion)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        None,
        {},
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"message": {"content": 5}}]},
        {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": "many"}},
        scored(token="It"),
        scored(token="It", logprob="low"),
        scored(token="It", logprob="nan"),
        scored(token="It", logprob="-inf"),
        "[" * 10_000,
    ],
)
async def test_a_broken_answer_is_a_typed_error(answer):
    with pytest.raises(EngineError, match="broken"):
        await engine(answer).complete(PROMPT, Budget())


async def test_an_answer_without_an_end_is_cut_off():
    with pytest.raises(EngineError, match="too long"):
        await engine(httpx.Response(200, content=b" " * (9 << 20))).complete(PROMPT, Budget())


async def test_a_refusal_is_a_typed_error_without_the_servers_text():
    with pytest.raises(EngineError) as raised:
        await engine(httpx.Response(500, text="secret")).complete(PROMPT, Budget())
    assert "secret" not in raised.value.message


async def test_a_server_that_takes_its_time_is_ended_by_the_budget():
    async def slow(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(5)
        return httpx.Response(200, json=ANSWER)

    made = HttpEngine("http://engine.test/v1", "base", transport=httpx.MockTransport(slow))
    with pytest.raises(EngineTimeoutError):
        await made.complete(PROMPT, Budget(seconds=0.05))


async def test_an_adapter_is_never_answered_for_by_a_server_without_adapters():
    asked: list[dict] = []
    made = engine(ANSWER, asked)
    with pytest.raises(AdapterUnknownError):
        await made.complete(Prompt("", "?", adapter="cardiology"), Budget())
    with pytest.raises(AdapterUnknownError):
        _ = [p async for p in made.generate(Prompt("", "?", adapter="cardiology"), Budget())]
    assert asked == []


async def test_a_lease_says_where_and_keeps_the_key_out_of_what_is_printed():
    made = HttpEngine("http://engine.test/v1/", "base", api_key="hush")
    async with made.lease() as served:
        assert (served.url, served.model) == ("http://engine.test/v1", "base")
        assert served.headers == {"authorization": "Bearer hush"}
        assert "hush" not in repr(served)
    await made.close()
    with pytest.raises(EngineUnavailableError):
        async with made.lease():
            pass
