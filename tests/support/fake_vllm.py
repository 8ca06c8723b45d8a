"""A stand-in for vLLM's server in this process: it answers with the name that it was asked by."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

METRICS = """\
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="base"} 2.0
vllm:num_requests_running{engine="1",model_name="base"} 1.0
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="base"} 90.0
vllm:lora_requests_info{max_lora="3",running_lora_adapters="",waiting_lora_adapters=""} 1.0
"""


def problem(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "code": status}}, status)


class FakeVllm:
    """Holds adapters as vLLM does.

    Attributes:
        loaded: path by name. refuses: words that, within a name, make it fail to load.
        lora: whether it was started with adapters; updating: with changing them at run time.
        gate: requests wait for it. asked: the names that were asked, in order.
    """

    def __init__(self) -> None:
        self.loaded: dict[str, str] = {}
        self.refuses: set[str] = set()
        self.lora = self.updating = True
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[str] = []
        self.app = FastAPI()
        self.app.get("/health")(self.health)
        self.app.get("/metrics")(self.metrics)
        self.app.get("/v1/models")(self.models)
        self.app.post("/v1/chat/completions")(self.complete)
        self.app.post("/v1/load_lora_adapter")(self.load)
        self.app.post("/v1/unload_lora_adapter")(self.unload)

    async def health(self) -> Response:
        return Response()

    async def metrics(self) -> Response:
        return PlainTextResponse(METRICS)

    async def models(self) -> dict[str, Any]:
        held = [{"id": n, "root": p, "parent": "base"} for n, p in self.loaded.items()]
        return {"data": [{"id": "base", "root": "/model", "parent": None}, *held]}

    async def load(self, request: Request) -> Response:
        body = await request.json()
        name, path = body["lora_name"], body["lora_path"]
        if not self.updating:
            return JSONResponse({"detail": "Not Found"}, 404)
        if not self.lora:
            return problem(500, "Call to add_lora method failed: LoRA is not enabled")
        if name in self.loaded:
            return problem(400, f"The lora adapter '{name}' has already been loaded.")
        if not (Path(path) / "adapter_model.safetensors").is_file() or any(
            word in name for word in self.refuses
        ):
            return problem(500, "the shapes do not fit")
        self.loaded[name] = path
        return PlainTextResponse("Success")

    async def unload(self, request: Request) -> Response:
        name = (await request.json())["lora_name"]
        if self.loaded.pop(name, None) is None:
            return problem(404, "cannot be found")
        return PlainTextResponse("Success")

    async def complete(self, request: Request) -> Response:
        body = await request.json()
        model = body["model"]
        if model != "base" and model not in self.loaded:
            return problem(404, f"The model `{model}` does not exist.")
        self.asked.append(model)
        await self.gate.wait()
        if body.get("stream"):
            return StreamingResponse(self.words(model), media_type="text/event-stream")
        choice = {"message": {"content": model}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 1}
        return JSONResponse({"choices": [choice], "usage": usage})

    async def words(self, text: str) -> AsyncIterator[str]:
        yield f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n"
        yield "data: [DONE]\n\n"
