"""The HTTP engine against an OpenAI-compatible server in this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

from services.engines.errors import (
    ContextOverflowError,
    EngineBusyError,
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
)
from services.engines.http import HttpEngine
from services.engines.protocol import Authoring, Budget, Prompt

PROMPT = Prompt(system="Be brief.", user="What is asthma?")


def event(piece: str | None) -> str:
    delta = {} if piece is None else {"content": piece}
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta}]})}\n\n"


class Server:
    """Plays a list of raw stream lines, or whatever ``reply`` makes; remembers what was asked."""

    def __init__(self, lines: list[str] | None = None, reply: Callable[[], Any] | None = None):
        self.asked: list[tuple[dict[str, Any], str | None]] = []
        self.app = FastAPI()

        async def stream() -> AsyncIterator[str]:
            for line in lines or []:
                yield line

        @self.app.post("/v1/chat/completions")
        async def complete(request: Request):
            self.asked.append((await request.json(), request.headers.get("authorization")))
            if reply is not None:
                return reply()
            return StreamingResponse(stream(), media_type="text/event-stream")

    def engine(self, **more: Any) -> HttpEngine:
        transport = httpx.ASGITransport(app=self.app)
        return HttpEngine("http://engine.test/v1", "base", transport=transport, **more)


async def collect(engine: HttpEngine, budget: Budget | None = None) -> str:
    async with contextlib.aclosing(engine.generate(PROMPT, budget or Budget())) as stream:
        return "".join([piece async for piece in stream])


async def test_pieces_are_joined_in_order_until_done():
    server = Server([event("Asthma "), event(None), event("is common."), "data: [DONE]\n\n"])
    assert await collect(server.engine()) == "Asthma is common."


async def test_nothing_after_done_is_read():
    server = Server([event("a"), "data: [DONE]\n\n", event("b")])
    assert await collect(server.engine()) == "a"


async def test_the_request_is_that_of_the_protocol():
    server = Server(["data: [DONE]\n\n"])
    await collect(server.engine(api_key="secret"), Budget(tokens=7, seconds=3))
    body, authorization = server.asked[0]
    assert authorization == "Bearer secret"
    assert body == {
        "model": "base",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is asthma?"},
        ],
        "max_tokens": 7,
        "temperature": 0.0,
        "stream": True,
    }


async def test_comments_empty_lines_and_other_fields_are_passed_over():
    lines = [": ping\n\n", "event: x\n", "id: 4\n", event("a"), "\n\n", "data: [DONE]\n\n"]
    assert await collect(Server(lines).engine()) == "a"


@pytest.mark.parametrize(
    "choices",
    [
        "[]",
        "null",
        '[{"delta": null}]',
        '[{"delta": {"content": null}}]',
        '[{"delta": {"role": "assistant"}}]',
    ],
)
async def test_an_event_without_words_says_nothing(choices):
    lines = [f'data: {{"choices": {choices}}}\n\n', "data: [DONE]\n\n"]
    assert await collect(Server(lines).engine()) == ""


@pytest.mark.parametrize(
    "data",
    [
        '{"choices": [',
        "{",
        "nonsense",
        "5",
        "[1]",
        '"text"',
        "null",
        '{"choices": 5}',
        '{"choices": ["x"]}',
        '{"choices": [{"delta": "x"}]}',
        '{"choices": [{"delta": {"content": 5}}]}',
        '{"choices": [{"delta": {"content": {"a": 1}}}]}',
    ],
)
async def test_a_broken_event_is_a_typed_error(data):
    with pytest.raises(EngineError, match="broken event"):
        await collect(Server([event("a"), f"data: {data}\n\n"]).engine())


async def test_an_error_within_the_stream_breaks_off_without_its_text():
    lines = [event("a"), 'data: {"error": {"message": "the prompt was: Ana has asthma"}}\n\n']
    with pytest.raises(EngineError) as raised:
        await collect(Server(lines).engine())
    assert "Ana" not in raised.value.message


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, "slow down", EngineBusyError),
        (400, "This model's maximum context length is 2048 tokens", ContextOverflowError),
        (400, "exceeds the available context size", ContextOverflowError),
        (400, "bad request", EngineError),
        (401, "no key", EngineUnavailableError),
        (403, "no", EngineUnavailableError),
        (404, "no such model", EngineUnavailableError),
        (503, "loading", EngineUnavailableError),
        (500, "Traceback: secret", EngineError),
        (302, "", EngineError),
    ],
)
async def test_a_refusal_is_a_typed_error_without_the_servers_text(status, body, kind):
    server = Server(reply=lambda: PlainTextResponse(body, status))
    with pytest.raises(EngineError) as raised:
        await collect(server.engine())
    assert type(raised.value) is kind
    assert "secret" not in raised.value.message


async def test_an_answer_that_is_no_stream_says_nothing():
    server = Server(reply=lambda: JSONResponse({"choices": []}))
    assert await collect(server.engine()) == ""


class Slow(httpx.AsyncByteStream):
    """A body that trickles: a line, then a pause, for ever."""

    def __init__(self, line: str, pause: float) -> None:
        self.line, self.pause, self.closed = line.encode(), pause, False

    async def __aiter__(self):
        while True:
            yield self.line
            await asyncio.sleep(self.pause)

    async def aclose(self) -> None:
        self.closed = True


def trickling(line: str, pause: float = 0.01) -> tuple[HttpEngine, Slow]:
    stream = Slow(line, pause)
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, stream=stream))
    return HttpEngine("http://engine.test/v1", "base", transport=transport), stream


@pytest.mark.parametrize("line", [event("word "), ": still there\n\n"])
async def test_a_stream_that_never_ends_is_ended_by_the_time_budget(line):
    engine, stream = trickling(line)
    with pytest.raises(EngineTimeoutError):
        await asyncio.wait_for(collect(engine, Budget(seconds=0.2)), 5)
    assert stream.closed


async def test_leaving_early_closes_the_connection():
    engine, stream = trickling(event("word "))
    async with contextlib.aclosing(engine.generate(PROMPT, Budget())) as pieces:
        async for _piece in pieces:
            break
    assert stream.closed


async def test_cancelling_closes_the_connection():
    engine, stream = trickling(event("word "))
    task = asyncio.create_task(collect(engine))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stream.closed


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("no"), EngineUnavailableError),
        (httpx.ReadError("reset"), EngineUnavailableError),
        (httpx.RemoteProtocolError("bad"), EngineUnavailableError),
        (httpx.ConnectTimeout("slow"), EngineTimeoutError),
        (httpx.ReadTimeout("slow"), EngineTimeoutError),
    ],
)
async def test_a_dead_server_is_a_typed_error(error, kind):
    def fail(_request: httpx.Request) -> httpx.Response:
        raise error

    engine = HttpEngine("http://engine.test/v1", "base", transport=httpx.MockTransport(fail))
    with pytest.raises(kind):
        await collect(engine)


async def test_a_closed_engine_says_so():
    engine = Server().engine()
    await engine.close()
    await engine.close()
    with pytest.raises(EngineUnavailableError):
        await collect(engine)


def test_the_card_names_the_model_and_what_it_may_do():
    card = HttpEngine("http://x/v1", "base", authoring=Authoring.PHRASE, context=4096).card
    assert (card.name, card.digest, card.context) == ("base", "served:base", 4096)
    assert card.authoring is Authoring.PHRASE
