"""What is said to an OpenAI-compatible server, and what its answers mean.

Answers are read defensively: a broken one is a typed error, and a server's own text never comes
out of here, because it may repeat the prompt.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator
from typing import Any

import httpx

from services.engines.errors import (
    ContextOverflowError,
    EngineBusyError,
    EngineError,
    EngineUnavailableError,
)
from services.engines.protocol import Budget, Completion, Prompt, TokenScore

MAX_ANSWER_BYTES = 8 * 2**20
"""Of a whole answer; its scores are the most of it."""
_BROKEN = (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError)


def chat_body(model: str, prompt: Prompt, budget: Budget, **more: Any) -> dict[str, Any]:
    """The body of a chat completion request; ``more`` are further fields of it."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": prompt.user},
        ],
        "max_tokens": budget.tokens,
        "temperature": prompt.temperature,
        **more,
    }
    if prompt.schema is not None:
        wanted = {"name": "answer", "schema": dict(prompt.schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    return body


async def require_success(reply: httpx.Response) -> None:
    """Turn an error status into a typed error.

    Raises:
        EngineError: or one of its kinds, by the status.
    """
    if reply.is_success:
        return
    detail = (await reply.aread())[:2000].decode(errors="replace").lower()
    if reply.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise EngineBusyError("The engine's server is at its limit.")
    if "context" in detail or "maximum" in detail:
        raise ContextOverflowError("The prompt is too long for the engine's context.")
    if reply.status_code in {401, 403, 404, 502, 503}:
        raise EngineUnavailableError(f"The engine's server refused ({reply.status_code}).")
    raise EngineError(f"The engine's server answered {reply.status_code}.")


async def stream_pieces(reply: httpx.Response) -> AsyncIterator[str]:
    """Pieces of a streamed answer.

    A line without words gives an empty piece, so that the caller sees time pass.

    Raises:
        EngineError: an event is broken, or says that the server broke off.
    """
    async for line in reply.aiter_lines():
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if data == "[DONE]":
            return
        yield _words(data) if data else ""


def _words(data: str) -> str:
    """The words of one event."""
    try:
        event: dict[str, Any] = json.loads(data)
        if "error" in event:
            raise EngineError("The engine's server broke the answer off.")
        deltas = [choice.get("delta") or {} for choice in event.get("choices") or []]
        return "".join([delta.get("content") or "" for delta in deltas])
    except _BROKEN as error:
        raise EngineError("The engine's server sent a broken event.") from error


async def whole_answer(reply: httpx.Response) -> Completion:
    """The answer of a request that was not streamed.

    Raises:
        EngineError: it is broken or longer than MAX_ANSWER_BYTES.
    """
    content = bytearray()
    async for chunk in reply.aiter_bytes():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise EngineError("The engine's server sent too long an answer.")
    try:
        return _completion(json.loads(content))
    except _BROKEN as error:
        raise EngineError("The engine's server sent a broken answer.") from error


def _completion(answer: dict[str, Any]) -> Completion:
    choice, usage = answer["choices"][0], answer.get("usage") or {}
    text = choice["message"]["content"] or ""
    if not isinstance(text, str):
        raise TypeError("the content is no text")  # caught above, never comes out
    return Completion(
        text=text,
        finish="length" if choice.get("finish_reason") == "length" else "stop",
        prompt_tokens=int(usage.get("prompt_tokens") or 0),
        completion_tokens=int(usage.get("completion_tokens") or 0),
        scores=tuple(_score(s) for s in (choice.get("logprobs") or {}).get("content") or []),
    )


def _score(token: dict[str, Any]) -> TokenScore:
    logprob = float(token["logprob"])
    if not math.isfinite(logprob):
        raise ValueError("a logarithm that is no number")
    return TokenScore(str(token["token"]), logprob)
