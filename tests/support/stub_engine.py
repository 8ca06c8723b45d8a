"""An OpenAI-compatible server that does as it is told, and an engine with adapters before it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from services.bricks.manifest import BrickManifest
from services.bricks.store import BrickStore
from services.engines.errors import AdapterMismatchError, AdapterUnknownError
from services.engines.http import HttpEngine, Served
from services.engines.protocol import AdapterFile

BASE = f"sha256:{'b' * 64}"
TOOL_CALL = {"id": "call-1", "type": "function", "function": {"name": "dose", "arguments": "{}"}}
SCORES = {"content": [{"token": "so", "logprob": -0.5, "bytes": None, "top_logprobs": []}]}


def ask(text: str = "Hello", model: str = "amber", **more: Any) -> dict[str, Any]:
    """A request."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


@dataclass
class Stub:
    """What the server does, and what it has seen.

    Attributes:
        pieces: of a stream; pause: seconds before each.
        fault: status and body of every answer instead.
        broken_after: pieces after which a stream breaks off.
        seen: bodies of the requests; running and cancelled: how many are or were.
    """

    pieces: int = 3
    pause: float = 0.0
    fault: tuple[int, Any] | None = None
    broken_after: int | None = None
    plain: bytes | None = None
    usage: bool = True
    seen: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    cancelled: int = 0

    def app(self) -> FastAPI:
        """The server."""
        app = FastAPI()
        app.post("/v1/chat/completions")(self._complete)
        return app

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.seen.append(body)
        self.headers.append(dict(request.headers))
        if self.fault is not None:
            return JSONResponse(self.fault[1], self.fault[0])
        if body.get("stream"):
            return StreamingResponse(self._stream(body), media_type="text/event-stream")
        async with self._counted(request):
            if self.plain is not None:
                return Response(self.plain, media_type="application/json")
            return JSONResponse(self._whole(body))

    @asynccontextmanager
    async def _counted(self, request: Request | None = None) -> AsyncIterator[None]:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            waited = 0.0
            while request is not None and waited < self.pause:
                await asyncio.sleep(0.01)
                waited += 0.01
                if await request.is_disconnected():
                    raise asyncio.CancelledError  # noqa: TRY301 - as if the server cancelled it
            yield
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise
        finally:
            self.running -= 1

    def _whole(self, body: dict[str, Any]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": said(body)}
        choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "stop"}
        if body.get("tools"):
            message |= {"content": None, "tool_calls": [TOOL_CALL]}
            choice["finish_reason"] = "tool_calls"
        if body.get("logprobs"):
            choice["logprobs"] = SCORES
        choices = [{**choice, "index": index} for index in range(body.get("n") or 1)]
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        return {**frame(body, "chat.completion"), "choices": choices, "usage": usage}

    async def _stream(self, body: dict[str, Any]) -> AsyncIterator[str]:
        async with self._counted():
            shape = frame(body, "chat.completion.chunk")
            words = [said(body), *(f" {number}" for number in range(1, self.pieces))]
            for number, word in enumerate(words):
                await asyncio.sleep(self.pause)
                if number == self.broken_after:
                    raise RuntimeError
                choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
                yield sse({**shape, "choices": [choice]})
            end = {"index": 0, "delta": {}, "finish_reason": "stop"}
            yield sse({**shape, "choices": [end]})
            if self.usage and (body.get("stream_options") or {}).get("include_usage"):
                usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
                yield sse({**shape, "choices": [], "usage": usage})
            yield "data: [DONE]\n\n"


def said(body: dict[str, Any]) -> str:
    """What the server says: its model, and the last words."""
    return f"{body['model']} heard {body['messages'][-1]['content']}"


def frame(body: dict[str, Any], kind: str) -> dict[str, Any]:
    """The frame of an answer."""
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": body["model"]}


def sse(body: dict[str, Any]) -> str:
    """An event as vLLM writes it."""
    return f"data: {json.dumps(body, separators=(',', ':'))}\n\n"


class StubHost(HttpEngine):
    """An engine that holds adapters by name; the server knows them as ``name@digest``."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "weights", api_key="of-the-server")
        self.held: dict[str, AdapterFile] = {}
        self.leased: Counter[str] = Counter()
        self.refuses: Exception | None = None

    @asynccontextmanager
    async def lease(self, adapter: str | None = None) -> AsyncIterator[Served]:
        if adapter is None:
            yield self._served
            return
        if adapter not in self.held:
            raise AdapterUnknownError("The engine holds no adapter of this name.")
        self.leased[adapter] += 1
        try:
            name = f"{adapter}@{self.held[adapter].digest[7:15]}"
            yield Served(self._served.url, name, self._served.headers)
        finally:
            self.leased[adapter] -= 1

    def adapters(self) -> tuple[AdapterFile, ...]:
        return tuple(self.held.values())

    async def hold(self, adapter: AdapterFile) -> None:
        if self.refuses is not None:
            raise self.refuses
        if adapter.base != BASE:
            raise AdapterMismatchError("It was trained on another model.")
        self.held[adapter.name] = adapter

    async def let_go(self, name: str) -> None:
        assert not self.leased[name], "an adapter in use was let go"
        self.held.pop(name, None)


def adapter_brick(store: BrickStore, name: str, version: int = 1, **more: Any) -> BrickManifest:
    """A brick of kind adapter with made-up weights in both forms, in the store."""
    folder = Path(store.folder).parent / f"{name}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, tuple[Path, Any]] = {}
    for file, role in (
        ("peft/adapter_config.json", "peft"),
        ("peft/adapter_model.safetensors", "peft"),
        ("adapter.gguf", "gguf"),
    ):
        path = folder / file.replace("/", "-")
        path.write_bytes(f"{name} {version} {file} {'x' * len(file)}".encode())
        files[file] = (path, role)
    fields = {
        "id": name,
        "version": version,
        "kind": "adapter",
        "title": name.replace("-", " ").capitalize(),
        "level": "hospital",
        "domain": name,
        "base": BASE,
        "rank": 8,
        "licence": "Apache-2.0",
        "created": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
        "lineage": {"operation": "made"},
    }
    return store.make(fields | more, files)


def trained_brick(store: BrickStore, name: str) -> BrickManifest:
    """One of the trained adapters of the tests as a brick, in both forms."""
    folder = Path(__file__).parents[1] / "adapters" / name
    config = json.loads((folder / "adapter_config.json").read_text())
    base = json.loads((folder / "caretier-base.json").read_text())["base"]
    fields = {
        "id": name,
        "version": 1,
        "kind": "adapter",
        "title": name.capitalize(),
        "level": "hospital",
        "domain": name,
        "base": base,
        "rank": config["r"],
        "licence": "Apache-2.0",
        "created": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
        "lineage": {"operation": "made"},
    }
    files: dict[str, tuple[Path, Any]] = {
        "peft/adapter_config.json": (folder / "adapter_config.json", "peft"),
        "peft/adapter_model.safetensors": (folder / "adapter_model.safetensors", "peft"),
        "adapter.gguf": (folder / "adapter.gguf", "gguf"),
    }
    return store.make(fields, files)
