"""An upstream that costs next to nothing: it answers at once, so a gateway's own time shows.

Run as ``python -m services.engines.bench.stub PORT``. It answers chat completions, whole or
streamed, with a fixed text of WORDS words, and lists one model without adapters.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

MODEL = "stub"
WORDS = 32
_HEAD = {"id": "chatcmpl-stub", "created": 1, "model": MODEL}
_USAGE = {"prompt_tokens": 16, "completion_tokens": WORDS, "total_tokens": 16 + WORDS}


def _event(**fields: Any) -> bytes:
    body = {**_HEAD, "object": "chat.completion.chunk", **fields}
    return f"data: {json.dumps(body)}\n\n".encode()


def _delta(delta: dict[str, str], finish: str | None = None) -> list[dict[str, Any]]:
    return [{"index": 0, "delta": delta, "finish_reason": finish}]


EVENTS = [
    _event(choices=_delta({"role": "assistant", "content": ""})),
    *(_event(choices=_delta({"content": "word "})) for _ in range(WORDS)),
    _event(choices=_delta({}, "stop")),
    _event(choices=[], usage=_USAGE),
    b"data: [DONE]\n\n",
]
_MESSAGE = {"role": "assistant", "content": "word " * WORDS}
WHOLE = json.dumps(
    {
        **_HEAD,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
        "usage": _USAGE,
    }
).encode()
MODELS = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The upstream."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    path = scope["path"]
    if path.endswith("/chat/completions") and json.loads(body).get("stream"):
        await _start(send, 200, b"text/event-stream")
        for event in EVENTS:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    known = {"/v1/chat/completions": WHOLE, "/v1/models": MODELS, "/health": b"{}"}
    answer = known.get(path)
    await _start(send, 200 if answer else 404, b"application/json")
    await send({"type": "http.response.body", "body": answer or b"{}"})


async def _start(send: Send, status: int, kind: bytes) -> None:
    head = [(b"content-type", kind)]
    await send({"type": "http.response.start", "status": status, "headers": head})


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
