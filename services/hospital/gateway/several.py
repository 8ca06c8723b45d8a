"""An answer of several experts, each to its part of the question, one after the other.

The parts stand in the order of the question, separated by an empty line. One request takes one slot
at the engine, so they are not asked at once. A single part is passed through untouched.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from services.engines.errors import EngineError
from services.hospital.gateway.backend import DONE, Backend, event
from services.hospital.gateway.call import Part

BETWEEN = "\n\n"
_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


async def whole(backend: Backend, parts: Sequence[Part]) -> bytes:
    """The JSON of one completion.

    Raises:
        EngineError: as the backend, or its server sent no completion.
    """
    answers = [await backend.whole(part.chat, part.expert) for part in parts]
    if len(answers) == 1:
        return answers[0]
    try:
        found: list[dict[str, Any]] = [json.loads(answer) for answer in answers]
        choices = [one["choices"][0] for one in found]
        text = BETWEEN.join(choice["message"]["content"] or "" for choice in choices)
        usage = {name: sum(one["usage"][name] for one in found) for name in _COUNTS}
    except (ValueError, TypeError, LookupError, RecursionError):
        raise EngineError("The engine's server sent no completion.") from None
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    choice["finish_reason"] = choices[-1].get("finish_reason")
    joined = {**found[0], "choices": [choice], "usage": usage}
    return json.dumps(joined, separators=(",", ":")).encode()


async def stream(backend: Backend, parts: Sequence[Part]) -> AsyncGenerator[bytes]:
    """The events of one stream.

    Raises:
        EngineError: as the backend, or its server sent an event that is none.
    """
    if len(parts) == 1:
        async with aclosing(backend.stream(parts[0].chat, parts[0].expert)) as events:
            async for found in events:
                yield found
        return
    frame: dict[str, Any] = {}
    usage = dict.fromkeys(_COUNTS, 0)
    for part in parts:
        if frame:
            yield _piece(frame, BETWEEN)
        async with aclosing(backend.stream(part.chat, part.expert)) as events:
            async for found in events:
                if found == DONE:
                    continue
                body = _read(found)
                frame = frame or {k: body[k] for k in ("id", "object", "created", "model")}
                for name in _COUNTS:
                    usage[name] += int((body.get("usage") or {}).get(name, 0))
                if text := _text(body):
                    yield _piece(frame, text)
    yield _piece(frame, None, "stop")
    yield event({**frame, "choices": [], "usage": usage})
    yield DONE


def _piece(frame: dict[str, Any], text: str | None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"content": text}
    return event({**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _read(found: bytes) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads(found.removeprefix(b"data:"))
        if "error" in body or not {"id", "object", "created", "model"} <= body.keys():
            raise EngineError("The engine's server broke the answer off.")
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise EngineError("The engine's server sent a broken event.") from None
    return body


def _text(body: dict[str, Any]) -> str:
    deltas = [choice.get("delta") or {} for choice in body.get("choices") or []]
    return "".join(str(delta.get("content") or "") for delta in deltas)
