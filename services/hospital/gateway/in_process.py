"""An engine in this process: its words are put into OpenAI's shape.

It takes what `services.engines.protocol.Prompt` can say: one system text, one user text, a
temperature, a limit, a JSON Schema, and scores of a whole answer. What it cannot honour it refuses;
nothing that was asked for is left out in silence.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any, cast
from uuid import uuid4

from services.engines.protocol import Budget, Completion, Engine, Prompt
from services.hospital.gateway.backend import DONE, event
from services.hospital.gateway.errors import ChatRequestError
from services.hospital.gateway.request import ExpertChat

_UNABLE = (
    *("top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty", "repetition_penalty"),
    *("logit_bias", "top_logprobs", "seed", "stop", "tools", "tool_choice", "parallel_tool_calls"),
)
AT_ONCE = 4
"""Requests that the engine is given at once; it turns away what its own short queue cannot hold."""
_ANY_JSON: dict[str, Any] = {"type": "object"}


class InProcessBackend:
    """Asks an engine of this process.

    Args:
        engine: answers.
        seconds: time budget of an answer.
    """

    def __init__(self, engine: Engine, *, seconds: float) -> None:
        self._engine, self._seconds = engine, seconds
        self._room = asyncio.Semaphore(AT_ONCE)

    async def whole(self, chat: ExpertChat, adapter: str | None) -> bytes:
        """See `services.hospital.gateway.backend.Backend.whole`."""
        prompt, budget = self._prompt(chat, adapter)
        scores = bool(chat.logprobs)
        async with self._room:
            completion = await self._engine.complete(prompt, budget, scores=scores)
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": completion.text},
            "finish_reason": completion.finish,
        }
        if scores:
            choice["logprobs"] = _logprobs(completion)
        body = {
            **_frame("chat.completion", chat.model),
            "choices": [choice],
            "usage": _usage(completion.prompt_tokens, completion.completion_tokens),
        }
        return json.dumps(body, separators=(",", ":")).encode()

    async def stream(self, chat: ExpertChat, adapter: str | None) -> AsyncGenerator[bytes]:
        """See `services.hospital.gateway.backend.Backend.stream`.

        A piece is counted as one token, and the prompt by its length.
        """
        if chat.logprobs:
            raise ChatRequestError("This engine gives scores without a stream only.", "logprobs")
        prompt, budget = self._prompt(chat, adapter)
        frame = _frame("chat.completion.chunk", chat.model)
        pieces = 0
        yield _chunk(frame, {"role": "assistant", "content": ""})
        async with self._room:
            async for piece in self._engine.generate(prompt, budget):
                pieces += 1
                yield _chunk(frame, {"content": piece})
        yield _chunk(frame, {}, "length" if pieces >= budget.tokens else "stop")
        yield event({**frame, "choices": [], "usage": _usage(chat.prompt_size(), pieces)})
        yield DONE

    async def close(self) -> None:
        """The engine is the node's."""

    def _prompt(self, chat: ExpertChat, adapter: str | None) -> tuple[Prompt, Budget]:
        """What the engine is told.

        Raises:
            ChatRequestError: naming what this engine cannot do.
        """
        for name in _UNABLE:
            if getattr(chat, name) is not None:
                raise ChatRequestError(f"The engine in this process does not know {name}.", name)
        if (chat.n or 1) > 1:
            raise ChatRequestError("The engine in this process gives one choice.", "n")
        roles = [message.role for message in chat.messages]
        if roles not in (["user"], ["system", "user"]):
            message = (
                "The engine in this process takes one user message, and a system one before it."
            )
            raise ChatRequestError(message, "messages")
        prompt = Prompt(
            system=chat.messages[0].text if roles[0] == "system" else "",
            user=chat.messages[-1].text,
            temperature=chat.temperature or 0.0,
            adapter=adapter,
            schema=_schema(chat.response_format),
        )
        return prompt, Budget(chat.max_tokens or 1, self._seconds)


def _schema(wanted: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    kind = (wanted or {}).get("type", "text")
    if kind == "text":
        return None
    if kind == "json_object":
        return _ANY_JSON
    described = (wanted or {}).get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    if kind != "json_schema" or not isinstance(schema, dict):
        raise ChatRequestError("That is no JSON Schema.", "response_format")
    return cast("Mapping[str, Any]", schema)


def _frame(kind: str, model: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid4()}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
    }


def _chunk(frame: dict[str, Any], delta: dict[str, str], finish: str | None = None) -> bytes:
    return event({**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _usage(prompt: int, completion: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _logprobs(completion: Completion) -> dict[str, Any]:
    content = [
        {
            "token": score.text,
            "logprob": score.logprob if math.isfinite(score.logprob) else -9999.0,
            "bytes": list(score.text.encode()),
            "top_logprobs": [],
        }
        for score in completion.scores
    ]
    return {"content": content, "refusal": None}
