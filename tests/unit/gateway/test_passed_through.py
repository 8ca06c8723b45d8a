"""What OpenAI's own client gets of an expert: the engine's answer, whole and in a stream."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest
from support.stub_engine import TOOL_CALL, StubHost, ask

from services.hospital.gateway.request import ExpertChat
from services.hospital.gateway.served import ServedBackend

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOOLS = [{"type": "function", "function": {"name": "dose", "parameters": {"type": "object"}}}]


async def test_an_expert_answers_under_its_own_name(here):
    answer = await here.client().chat.completions.create(**ask())
    assert answer.choices[0].message.content.startswith("amber@")
    assert answer.model == "amber"
    assert answer.usage.total_tokens == 12


async def test_a_stream_is_passed_on_piece_by_piece(here):
    stream = await here.client().chat.completions.create(**ask(stream=True))
    chunks = [chunk async for chunk in stream]
    assert {chunk.model for chunk in chunks} == {"amber"}
    words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert words.endswith("heard Hello 1 2")
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_a_stream_ends_with_what_was_used_for_those_who_ask(here):
    options = {"include_usage": True}
    stream = await here.client().chat.completions.create(**ask(stream=True, stream_options=options))
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 12


async def test_the_pieces_of_a_slow_stream_come_one_by_one(here):
    here.stub.pause = 0.05
    stream = await here.client().chat.completions.create(**ask(stream=True))
    arrived = [here.stub.running async for _ in stream]
    assert arrived[0] == 1, "the first piece came while the server was still at work"


async def test_calls_of_tools_are_passed_both_ways(here):
    client = here.client()
    first = await client.chat.completions.create(**ask(tools=TOOLS, tool_choice="auto"))
    message = first.choices[0].message
    assert message.tool_calls[0].function.name == "dose"
    assert here.stub.seen[0]["tools"] == TOOLS
    messages = [
        {"role": "user", "content": "Hello"},
        message.model_dump(),
        {"role": "tool", "tool_call_id": "call-1", "content": "5 mg"},
    ]
    await client.chat.completions.create(model="amber", messages=messages)
    sent = here.stub.seen[1]["messages"]
    assert sent[1] == {"role": "assistant", "tool_calls": [TOOL_CALL]}
    assert sent[2] == {"role": "tool", "tool_call_id": "call-1", "content": "5 mg"}


async def test_scores_and_several_choices_come_through(here):
    answer = await here.client().chat.completions.create(**ask(logprobs=True, n=2))
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[0].logprobs.content[0].logprob == -0.5


async def test_sampling_and_the_shape_of_the_answer_reach_the_engine(here):
    schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    wanted = {
        "temperature": 0.2, "top_p": 0.9, "stop": ["\n"], "seed": 7, "max_tokens": 9,
        "response_format": schema,
    }  # fmt: skip
    await here.client().chat.completions.create(**ask(**wanted))
    assert {name: here.stub.seen[0][name] for name in wanted} == wanted


async def test_who_the_callers_users_are_is_not_passed_on(here):
    named = {"user": "patient-7", "metadata": {"mrn": "1"}, "store": True}
    await here.client().chat.completions.create(**ask(**named))
    assert not named.keys() & here.stub.seen[0].keys()


async def test_the_engines_key_goes_to_the_engine_and_the_callers_does_not(here):
    await here.post(ask())
    assert here.stub.headers[0]["authorization"] == "Bearer of-the-server"


async def test_every_answer_says_that_it_is_raw_and_how_urgent_the_question_is(here):
    reply = await here.post(ask("I have crushing chest pain and my left arm is numb"))
    assert reply.headers["x-caretier-notice"] == "raw model output, no medical answer"
    assert reply.headers["x-caretier-triage"].startswith("emergency; rule=")
    assert reply.json()["caretier"]["triage"]["level"] == "emergency"
    stream = await here.post(ask("What is asthma?", stream=True))
    assert stream.headers["x-caretier-triage"] == "routine"


async def test_the_bare_model_answers_under_its_own_name(here):
    reply = (await here.post(ask(model="base"))).json()
    assert reply["model"] == "base"
    assert here.stub.seen[0]["model"] == "weights"


async def test_a_message_in_parts_of_text_is_taken(here):
    parts = [{"type": "text", "text": "I have crushing"}, {"type": "text", "text": "chest pain"}]
    body = {"model": "amber", "messages": [{"role": "user", "content": parts}]}
    reply = await here.post(body)
    assert reply.headers["x-caretier-triage"].startswith("emergency")


async def test_the_servers_name_of_a_model_inside_its_words_stays(here):
    text = 'say "model":"amber@' + here.engine.held["amber"].digest[7:15] + '"'
    reply = (await here.post(ask(text))).json()
    assert text in reply["choices"][0]["message"]["content"]
    assert reply["model"] == "amber"


async def test_models_are_those_that_the_caller_may_name(here):
    here.user("one", "engine.amber")
    here.user("chat", "chat")
    names = {}
    for key in ("all", "one", "chat"):
        names[key] = [model.id async for model in here.client(key).models.list()]
    assert names == {
        "all": ["caretier", "auto", "amber", "birch", "base"],
        "one": ["amber"],
        "chat": ["caretier"],
    }


async def test_one_model_can_be_asked_for(here):
    assert (await here.client().models.retrieve("amber")).id == "amber"
    here.user("one", "engine.amber")
    for name in ("birch", "other"):
        with pytest.raises(openai.NotFoundError):
            await here.client("one").models.retrieve(name)


async def test_the_card_of_an_expert_says_that_its_words_are_no_answer(here):
    models = [model async for model in here.client().models.list()]
    card = next(m for m in models if m.id == "amber").model_extra["caretier"]
    assert card["brick"] == "amber@1"
    assert "no medical answer" in card["notice"]


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n"])
async def test_events_cut_anywhere_by_the_network_arrive_whole(here, end):
    whole = "".join(f'data: {{"model":"weights","n":{n}}}{end}' for n in range(5)).encode()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        for at in range(len(whole)):
            writer.write(whole[at : at + 1])
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        engine = StubHost(f"http://127.0.0.1:{port}/v1")
        backend = ServedBackend(engine, idle=1)
        chat = ExpertChat.read(json.dumps(ask(model="base")).encode())
        events = [event async for event in backend.stream(chat, None)]
        await backend.close()
        await engine.close()
    assert events == [f'data: {{"model":"base","n":{n}}}\n\n'.encode() for n in range(5)]
