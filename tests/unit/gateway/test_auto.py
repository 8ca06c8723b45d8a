"""The model ``auto``: the gate chooses, and a question of two fields goes to two experts."""

from __future__ import annotations

import numpy as np
import openai
import pytest
from support.stub_engine import ask

from services.experts import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOTH = "What is amber and how is birch grown?"


class Nowhere:
    """Embeds every text at one place, so that names alone decide."""

    def encode(self, texts):
        return np.full((len(texts), 4), 0.5, np.float32)


@pytest.fixture
def auto(here, monkeypatch):
    monkeypatch.setattr(here.gateway, "_gate", Gate(Nowhere(), 0.5))
    return here


def heard(here) -> list[tuple[str, str]]:
    """Who was asked what."""
    return [(b["model"].partition("@")[0], b["messages"][-1]["content"]) for b in here.stub.seen]


async def test_the_expert_that_the_gate_chooses_answers_and_is_named(auto):
    reply = await auto.post(ask("Is amber a stone?", "auto"))
    assert reply.headers["x-caretier-model"] == "amber"
    assert reply.json()["model"] == "auto"
    assert heard(auto) == [("amber", "Is amber a stone?")]
    assert auto.audited == [("all", "amber")]


async def test_each_part_goes_to_its_expert_and_the_answers_are_joined_in_order(auto):
    reply = await auto.post(ask(BOTH, "auto"))
    assert heard(auto) == [("amber", "What is amber"), ("birch", "how is birch grown?")]
    said = reply.json()
    first, second = said["choices"][0]["message"]["content"].split("\n\n")
    assert first.endswith("What is amber")
    assert second.endswith("how is birch grown?")
    assert said["usage"]["total_tokens"] == 24
    assert said["caretier"]["parts"] == [
        {"model": "amber", "text": "What is amber"},
        {"model": "birch", "text": "how is birch grown?"},
    ]
    assert auto.audited == [("all", "amber"), ("all", "birch")]


async def test_a_key_reaches_through_the_gate_only_the_experts_of_its_scopes(auto):
    auto.user("narrow", "engine.auto engine.amber")
    auto.user("empty", "engine.auto")
    await auto.post(ask(BOTH, "auto"), "narrow")
    assert heard(auto) == [("amber", "What is amber")]
    for key, text in (("narrow", "How is birch grown?"), ("empty", "What is amber?")):
        assert (await auto.post(ask(text, "auto"), key)).status_code == 404
    assert len(auto.stub.seen) == 1
    listed = {key: {m["id"] for m in auto.gateway.models(auto.users[key])} for key in auto.users}
    assert (listed["narrow"], listed["empty"]) == ({"auto", "amber"}, set())


async def test_a_stream_of_two_experts_is_one_stream(auto):
    body = ask(BOTH, "auto", stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in await auto.client().chat.completions.create(**body)]
    words = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert words.count("heard") == 2
    assert "\n\n" in words
    assert len({chunk.id for chunk in chunks}) == 1
    ends = [c.choices[0].finish_reason for c in chunks if c.choices]
    assert ends.count("stop") == 1
    assert ends[-1] == "stop"
    assert chunks[-1].usage.total_tokens == 24


async def test_a_part_without_an_expert_is_not_put_to_one_of_another_field(auto):
    await auto.post(ask("What is amber and how is asthma treated?", "auto"))
    assert heard(auto) == [("amber", "What is amber")]


async def test_a_request_for_tools_goes_to_one_expert_as_it_is(auto):
    tools = [{"type": "function", "function": {"name": "dose"}}]
    await auto.post(ask(BOTH, "auto", tools=tools))
    assert heard(auto) == [("amber", BOTH)]


@pytest.mark.parametrize("text", ["Hello", "How is asthma treated?"])
async def test_where_no_expert_fits_nobody_guesses(auto, text):
    with pytest.raises(openai.NotFoundError):
        await auto.client().chat.completions.create(**ask(text, "auto"))
    assert auto.stub.seen == []


@pytest.mark.parametrize("stream", [False, True])
async def test_one_of_two_that_fails_is_not_passed_over(auto, stream):
    auto.stub.plain, auto.stub.broken_after = b'{"choices": []}', 1
    reply = await auto.post(ask(BOTH, "auto", stream=stream))
    assert reply.json() if not stream else "[DONE]" not in reply.text
    assert "engine_" in reply.text
